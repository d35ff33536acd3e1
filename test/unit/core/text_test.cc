#include "mas/core/text.h"

#include <catch2/catch.hpp>

using namespace mas;

TEST_CASE("text is compared without the case of ASCII letters and nothing else") {
  CHECK(equal_ignoring_case("Content-Type", "cONTENT-tYPE"));
  CHECK(equal_ignoring_case("", ""));
  CHECK_FALSE(equal_ignoring_case("a", "ab"));
  CHECK_FALSE(equal_ignoring_case("ab", "a"));
  // Their neighbours in the table, and letters beyond ASCII.
  CHECK_FALSE(equal_ignoring_case("@", "`"));
  CHECK_FALSE(equal_ignoring_case("[", "{"));
  CHECK_FALSE(equal_ignoring_case("\xc3\x84", "\xc3\xa4"));
  CHECK(to_lower('Z') == 'z');
  CHECK(to_lower('z') == 'z');
  CHECK(to_lower('1') == '1');
}

TEST_CASE("numbers are padded up to their width and never cut") {
  std::string out = "at ";
  append_padded(out, 7, 2);
  append_padded(out, 42, 2);
  append_padded(out, 2026, 3);
  append_padded(out, 0, 3);
  CHECK(out == "at 07422026000");
}

TEST_CASE("a time of day has two digits for each of its parts") {
  std::tm parts{};
  parts.tm_hour = 7;
  parts.tm_sec = 60;
  std::string out = "at ";
  append_time(out, parts);
  CHECK(out == "at 07:00:60");
}
