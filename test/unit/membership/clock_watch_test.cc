#include "membership/clock_watch.h"

#include <catch2/catch.hpp>

#include "beats.h"
#include "mas/runtime/io_threads.h"
#include "support/fake_clock.h"
#include "support/must.h"

using namespace mas;
using namespace mas::membership;
using namespace mas::membership::test;
using mas::test::FakeClock;
using std::chrono::seconds;

namespace {

// Pods whose clocks are `ahead`, and whose answers take a while.
class OtherClocks final : public Prober {
 public:
  explicit OtherClocks(FakeClock& clock) : clock_(clock) {}
  Task<Result<Identity>> ping(std::string address, Duration) override {
    asked.push_back(address);
    if (silent) co_return Error(Code::timeout, "No answer.");
    clock_.advance(takes / 2);
    Identity answer{Id128{}, slot(1), id(1), clock_.wall() + ahead};
    if (older) answer.wall.reset();
    clock_.advance(takes - takes / 2);
    co_return answer;
  }
  Task<Result<Identity>> ping_through(std::string, std::string, Duration) override {
    co_return Error(Code::closed, "Never asked.");
  }
  std::vector<std::string> asked;
  Duration ahead{};
  Duration takes{};
  bool silent = false;
  bool older = false;

 private:
  FakeClock& clock_;
};

}  // namespace

TEST_CASE("a clock that differs is found when its pod is first heard, and every minute then") {
  FakeClock clock;
  observe::Metrics metrics;
  OtherClocks others(clock);
  ClockWatch watch(others, clock, metrics);
  PodTable pods(key(0), seconds(2), seconds(10));
  auto worst = [&] {
    const std::string name = "\nmas_cluster_clock_difference_seconds ";
    const std::string text = metrics.text();
    return std::atof(text.c_str() + text.find(name) + name.size());
  };
  auto look = [&] {
    auto due = watch.due(pods, clock.now());
    if (!due) return false;
    run_blocking(watch.ask(*due, "10.0.0.1:7081", seconds(2)));
    return true;
  };
  CHECK_FALSE(look());
  pods.hear(beat(1), clock.now());
  others.ahead = std::chrono::hours(1);
  others.takes = seconds(2);
  CHECK(look());
  CHECK(worst() == 3600);
  CHECK_FALSE(look());
  others.ahead = -std::chrono::hours(1);
  clock.advance(ClockWatch::kEvery);
  CHECK(look());
  CHECK(worst() == 3600);
  // No answer, or none with a time, says nothing.
  for (bool* odd : {&others.silent, &others.older}) {
    *odd = true;
    others.ahead = {};
    clock.advance(ClockWatch::kEvery);
    CHECK(look());
    CHECK(worst() == 3600);
    *odd = false;
  }
  others.ahead = seconds(-3);
  clock.advance(ClockWatch::kEvery);
  CHECK(look());
  CHECK(worst() == 3);
  CHECK(others.asked.size() == 5);
}
