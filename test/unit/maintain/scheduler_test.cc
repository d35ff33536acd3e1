#include <atomic>
#include <stdexcept>
#include <thread>

#include "rig.h"

using namespace mas;
using namespace mas::test;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

struct Seen {
  std::atomic<int> steps{0};
  std::atomic<bool> fails{false};
  std::atomic<bool> throws{false};
};

class CountingWorker final : public maintain::Worker {
 public:
  CountingWorker(std::string name, Seen& seen) : name_(std::move(name)), seen_(seen) {}
  [[nodiscard]] std::string name() const override { return name_; }
  Task<Result<Duration>> step() override {
    ++seen_.steps;
    if (seen_.throws) throw std::runtime_error("a bug");
    if (seen_.fails) co_return Error(Code::io, "the disk says no");
    co_return Duration(minutes(1));
  }
  void describe(maintain::WorkerStatus& status) const override {
    status.done = static_cast<std::uint64_t>(seen_.steps);
  }

 private:
  std::string name_;
  Seen& seen_;
};

struct Fixture {
  Fixture() {
    scheduler->add(std::make_unique<CountingWorker>("one", one));
    scheduler->add(std::make_unique<CountingWorker>("two", two));
  }
  ~Fixture() { run_blocking(scheduler->close()); }
  void start() {
    io.start();
    scheduler->start(io.executor(0));
    settle();
  }
  // Waits until both workers wait.
  void settle() {
    while (clock.waiting() < 2) std::this_thread::yield();
  }
  void advance(Duration d) {
    clock.advance(d);
    settle();
  }
  maintain::WorkerStatus status_of(const std::string& name) {
    for (const auto& status : scheduler->status()) {
      if (status.name == name) return status;
    }
    FAIL("no such worker");
    return {};
  }

  FakeClock clock;
  observe::Metrics metrics;
  Seen one, two;
  IoThreads io{1};
  std::unique_ptr<maintain::Scheduler> scheduler = maintain::make_scheduler(clock, metrics);
};

}  // namespace

TEST_CASE("each worker steps when its wait is over") {
  Fixture f;
  f.start();
  CHECK(f.one.steps == 1);
  CHECK(f.two.steps == 1);
  f.advance(seconds(59));
  CHECK(f.one.steps == 1);
  f.advance(seconds(1));
  CHECK(f.one.steps == 2);
  CHECK(f.two.steps == 2);
  CHECK(f.status_of("one").done == 2);
  CHECK(f.status_of("one").next_run == (f.clock.wall() + minutes(1)).unix_seconds());
  CHECK_FALSE(f.status_of("one").running);
}

TEST_CASE("a worker that fails is tried again, later each time, and says why") {
  Fixture f;
  f.one.fails = true;
  f.start();
  CHECK(f.status_of("one").last_error == "io: the disk says no");
  for (int after : {1, 2, 4, 8, 16}) {
    int before = f.one.steps;
    f.advance(seconds(after) - std::chrono::milliseconds(1));
    CHECK(f.one.steps == before);
    f.advance(std::chrono::milliseconds(1));
    CHECK(f.one.steps == before + 1);
  }
  for (int i = 0; i < 100; ++i) f.advance(minutes(5));
  CHECK(f.one.steps > 90);
  f.one.fails = false;
  f.advance(minutes(5));
  CHECK(f.status_of("one").last_error.empty());
}

TEST_CASE("a worker that is paused does nothing until it is resumed, then at once") {
  Fixture f;
  must(f.scheduler->pause("one"));
  f.start();
  CHECK(f.status_of("one").paused);
  f.advance(minutes(10));
  CHECK(f.one.steps == 0);
  CHECK(f.two.steps == 2);
  must(f.scheduler->resume("one"));
  while (f.one.steps == 0) std::this_thread::yield();
  f.settle();
  CHECK_FALSE(f.status_of("one").paused);
  CHECK(code_of(f.scheduler->pause("three")) == Code::not_found);
}

TEST_CASE("a worker that is woken steps at once, unless it is paused: then it stays so") {
  Fixture f;
  f.start();
  const int before = f.one.steps;
  must(f.scheduler->wake("one"));
  while (f.one.steps == before) std::this_thread::yield();
  f.settle();
  must(f.scheduler->pause("one"));
  f.settle();
  const int paused_at = f.one.steps;
  CHECK(code_of(f.scheduler->wake("one")) == Code::busy);
  f.settle();
  CHECK(f.status_of("one").paused);
  CHECK(f.one.steps == paused_at);
  CHECK(code_of(f.scheduler->wake("three")) == Code::not_found);
}

TEST_CASE("closing ends all waits, those of paused workers too") {
  Fixture f;
  must(f.scheduler->pause("two"));
  f.start();
  run_blocking(f.scheduler->close());
  CHECK(f.clock.waiting() == 0);
}

TEST_CASE("a worker that throws is run again like one that failed") {
  Fixture f;
  f.one.throws = true;
  f.start();
  CHECK_FALSE(f.status_of("one").running);
  CHECK_FALSE(f.status_of("one").last_error.empty());
  f.one.throws = false;
  const int before = f.one.steps;
  f.advance(seconds(1));
  CHECK(f.one.steps == before + 1);
  CHECK(f.status_of("one").last_error.empty());
}
