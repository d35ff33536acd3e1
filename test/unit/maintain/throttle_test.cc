#include "maintain/throttle.h"

#include <catch2/catch.hpp>

using namespace mas;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("background work rests by how much slower requests are, within a bound") {
  CHECK(maintain::breather(1) == Duration(0));
  CHECK(maintain::breather(1.5) == Duration(0));
  CHECK(maintain::breather(3.5) == milliseconds(100));
  CHECK(maintain::breather(5) > maintain::breather(4));
  CHECK(maintain::breather(1e9) == seconds(2));
}

TEST_CASE("a rate is time by bytes") {
  CHECK(maintain::time_of(0, 100) == Duration(0));
  CHECK(maintain::time_of(50, 100) == milliseconds(500));
  CHECK(maintain::time_of(1, 0) == seconds(1));
}
