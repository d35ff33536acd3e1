#include "http/multipart_part.h"

#include <algorithm>
#include <optional>

#include "http/header_params.h"
#include "http/header_tokens.h"
#include "mas/http/message.h"
#include "mas/http/multipart.h"

namespace mas::http {
namespace {

Error bad_part(const char* what) {
  return {Code::body_unreadable, std::string("The form is malformed: ") + what + "."};
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && byte != '\t') || byte == 0x7f;
  });
}

// Browsers send a quote in a file name as %22, and a percent sign as itself: so nothing but %22 is
// decoded.
std::string decode_quotes(std::string_view text) {
  std::string out;
  while (true) {
    std::size_t at = text.find("%22");
    out += text.substr(0, at);
    if (at == std::string_view::npos) return out;
    out += '"';
    text.remove_prefix(at + 3);
  }
}

// RFC 5987: UTF-8'language'percent-encoded.
std::optional<std::string> decode_extended(std::string_view text) {
  std::size_t first = text.find('\'');
  if (first == std::string_view::npos) return std::nullopt;
  std::size_t second = text.find('\'', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  if (!equal_ignoring_case(text.substr(0, first), "UTF-8")) return std::nullopt;
  return percent_decode(text.substr(second + 1));
}

Result<PartHead> parse_disposition(std::string_view value) {
  auto header = parse_header_value(value);
  if (!header || !equal_ignoring_case(header->value, "form-data")) {
    return bad_part("a part's Content-Disposition is not form-data");
  }
  auto name = header->parameter("name");
  if (!name) return bad_part("a part has no name");
  PartHead part;
  part.name = *name;
  if (auto plain = header->parameter("filename")) part.filename = decode_quotes(*plain);
  if (auto extended = header->parameter("filename*")) {
    auto decoded = decode_extended(*extended);
    if (!decoded) return bad_part("filename* is not UTF-8''percent-encoded");
    part.filename = std::move(*decoded);
  }
  part.filename = base_name(part.filename);
  return part;
}

bool is_identity_encoding(std::string_view value) {
  value = trim_blanks(value);
  return equal_ignoring_case(value, "binary") || equal_ignoring_case(value, "8bit") ||
         equal_ignoring_case(value, "7bit");
}

// bchars of RFC 2046, section 5.1.1.
bool is_boundary_char(char c) noexcept {
  if ((c >= '0' && c <= '9') || (to_lower(c) >= 'a' && to_lower(c) <= 'z')) return true;
  return std::string_view("'()+_,-./:=? ").find(c) != std::string_view::npos;
}

}  // namespace

std::string_view base_name(std::string_view path) noexcept {
  std::size_t slash = path.find_last_of("/\\");
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

Result<PartHead> parse_part_head(std::string_view text) {
  std::optional<PartHead> part;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find("\r\n"));
    text.remove_prefix(std::min(line.size() + 2, text.size()));
    if (has_control(line)) return bad_part("a part's headers hold a control character");
    std::size_t colon = line.find(':');
    bool is_field = colon != std::string_view::npos && colon > 0 &&
                    std::ranges::all_of(line.substr(0, colon), is_token_char);
    if (!is_field) return bad_part("a part's header line is no header");
    std::string_view name = line.substr(0, colon);
    std::string_view value = line.substr(colon + 1);
    if (equal_ignoring_case(name, "Content-Disposition")) {
      if (part) return bad_part("a part has two Content-Disposition headers");
      MAS_TRY(part, parse_disposition(value));
    }
    if (equal_ignoring_case(name, "Content-Transfer-Encoding") && !is_identity_encoding(value)) {
      return bad_part("send parts as they are, without a transfer encoding");
    }
  }
  if (!part) return bad_part("a part has no Content-Disposition");
  return std::move(*part);
}

std::optional<std::string> multipart_boundary(std::string_view content_type) {
  auto header = parse_header_value(content_type);
  if (!header || !equal_ignoring_case(header->value, "multipart/form-data")) return std::nullopt;
  auto boundary = header->parameter("boundary");
  if (!boundary || boundary->empty() || boundary->size() > 70 || boundary->back() == ' ') {
    return std::nullopt;
  }
  if (!std::ranges::all_of(*boundary, is_boundary_char)) return std::nullopt;
  return std::string(*boundary);
}

}  // namespace mas::http
