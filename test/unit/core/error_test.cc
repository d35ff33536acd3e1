#include "mas/core/error.h"

#include <catch2/catch.hpp>
#include <cerrno>

#include "mas/core/result.h"

using namespace mas;

TEST_CASE("codes that share a wire number differ in HTTP status") {
  CHECK(http_status(Code::token_invalid) == 401);
  CHECK(http_status(Code::token_wrong_type) == 403);
  CHECK(wire_code(Code::token_wrong_type) == 5301);
  CHECK(http_status(Code::uri_too_long) == 414);
  CHECK(wire_code(Code::uri_too_long) == wire_code(Code::head_too_large));
}

TEST_CASE("internal codes reach clients as 5000") {
  CHECK(wire_code(Code::conflict) == 5000);
  CHECK(http_status(Code::corrupt) == 500);
}

TEST_CASE("retryable is what answers 503 or 429") {
  CHECK(is_retryable(Code::busy));
  CHECK(is_retryable(Code::too_many_requests));
  CHECK_FALSE(is_retryable(Code::disk_full));
}

TEST_CASE("a full disk and a missing file are told from other i/o errors") {
  CHECK(error_from_errno(ENOSPC, "write").code() == Code::disk_full);
  for (const int passing : {EMFILE, ENFILE, ENOMEM}) {
    CHECK(error_from_errno(passing, "open").code() == Code::busy);
  }
  CHECK(error_from_errno(ENOENT, "open").code() == Code::not_found);
  CHECK(error_from_errno(EIO, "read").code() == Code::io);
}

namespace {
Result<int> half(int value) {
  if (value % 2 != 0) return Error(Code::invalid_argument, "odd");
  return value / 2;
}
Result<int> quarter(int value) {
  MAS_TRY(int once, half(value));
  MAS_TRY(int twice, half(once));
  return twice;
}
}  // namespace

TEST_CASE("MAS_TRY passes values on and errors up") {
  CHECK(*quarter(12) == 3);
  REQUIRE(quarter(6).has_error());
  CHECK(quarter(6).error().message() == "odd");
}
