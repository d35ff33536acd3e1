#include "mas/http/message.h"
#include "mas/http/range.h"

namespace mas::http {
namespace {

// What stands in `filename` for clients that do not know `filename*`: printable ASCII without the
// characters that quoting, escaping or a path would need.
std::string ascii_fallback(std::string_view name) {
  constexpr std::string_view kUnsafe = "\"\\%/";
  std::string out;
  for (char c : name) {
    auto byte = static_cast<unsigned char>(c);
    bool continues_character = (byte & 0xc0) == 0x80;
    if (continues_character) continue;
    bool safe = byte >= 0x20 && byte < 0x7f && kUnsafe.find(c) == std::string_view::npos;
    out.push_back(safe ? c : '_');
  }
  return out;
}

}  // namespace

std::string content_disposition(std::string_view kind, std::string_view name) {
  std::string out(kind);
  if (name.empty()) return out;
  out += "; filename=\"" + ascii_fallback(name) + "\"";
  if (is_valid_utf8(name)) out += "; filename*=UTF-8''" + percent_encode(name);
  return out;
}

}  // namespace mas::http
