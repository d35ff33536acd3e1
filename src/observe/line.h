// How one log event looks as a line of text or of JSON. Pure, so that it can be tested to the byte.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "mas/observe/log.h"

namespace mas::log {

// What a line is made of; views into the caller's values.
struct Line {
  std::chrono::system_clock::time_point at;
  Level level = Level::info;
  std::string_view event;
  std::span<const Field> fields;
};

[[nodiscard]] std::string_view level_name(Level level) noexcept;

// "14:03:07.123 info  http.request status=200 path="/a b"", in local time. Values that could be
// misread are quoted; control characters and bytes that are not UTF-8 are escaped, so that one
// event is always one line and cannot forge another. Of a longer value the first 4 KiB are written.
[[nodiscard]] std::string text_line(const Line& line);

// {"time":"2026-11-22T14:03:07.123Z","level":"info","event":"http.request","status":200,...}
// Always valid JSON in valid UTF-8: bad bytes become U+FFFD, numbers JSON has no form for (nan)
// become strings.
[[nodiscard]] std::string json_line(const Line& line);

}  // namespace mas::log
