#include "api/content_digest.h"

#include <array>

namespace mas::api {
namespace {

constexpr std::size_t kEncodedLength = 44;  // of 32 bytes, one '=' at the end

int digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<Hash> decode_base64_hash(std::string_view text) {
  if (text.size() != kEncodedLength || text.back() != '=') return std::nullopt;
  Hash hash;
  std::uint32_t bits = 0;
  int held = 0;
  std::size_t out = 0;
  for (char c : text.substr(0, kEncodedLength - 1)) {
    int value = digit(c);
    if (value < 0) return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    hash.bytes[out++] = static_cast<std::uint8_t>(bits >> held);
  }
  // 43 digits are 258 bits: the two left over must be zero, or two texts would mean one hash.
  if ((bits & 3) != 0) return std::nullopt;
  return hash;
}

Result<Hash> parse_content_digest(std::string_view field) {
  std::optional<Hash> found;
  while (true) {
    std::size_t comma = field.find(',');
    std::string_view member = trim(field.substr(0, comma));
    constexpr std::string_view kName = "sha-256=";
    if (member.substr(0, kName.size()) == kName) {
      member.remove_prefix(kName.size());
      bool framed = member.size() > 2 && member.front() == ':' && member.back() == ':';
      if (framed) found = decode_base64_hash(member.substr(1, member.size() - 2));
      if (!framed || !found) {
        return Error(Code::parameter_malformed,
                     "The sha-256 of Content-Digest must be 32 bytes in base64 between colons.");
      }
    }
    if (comma == std::string_view::npos) break;
    field.remove_prefix(comma + 1);
  }
  if (found) return *found;
  return Error(Code::parameter_malformed,
               "Content-Digest must have a member sha-256=:<base64>: as no other algorithm is "
               "checked.");
}

}  // namespace mas::api
