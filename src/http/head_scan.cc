#include "http/head_scan.h"

#include <cstring>

namespace mas::http {
namespace {

bool is_forbidden(std::uint8_t c) noexcept { return (c < 0x20 && c != '\t') || c == 0x7f; }

Error malformed(const char* what) {
  return {Code::parameter_malformed, std::string("The request's head is malformed: ") + what + "."};
}

}  // namespace

Result<std::optional<std::size_t>> HeadScan::scan(ByteView bytes) {
  // Something that is not HTTP (a TLS greeting, say) is refused at once instead of waited on.
  if (!bytes.empty() && (is_forbidden(bytes[0]) || bytes[0] == ' ' || bytes[0] >= 0x80)) {
    return malformed("it does not begin with a method");
  }
  while (searched_ < bytes.size()) {
    const void* found = std::memchr(bytes.data() + searched_, '\n', bytes.size() - searched_);
    if (found == nullptr) {
      searched_ = bytes.size();
      break;
    }
    auto line_end =
        static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - bytes.data());
    searched_ = line_end + 1;
    if (searched_ > limits_.bytes) return too_large();
    if (line_end == line_start_ || bytes[line_end - 1] != '\r') {
      return malformed("lines must end in CR LF");
    }
    ByteView line = bytes.subspan(line_start_, line_end - 1 - line_start_);
    if (line.empty()) return std::optional<std::size_t>(searched_);
    MAS_CHECK(check_line(line));
    line_start_ = searched_;
    ++lines_;
  }
  if (bytes.size() > limits_.bytes) return too_large();
  return std::optional<std::size_t>();
}

Result<void> HeadScan::check_line(ByteView line) const {
  if (lines_ > 0 && (line[0] == ' ' || line[0] == '\t')) {
    return malformed("a field must not continue on the next line");
  }
  if (lines_ > limits_.fields) {
    return Error(Code::head_too_large,
                 "The request has more than " + std::to_string(limits_.fields) + " header fields.");
  }
  for (std::uint8_t c : line) {
    if (is_forbidden(c)) return malformed("it holds a control character");
  }
  return {};
}

Error HeadScan::too_large() const {
  std::string limit = std::to_string(limits_.bytes);
  if (lines_ == 0) {
    return {Code::uri_too_long, "The request line is longer than " + limit + " bytes."};
  }
  return {Code::head_too_large, "The request's head is longer than " + limit + " bytes."};
}

}  // namespace mas::http
