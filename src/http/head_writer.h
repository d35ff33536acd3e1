// Heads to text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mas::http {

// The reason phrase of a status; "" for one mas does not use.
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

// Appends "HTTP/1.1 200 OK\r\n".
void append_status_line(std::string& out, int status);
// Appends "Name: value\r\n". Control characters in `value` become spaces: a value can end neither
// its line nor the head.
void append_field(std::string& out, std::string_view name, std::string_view value);
void append_field(std::string& out, std::string_view name, std::uint64_t value);

}  // namespace mas::http
