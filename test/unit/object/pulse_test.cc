#include "object/pulse.h"

#include <catch2/catch.hpp>

#include "support/fake_clock.h"

namespace mas::object {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Beat {
  // A window in which `count` steps took `each`.
  void window(Duration each, int count) {
    for (int i = 0; i < count; ++i) pulse.note(each);
    clock.advance(seconds(5));
  }
  test::FakeClock clock;
  Pulse pulse{clock};
};

TEST_CASE("strain is how much slower the slowest hundredth is than usual") {
  Beat beat;
  CHECK(beat.pulse.strain() == 1);
  beat.window(milliseconds(10), 100);
  CHECK(beat.pulse.strain() == 1);
  for (int i = 0; i < 95; ++i) beat.pulse.note(milliseconds(10));
  beat.window(milliseconds(40), 5);
  CHECK(beat.pulse.strain() > 3);
  CHECK(beat.pulse.strain() < 5);
  // One in a hundred is not seen.
  for (int i = 0; i < 199; ++i) beat.pulse.note(milliseconds(10));
  beat.window(milliseconds(40), 1);
  CHECK(beat.pulse.strain() < 1.1);
}

TEST_CASE("where hardly anybody is served there is no strain") {
  Beat beat;
  beat.window(milliseconds(10), 100);
  beat.window(milliseconds(900), 10);
  CHECK(beat.pulse.strain() == 1);
  beat.window(milliseconds(900), 100);
  CHECK(beat.pulse.strain() > 50);
  // Nothing since.
  beat.clock.advance(seconds(20));
  CHECK(beat.pulse.strain() == 1);
}

TEST_CASE("what is usual is forgotten slowly, and what nobody notices is no strain") {
  Beat beat;
  beat.window(milliseconds(10), 100);
  for (int i = 0; i < 100; ++i) beat.window(milliseconds(30), 100);
  CHECK(beat.pulse.strain() < 1.1);
  Beat fast;
  fast.window(std::chrono::microseconds(10), 100);
  fast.window(std::chrono::microseconds(900), 100);
  CHECK(fast.pulse.strain() < 1.1);
}

}  // namespace
}  // namespace mas::object
