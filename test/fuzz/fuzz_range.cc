// Range, If-None-Match, Content-Disposition and percent-encoding. The first eight bytes are the
// size; the rest is the header.
#include <cstdint>
#include <cstring>
#include <string>

#include "http/header_params.h"
#include "mas/core/result.h"
#include "mas/http/message.h"
#include "mas/http/range.h"

using namespace mas;
using namespace mas::http;

namespace {

void check_range(std::string_view header, std::uint64_t size) {
  ByteRange range = select_range(header, size);
  if (range.kind != ByteRange::Kind::part) return;
  MAS_ASSERT(range.length >= 1);
  MAS_ASSERT(range.first < size);
  MAS_ASSERT(range.length <= size - range.first);
  // Written out exactly, it selects the same.
  std::string exact =
      "bytes=" + std::to_string(range.first) + "-" + std::to_string(range.first + range.length - 1);
  ByteRange again = select_range(exact, size);
  MAS_ASSERT(again.kind == ByteRange::Kind::part);
  MAS_ASSERT(again.first == range.first && again.length == range.length);
}

void check_disposition(std::string_view name) {
  std::string text = content_disposition("attachment", name);
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    MAS_ASSERT(byte >= 0x20 && byte < 0x7f);
  }
  if (name.empty() || !is_valid_utf8(name)) return;
  auto parsed = parse_header_value(text);
  MAS_ASSERT(parsed.has_value() && parsed->parameters.size() == 2);
  auto extended = parsed->parameter("filename*");
  MAS_ASSERT(extended.has_value() && extended->starts_with("UTF-8''"));
  MAS_ASSERT(percent_decode(extended->substr(7)) == name);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::uint64_t total = 0;
  if (size < sizeof(total)) return 0;
  std::memcpy(&total, data, sizeof(total));
  std::string_view text(reinterpret_cast<const char*>(data) + sizeof(total), size - sizeof(total));
  check_range(text, total);
  check_disposition(text);
  MAS_ASSERT(percent_decode(percent_encode(text)) == text);
  std::string etag = "\"" + std::to_string(total) + "\"";
  MAS_ASSERT(matches_etag("\"x\", W/" + etag, etag));
  (void)matches_etag(text, etag);
  (void)Query::parse(text);
  return 0;
}
