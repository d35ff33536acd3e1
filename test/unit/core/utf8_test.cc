#include "mas/core/utf8.h"

#include <catch2/catch.hpp>
#include <string>

namespace {

TEST_CASE("Well-formed sequences have the length RFC 3629 gives them") {
  CHECK(mas::utf8_sequence("a", 0) == 1);
  CHECK(mas::utf8_sequence(std::string_view("\0", 1), 0) == 1);
  CHECK(mas::utf8_sequence("\xC2\x80", 0) == 2);
  CHECK(mas::utf8_sequence("\xDF\xBF", 0) == 2);
  CHECK(mas::utf8_sequence("\xE0\xA0\x80", 0) == 3);
  CHECK(mas::utf8_sequence("\xED\x9F\xBF", 0) == 3);
  CHECK(mas::utf8_sequence("\xEF\xBF\xBF", 0) == 3);
  CHECK(mas::utf8_sequence("\xF0\x90\x80\x80", 0) == 4);
  CHECK(mas::utf8_sequence("\xF4\x8F\xBF\xBF", 0) == 4);
  CHECK(mas::utf8_sequence("a\xC3\xA4", 1) == 2);
}

TEST_CASE("Overlong, surrogate, out-of-range, cut and stray bytes are no sequences") {
  for (std::string bad : {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80",
                          "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF",
                          "\xC3", "\xE2\x82", "\xF0\x9F\x98", "\xE2\x28\xA1", "\xF0\x9F\x28\x80"}) {
    CAPTURE(bad);
    CHECK(mas::utf8_sequence(bad, 0) == 0);
    CHECK(mas::utf8_valid_prefix("ok" + bad) == 2);
  }
}

TEST_CASE("The valid prefix of valid text is all of it") {
  CHECK(mas::utf8_valid_prefix("") == 0);
  CHECK(mas::utf8_valid_prefix("a\xC3\xA4\xF0\x9F\x98\x80") == 7);
}

}  // namespace
