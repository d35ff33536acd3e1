#include "auth/claims_json.h"

#include <boost/json.hpp>

namespace mas::auth {
namespace {

namespace json = boost::json;

constexpr std::int64_t kVersion = 1;

std::optional<std::string> text(const json::value& value) {
  const json::string* found = value.if_string();
  if (found == nullptr) return std::nullopt;
  return std::string(found->data(), found->size());
}

template <class T, class U>
bool assign(T& target, const std::optional<U>& value) {
  if (value) target = *value;
  return value.has_value();
}

// Sets what `key` stands for; false if there is no such field in a token or its value is wrong.
bool read_field(ParsedClaims& out, std::string_view key, const json::value& value) {
  Claims& claims = out.claims;
  if (key == "id") return assign(claims.id, Id128::parse(text(value).value_or("")));
  if (key == "hash") return assign(claims.hash, Hash::parse(text(value).value_or("")));
  if (key == "kid") return assign(out.kid, text(value));
  if (key == "session") return assign(claims.session, text(value));
  if (key == "name") return assign(claims.name, text(value));
  if (key == "v") return value.is_int64() && value.get_int64() == kVersion;
  if (key == "type") {
    auto type = text(value);
    claims.type = type == "upload" ? TokenType::upload : TokenType::download;
    return type == "upload" || type == "download";
  }
  if (key == "iat" && value.is_int64()) {
    claims.issued_at = WallTime{value.get_int64()};
    return true;
  }
  if (key == "max_size" && (value.is_int64() || value.is_uint64())) {
    if (value.is_int64() && value.get_int64() < 0) return false;
    claims.max_size = value.to_number<std::uint64_t>();
    return true;
  }
  if (key == "instant" && value.is_bool()) {
    claims.instant = value.get_bool();
    return true;
  }
  if (key == "inline" && value.is_bool()) {
    claims.inline_disposition = value.get_bool();
    return true;
  }
  return false;
}

}  // namespace

std::string to_json(const Claims& claims, std::string_view kid) {
  json::object out;
  out["v"] = kVersion;
  out["id"] = claims.id.hex();
  out["type"] = claims.type == TokenType::upload ? "upload" : "download";
  out["hash"] = claims.hash.hex();
  out["iat"] = claims.issued_at.unix_micros;
  out["kid"] = kid;
  if (!claims.session.empty()) out["session"] = claims.session;
  if (claims.max_size) out["max_size"] = *claims.max_size;
  if (claims.instant) out["instant"] = *claims.instant;
  if (!claims.name.empty()) out["name"] = claims.name;
  if (claims.inline_disposition) out["inline"] = true;
  return json::serialize(out);
}

std::optional<ParsedClaims> parse_claims(std::string_view bytes) {
  json::parse_options options;
  options.max_depth = 2;
  boost::system::error_code error;
  json::value parsed = json::parse(bytes, error, {}, options);
  const json::object* fields = error ? nullptr : parsed.if_object();
  if (fields == nullptr) return std::nullopt;
  for (std::string_view needed : {"v", "id", "type", "hash", "iat", "kid"}) {
    if (!fields->contains(needed)) return std::nullopt;
  }
  ParsedClaims out;
  for (const auto& field : *fields) {
    if (!read_field(out, field.key(), field.value())) return std::nullopt;
  }
  return out;
}

}  // namespace mas::auth
