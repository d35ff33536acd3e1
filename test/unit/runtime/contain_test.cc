#include "mas/runtime/contain.h"

#include <catch2/catch.hpp>
#include <new>
#include <stdexcept>

#include "mas/runtime/io_threads.h"

using namespace mas;

namespace {

Task<Result<int>> give(int value) { co_return value; }
Task<Result<int>> refuse() { co_return Error(Code::busy, "Not now."); }
Task<Result<int>> fall() {
  throw std::runtime_error("a bug");
  co_return 1;
}
Task<Result<int>> run_short() {
  throw std::bad_alloc();
  co_return 1;
}
Task<void> end() { co_return; }
Task<void> stumble() {
  throw 7;
  co_return;
}

}  // namespace

TEST_CASE("a contained task's result is its own") {
  CHECK(*run_blocking_for(contain(give(7), "test")) == 7);
  CHECK(run_blocking_for(contain(refuse(), "test")).error().code() == Code::busy);
  CHECK(run_blocking_for(contain(end(), "test")).has_value());
}

TEST_CASE("what escapes a contained task is an error that says it may have happened") {
  Result<int> fallen = run_blocking_for(contain(fall(), "test"));
  REQUIRE(fallen.has_error());
  CHECK(fallen.error().code() == Code::internal);
  CHECK(fallen.error().maybe_happened());
  // What the exception said is for the log.
  CHECK(fallen.error().message().find("bug") == std::string::npos);
  CHECK(run_blocking_for(contain(stumble(), "test")).error().code() == Code::internal);
}

TEST_CASE("want of memory that escapes a contained task passes, and says so") {
  const Result<int> refused = run_blocking_for(contain(run_short(), "test"));
  REQUIRE(refused.has_error());
  CHECK(refused.error().code() == Code::busy);
  CHECK(refused.error().maybe_happened());
}
