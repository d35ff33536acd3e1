#include "membership/backoff.h"

#include <catch2/catch.hpp>
#include <set>

using namespace mas;
using namespace mas::membership;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("waits double up to the longest, each in the upper half") {
  auto rng = make_seeded_rng(1);
  Backoff backoff(milliseconds(250), seconds(10), *rng);
  for (Duration most :
       {milliseconds(250), milliseconds(500), milliseconds(1000), milliseconds(2000),
        milliseconds(4000), milliseconds(8000), milliseconds(10'000), milliseconds(10'000)}) {
    Duration wait = backoff.next();
    CHECK(wait <= most);
    CHECK(wait >= most / 2);
  }
  backoff.reset();
  CHECK(backoff.next() <= milliseconds(250));
}

TEST_CASE("pods do not wait equally long") {
  auto rng = make_seeded_rng(2);
  std::set<Duration> waits;
  for (int i = 0; i < 20; ++i) waits.insert(Backoff(seconds(8), seconds(10), *rng).next());
  CHECK(waits.size() == 20);
  CHECK(*waits.rbegin() - *waits.begin() > seconds(1));
}
