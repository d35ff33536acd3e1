// More clients that take little than there is memory for: what was read for them is dropped for
// others, and read again.
#include "support/object_rig.h"

namespace mas::object {
namespace {

using test::hash_of;
using test::make_content;
using test::MemorySink;
using test::ObjectRig;
using test::RigOptions;

// Takes `first` bytes at once and, from then on, some now and then.
class SlowSink final : public ByteSink {
 public:
  SlowSink(std::size_t first, std::function<Task<std::size_t>()> next)
      : room_(first), next_(std::move(next)) {}

  Task<Result<void>> write(std::span<const Slice>) override {
    co_return Error(Code::internal, "It would have to wait with all of that in memory.");
  }
  Task<Result<std::size_t>> write_some(Slice given) override {
    const std::size_t size = std::min(room_, given.size());
    bytes += as_text(given.view().first(size));
    room_ -= size;
    co_return size;
  }
  Task<Result<void>> wait_for_room() override {
    auto waiting = next_();
    room_ = co_await std::move(waiting);
    co_return Result<void>();
  }
  std::string bytes;

 private:
  std::size_t room_;
  std::function<Task<std::size_t>()> next_;
};

// Every look takes half a millisecond: as files that are not in memory.
class SlowClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override {
    return real_->now() + std::chrono::microseconds(500) * looks_.fetch_add(1);
  }
  [[nodiscard]] WallTime wall() const override { return real_->wall(); }
  [[nodiscard]] std::unique_ptr<Timer> make_timer(Executor executor) override {
    return real_->make_timer(std::move(executor));
  }

 private:
  std::unique_ptr<Clock> real_ = make_system_clock();
  mutable std::atomic<int> looks_{0};
};

// Memory for eight units of downloads.
RigOptions eight_units(std::size_t pods, Clock* clock) {
  RigOptions options;
  options.pods = pods;
  options.clock = clock;
  options.object.extent = 256 * kKiB;
  options.object.buffer_budget = 8 * options.object.unit * 16 / 5 + 16;
  return options;
}

void stand_still(std::size_t pods, Clock* clock) {
  ObjectRig rig(eight_units(pods, clock));
  const std::string content = make_content(900'000);
  const meta::Object object = must(rig.put(content)).object;
  Event go_on;
  auto next = [&]() -> Task<std::size_t> {
    co_await go_on.wait();
    co_return std::size_t{70'000};
  };
  std::vector<std::unique_ptr<SlowSink>> sinks;
  for (std::size_t i = 0; i < 40; ++i) {
    sinks.push_back(std::make_unique<SlowSink>(i * 20'000, next));
  }
  std::size_t standing = 0;
  auto slow = [&](SlowSink& sink) -> Task<void> {
    must(co_await rig.objects().get(object, 0, object.size, sink));
  };
  auto quick = [&]() -> Task<void> {
    for (int times = 0; times < 3; ++times) {
      MemorySink sink;
      must(co_await rig.objects().get(object, 1000, object.size - 1000, sink));
      const bool same = sink.bytes() == content.substr(1000);
      CHECK(same);
    }
    for (auto& sink : sinks) standing += sink->bytes.size() < content.size() ? 1 : 0;
    go_on.set();
  };
  test::read_beside(sinks, slow, quick(), content);
  CHECK(standing == sinks.size());
}

TEST_CASE("clients that stand still keep nobody from reading, and get all of it") {
  stand_still(1, nullptr);
  stand_still(6, nullptr);
}

TEST_CASE("clients that stand still while the file is read ahead for them give way, too") {
  for (std::size_t pods : {1u, 6u}) {
    SlowClock clock;
    stand_still(pods, &clock);
  }
}

TEST_CASE("clients on several io threads that take turns at little memory see every byte") {
  SlowClock clock;
  RigOptions options = eight_units(6, &clock);
  options.threads = true;
  ObjectRig rig(options);
  const std::string content = make_content(400'000);
  const meta::Object object = must(rig.put(content)).object;
  IoThreads threads(3);
  threads.start();
  auto real = make_system_clock();
  std::vector<std::unique_ptr<Rng>> rngs;
  std::vector<std::unique_ptr<SlowSink>> sinks;
  std::vector<Result<void>> results(30, Error(Code::internal, "not run"));
  Gate gate;
  auto reader = [&](std::size_t i) -> Task<void> {
    results[i] = co_await rig.objects().get(object, 0, object.size, *sinks[i]);
  };
  for (std::size_t i = 0; i < results.size(); ++i) {
    rngs.push_back(make_seeded_rng(i));
    auto next = [&real, &rng = *rngs[i]]() -> Task<std::size_t> {
      const auto pause = std::chrono::microseconds(rng.u64() % 2000);
      co_await real->sleep(pause);
      co_return rng.u64() % 40'000;
    };
    sinks.push_back(std::make_unique<SlowSink>(1000, next));
    spawn(threads.executor(i % 3), gate, reader(i), "reader");
  }
  run_blocking(gate.close());
  for (std::size_t i = 0; i < results.size(); ++i) {
    CHECK(results[i].has_value());
    const bool same = sinks[i]->bytes == content;
    CHECK(same);
  }
}

TEST_CASE("clients of a small piece of a file that stand still hold nothing either") {
  for (std::size_t pods : {1u, 6u}) {
    ObjectRig rig(eight_units(pods, nullptr));
    const std::string content = make_content(15'000);
    const meta::Object object = must(rig.put(content)).object;
    Event go_on;
    auto next = [&]() -> Task<std::size_t> {
      co_await go_on.wait();
      co_return std::size_t{900};
    };
    std::vector<std::unique_ptr<SlowSink>> sinks;
    for (std::size_t i = 0; i < 40; ++i) {
      sinks.push_back(std::make_unique<SlowSink>(i * 100, next));
    }
    auto slow = [&](SlowSink& sink) -> Task<void> {
      must(co_await rig.objects().get(object, 5'000, 7'000, sink));
    };
    auto quick = [&]() -> Task<void> {
      MemorySink sink;
      must(co_await rig.objects().get(object, 0, object.size, sink));
      CHECK(sink.bytes().size() == content.size());
      go_on.set();
    };
    test::read_beside(sinks, slow, quick(), content.substr(5'000, 7'000));
  }
}

}  // namespace
}  // namespace mas::object
