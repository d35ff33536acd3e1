#include "observe/line.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

namespace {

using mas::log::Field;
using mas::log::Level;
using mas::log::Line;

// 2026-11-22T14:03:07.045Z
constexpr std::chrono::system_clock::time_point kAt{std::chrono::milliseconds(1'795'356'187'045)};

std::string json(std::string_view event, const std::vector<Field>& fields,
                 Level level = Level::info) {
  return mas::log::json_line(Line{kAt, level, event, fields});
}

// The text line without its clock, which is in local time.
std::string text(std::string_view event, const std::vector<Field>& fields,
                 Level level = Level::info) {
  return mas::log::text_line(Line{kAt, level, event, fields}).substr(13);
}

TEST_CASE("A JSON line holds time, level, event and the fields in order") {
  CHECK(json("store.open", {{"segments", 3}, {"path", "/data"}, {"clean", true}}, Level::warn) ==
        R"({"time":"2026-11-22T14:03:07.045Z","level":"warn","event":"store.open",)"
        R"("segments":3,"path":"/data","clean":true})");
}

TEST_CASE("A JSON line parses back to any bytes that are valid UTF-8") {
  std::string all;
  for (int c = 0; c < 0x80; ++c) all += static_cast<char>(c);
  all += "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80";
  auto parsed = boost::json::parse(json("e", {{"value", all}}));
  CHECK(parsed.at("value").as_string() == all);
}

TEST_CASE("Bytes that are not UTF-8 become replacement characters in JSON") {
  for (std::string bad : {"\x80", "\xC0\x80", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80",
                          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    CAPTURE(bad);
    auto parsed = boost::json::parse(json("e", {{"value", "a" + bad + "z"}}));
    std::string value(parsed.at("value").as_string());
    CHECK(value.substr(0, 4) == "a\xEF\xBF\xBD");
    CHECK(value.back() == 'z');
  }
}

TEST_CASE("Numbers JSON has no form for are written as strings") {
  auto parsed = boost::json::parse(
      json("e", {{"nan", std::nan("")}, {"inf", INFINITY}, {"minus", -3}, {"half", 0.5}}));
  CHECK(parsed.at("nan").is_string());
  CHECK(parsed.at("inf").is_string());
  CHECK(parsed.at("minus").as_int64() == -3);
  CHECK(parsed.at("half").as_double() == 0.5);
}

TEST_CASE("A text that looks like a number stays a string in JSON") {
  CHECK(boost::json::parse(json("e", {{"hash", "12345"}})).at("hash").is_string());
}

TEST_CASE("A text line starts with a clock and a level of even width") {
  std::string line = mas::log::text_line(Line{kAt, Level::info, "up", {}});
  CHECK(line.substr(2, 1) == ":");
  CHECK(line.substr(8) == ".045 info  up");
  CHECK(text("up", {}, Level::error) == "error up");
}

TEST_CASE("Text values are quoted where they could be misread") {
  CHECK(text("e", {{"a", "plain"}, {"n", 12}}) == "info  e a=plain n=12");
  CHECK(text("e", {{"a", "two words"}}) == R"(info  e a="two words")");
  CHECK(text("e", {{"a", ""}}) == R"(info  e a="")");
  CHECK(text("e", {{"a", "x=y"}}) == R"(info  e a="x=y")");
  CHECK(text("e", {{"a", "say \"hi\""}}) == R"(info  e a="say \"hi\"")");
  CHECK(text("e", {{"a", "C:\\"}}) == R"(info  e a="C:\\")");
}

TEST_CASE("A value cannot start a line of its own or move the terminal's cursor") {
  CHECK(text("e", {{"a", "x\n12:00:00.000 error forged"}}) ==
        R"(info  e a="x\n12:00:00.000 error forged")");
  CHECK(text("e", {{"a", "\x1b[2J\r"}}) == R"(info  e a="\x1b[2J\r")");
  CHECK(text("e", {{"a", "\xC2\x9B"}}) == R"(info  e a="\xc2\x9b")");
  CHECK(text("e", {{"a", "\xFF"}}) == R"(info  e a="\xff")");
  CHECK(text("e", {{"a", "\xC3\xA4"}}) == "info  e a=\"\xC3\xA4\"");
}

TEST_CASE("An error field says the code's name and the message") {
  mas::Error error(mas::Code::disk_full, "No room.");
  CHECK(text("e", {{"error", error}}) == R"(info  e error="disk_full: No room.")");
  CHECK(text("e", {{"error", mas::Error(mas::Code::io, "")}}) == "info  e error=io");
}

}  // namespace
