#include "mas/http/range.h"

#include <catch2/catch.hpp>

#include "mas/http/message.h"

using namespace mas::http;

namespace {

void check_part(std::string_view header, std::uint64_t size, std::uint64_t first,
                std::uint64_t length) {
  ByteRange range = select_range(header, size);
  INFO(header << " of " << size);
  CHECK(range.kind == ByteRange::Kind::part);
  CHECK(range.first == first);
  CHECK(range.length == length);
}

ByteRange::Kind kind(std::string_view header, std::uint64_t size) {
  return select_range(header, size).kind;
}

}  // namespace

TEST_CASE("One range selects its bytes") {
  check_part("bytes=0-0", 10, 0, 1);
  check_part("bytes=2-5", 10, 2, 4);
  check_part("bytes=9-9", 10, 9, 1);
  check_part("bytes=3-", 10, 3, 7);
  check_part("bytes=-3", 10, 7, 3);
  check_part("Bytes = 2-5 ", 10, 2, 4);
}

TEST_CASE("A range that goes beyond the end is cut there") {
  check_part("bytes=5-100", 10, 5, 5);
  check_part("bytes=5-99999999999999999999999", 10, 5, 5);
  check_part("bytes=-100", 10, 0, 10);
  check_part("bytes=-99999999999999999999999", 10, 0, 10);
  check_part("bytes=0-18446744073709551615", UINT64_MAX, 0, UINT64_MAX);
}

TEST_CASE("A range that begins beyond the end cannot be satisfied") {
  CHECK(kind("bytes=10-", 10) == ByteRange::Kind::unsatisfiable);
  CHECK(kind("bytes=10-20", 10) == ByteRange::Kind::unsatisfiable);
  CHECK(kind("bytes=99999999999999999999999-", 10) == ByteRange::Kind::unsatisfiable);
  CHECK(kind("bytes=-0", 10) == ByteRange::Kind::unsatisfiable);
  CHECK(kind("bytes=0-", 0) == ByteRange::Kind::unsatisfiable);
  CHECK(kind("bytes=0-0", 0) == ByteRange::Kind::unsatisfiable);
}

TEST_CASE("No range, several, or a malformed one is the whole") {
  for (std::string_view header :
       {"",          "bytes",         "bytes=",     "bytes=-",       "bytes=a-b",
        "bytes=5-2", "bytes=1-2,4-5", "bytes=1-2,", "bytes=1",       "bytes=1--2",
        "bytes=--1", "bytes=+1-2",    "bytes=1-2x", "bytes=1- 2",    "bytes=0x1-2",
        "lines=1-2", "bytes:1-2",     "=1-2",       "bytes=1-2 4-5", "bytes==1-2"}) {
    INFO(header);
    CHECK(kind(header, 10) == ByteRange::Kind::whole);
  }
  CHECK(kind("bytes=-5", 0) == ByteRange::Kind::whole);
}

TEST_CASE("An ETag is found in a list, weak or not") {
  CHECK(matches_etag("\"a\"", "\"a\""));
  CHECK(matches_etag("W/\"a\"", "\"a\""));
  CHECK(matches_etag(" \"x\" , W/\"y\",\"a\"", "\"a\""));
  CHECK(matches_etag("\"a,b\"", "\"a,b\""));
  CHECK(matches_etag("*", "\"a\""));
  CHECK_FALSE(matches_etag("", "\"a\""));
  CHECK_FALSE(matches_etag("\"b\"", "\"a\""));
  CHECK_FALSE(matches_etag("a", "\"a\""));
  CHECK_FALSE(matches_etag("\"a", "\"a\""));
  CHECK_FALSE(matches_etag("W/", "\"a\""));
  CHECK_FALSE(matches_etag("\"aa\"", "\"a\""));
}

TEST_CASE("Content-Disposition carries any name safely") {
  CHECK(content_disposition("attachment", "a.txt") ==
        "attachment; filename=\"a.txt\"; filename*=UTF-8''a.txt");
  CHECK(content_disposition("inline", "\xe4\xb8\xad \"x\".txt") ==
        "inline; filename=\"_ _x_.txt\"; filename*=UTF-8''%E4%B8%AD%20%22x%22.txt");
  CHECK(content_disposition("attachment", "a\r\nSet-Cookie: b") ==
        "attachment; filename=\"a__Set-Cookie: b\"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20b");
  CHECK(content_disposition("attachment", "../%41\\") ==
        "attachment; filename=\".._"
        "_41_\"; filename*=UTF-8''..%2F%2541%5C");
  CHECK(content_disposition("attachment", "\xff") == "attachment; filename=\"_\"");
  CHECK(content_disposition("attachment", "") == "attachment");
}

TEST_CASE("Dates are written as HTTP wants them") {
  CHECK(http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(http_date(1795366800) == "Sun, 22 Nov 2026 17:00:00 GMT");
  CHECK(http_date(951782400) == "Tue, 29 Feb 2000 00:00:00 GMT");
}
