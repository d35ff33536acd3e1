#include "mas/observe/metrics.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <thread>

namespace {

using Catch::Matchers::Contains;
using mas::observe::Metrics;

TEST_CASE("The same name and labels give the same instrument") {
  Metrics metrics;
  auto& a = metrics.counter("mas_things_total", "Things.", {{"kind", "x"}});
  auto& b = metrics.counter("mas_things_total", "Things.", {{"kind", "x"}});
  auto& other = metrics.counter("mas_things_total", "Things.", {{"kind", "y"}});
  CHECK(&a == &b);
  CHECK(&a != &other);
  a.add();
  b.add(2);
  CHECK(a.value() == 3);
  CHECK(other.value() == 0);
  CHECK(&metrics.gauge("mas_level", "Level.") == &metrics.gauge("mas_level", "Level."));
  const auto& bounds = mas::observe::latency_bounds();
  CHECK(&metrics.histogram("mas_wait_seconds", "Wait.", bounds) ==
        &metrics.histogram("mas_wait_seconds", "Wait.", bounds));
}

TEST_CASE("The text has help, type and every instrument") {
  Metrics metrics;
  metrics.counter("mas_things_total", "Things seen.", {{"kind", "a\"b"}}).add(2);
  metrics.gauge("mas_level", "Level now.").set(-1.5);
  metrics.histogram("mas_wait_seconds", "Wait.", {0.1, 1}).observe(0.5);
  std::string text = metrics.text();
  CHECK_THAT(text, Contains("# HELP mas_things_total Things seen.\n"));
  CHECK_THAT(text, Contains("# TYPE mas_things_total counter\n"));
  CHECK_THAT(text, Contains("mas_things_total{kind=\"a\\\"b\"} 2\n"));
  CHECK_THAT(text, Contains("mas_level -1.5\n"));
  CHECK_THAT(text, Contains("mas_wait_seconds_bucket{le=\"0.1\"} 0\n"));
  CHECK_THAT(text, Contains("mas_wait_seconds_bucket{le=\"1\"} 1\n"));
  CHECK_THAT(text, Contains("mas_wait_seconds_count 1\n"));
}

TEST_CASE("A refresh runs before each scrape until its handle is dropped") {
  Metrics metrics;
  auto& gauge = metrics.gauge("mas_level", "Level.");
  int runs = 0;
  auto handle = metrics.before_scrape([&] { gauge.set(++runs); });
  CHECK_THAT(metrics.text(), Contains("mas_level 1\n"));
  CHECK_THAT(metrics.text(), Contains("mas_level 2\n"));
  handle.reset();
  CHECK_THAT(metrics.text(), Contains("mas_level 2\n"));
}

TEST_CASE("A refresh may make instruments, and its handle may outlive the registry") {
  std::shared_ptr<void> handle;
  {
    Metrics metrics;
    handle = metrics.before_scrape([&] { metrics.gauge("mas_late", "Late.").set(7); });
    CHECK_THAT(metrics.text(), Contains("mas_late 7\n"));
  }
  handle.reset();
}

TEST_CASE("Counting from several threads loses nothing") {
  Metrics metrics;
  auto count = [&metrics] {
    auto& counter = metrics.counter("mas_things_total", "Things.");
    for (int i = 0; i < 20'000; ++i) counter.add();
  };
  std::thread one(count);
  std::thread two(count);
  one.join();
  two.join();
  CHECK(metrics.counter("mas_things_total", "Things.").value() == 40'000);
}

TEST_CASE("Latency bounds ascend from half a millisecond to a minute") {
  const auto& bounds = mas::observe::latency_bounds();
  CHECK(bounds.front() == 0.0005);
  CHECK(bounds.back() == 60);
  CHECK(std::is_sorted(bounds.begin(), bounds.end()));
}

}  // namespace
