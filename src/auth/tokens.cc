#include "mas/auth/tokens.h"

#include "auth/base64url.h"
#include "auth/claims_json.h"
#include "auth/digest.h"

namespace mas::auth {
namespace {

constexpr std::size_t kTokenLimit = 4096;
constexpr std::size_t kSignatureDigits = 64;

Error invalid() { return Error(Code::token_invalid, "The token is not valid; ask for a new one."); }

std::string signature(std::string_view payload, const SigningKey& key) {
  return to_hex(hmac_sha256(key.secret, payload));
}

}  // namespace

std::string sign(const Claims& claims, const SigningKey& key) {
  std::string payload = to_base64url(to_json(claims, key.kid));
  return payload + "." + signature(payload, key);
}

Result<Claims> verify(std::string_view token, const std::vector<SigningKey>& keys) {
  if (token.size() > kTokenLimit || token.size() < kSignatureDigits + 2) return invalid();
  std::string_view payload = token.substr(0, token.size() - kSignatureDigits - 1);
  std::string_view given = token.substr(payload.size() + 1);
  if (token[payload.size()] != '.') return invalid();
  // The signature first: nothing is parsed that this cluster did not write.
  const SigningKey* signer = nullptr;
  for (const SigningKey& key : keys) {
    if (constant_time_equal(as_bytes(signature(payload, key)), as_bytes(given))) signer = &key;
  }
  if (signer == nullptr) return invalid();
  auto json = from_base64url(payload);
  if (!json) return invalid();
  auto parsed = parse_claims(*json);
  if (!parsed || parsed->kid != signer->kid) return invalid();
  return std::move(parsed->claims);
}

bool is_system_token(const Secrets& secrets, std::string_view candidate) {
  Digest given = sha256(candidate);
  bool found = false;
  for (const std::string& token : secrets.system_tokens) {
    found |= constant_time_equal(sha256(token), given);
  }
  return found;
}

}  // namespace mas::auth
