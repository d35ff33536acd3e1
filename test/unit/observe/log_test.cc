#include "mas/observe/log.h"

#include <catch2/catch.hpp>

#include "observe/rate_limit.h"

namespace {

using mas::log::Level;
using mas::log::OncePerMinute;
using std::chrono::seconds;

TEST_CASE("Every level's name parses and others do not") {
  Level level = Level::trace;
  CHECK(mas::log::parse_level("debug", level));
  CHECK(level == Level::debug);
  CHECK(mas::log::parse_level("error", level));
  CHECK(level == Level::error);
  for (const char* bad : {"", "INFO", "warning", "info ", "0"}) {
    CAPTURE(bad);
    CHECK_FALSE(mas::log::parse_level(bad, level));
  }
  CHECK(level == Level::error);
}

TEST_CASE("Before and after set-up only the levels asked for are enabled") {
  CHECK(mas::log::enabled(Level::warn));
  CHECK_FALSE(mas::log::enabled(Level::info));
  mas::log::set_up({Level::debug, false});
  CHECK(mas::log::enabled(Level::debug));
  CHECK_FALSE(mas::log::enabled(Level::trace));
  mas::log::set_up({Level::warn, false});
}

TEST_CASE("A key is allowed once a minute") {
  OncePerMinute limiter;
  OncePerMinute::Time start{};
  CHECK(limiter.allow("a", start));
  CHECK_FALSE(limiter.allow("a", start + seconds(59)));
  CHECK(limiter.allow("b", start + seconds(59)));
  CHECK(limiter.allow("a", start + seconds(60)));
  CHECK_FALSE(limiter.allow("a", start + seconds(61)));
}

TEST_CASE("The table of keys is bounded and gets its room back after a minute") {
  OncePerMinute limiter;
  OncePerMinute::Time start{};
  for (std::size_t i = 0; i < OncePerMinute::kMaxKeys; ++i) {
    REQUIRE(limiter.allow("key " + std::to_string(i), start));
  }
  CHECK_FALSE(limiter.allow("one more", start + seconds(1)));
  CHECK(limiter.size() == OncePerMinute::kMaxKeys);
  CHECK(limiter.allow("one more", start + seconds(60)));
  CHECK(limiter.size() == 1);
}

}  // namespace
