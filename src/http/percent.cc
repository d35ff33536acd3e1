// Percent-encoding (RFC 3986, section 2.1) and UTF-8 (RFC 3629).
#include <cstdint>

#include "mas/http/message.h"

namespace mas::http {
namespace {

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// ALPHA / DIGIT / "-" / "." / "_" / "~"
bool is_unreserved(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

struct Lead {
  std::size_t length = 0;    // of the whole sequence; 0: not a lead byte
  std::uint8_t low = 0x80;   // bounds of the second byte: they rule out overlong forms,
  std::uint8_t high = 0xbf;  // surrogates and what lies beyond U+10FFFF
};

// Table 3-7 of the Unicode standard.
Lead lead_of(std::uint8_t byte) noexcept {
  if (byte < 0x80) return {1};
  if (byte < 0xc2) return {};
  if (byte < 0xe0) return {2};
  if (byte == 0xe0) return {3, 0xa0, 0xbf};
  if (byte == 0xed) return {3, 0x80, 0x9f};
  if (byte < 0xf0) return {3};
  if (byte == 0xf0) return {4, 0x90, 0xbf};
  if (byte < 0xf4) return {4};
  if (byte == 0xf4) return {4, 0x80, 0x8f};
  return {};
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    int high = hex_value(text[i + 1]);
    int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    if (is_unreserved(c)) {
      out.push_back(c);
      continue;
    }
    auto byte = static_cast<std::uint8_t>(c);
    out.push_back('%');
    out.push_back(kHex[byte >> 4]);
    out.push_back(kHex[byte & 15]);
  }
  return out;
}

bool is_valid_utf8(std::string_view text) noexcept {
  std::size_t i = 0;
  while (i < text.size()) {
    Lead lead = lead_of(static_cast<std::uint8_t>(text[i]));
    if (lead.length == 0 || text.size() - i < lead.length) return false;
    for (std::size_t k = 1; k < lead.length; ++k) {
      auto byte = static_cast<std::uint8_t>(text[i + k]);
      std::uint8_t low = k == 1 ? lead.low : std::uint8_t{0x80};
      std::uint8_t high = k == 1 ? lead.high : std::uint8_t{0xbf};
      if (byte < low || byte > high) return false;
    }
    i += lead.length;
  }
  return true;
}

}  // namespace mas::http
