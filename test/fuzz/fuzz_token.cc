// Tokens: nothing is accepted that was not signed, and what was signed reads back the same.
//
// The first byte chooses: the rest as the text of a token; as JSON that is rightly signed; or as
// the place and value of one change to a good token.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "auth/base64url.h"
#include "auth/digest.h"
#include "mas/auth/tokens.h"

namespace {

using namespace mas;
using namespace mas::auth;

const SigningKey& key() {
  static const SigningKey made{"6b8dd2ae", "the fuzzer's key, of 32 bytes or more"};
  return made;
}

void require(bool holds) {
  if (!holds) std::abort();
}

std::string sign_payload(const std::string& payload) {
  return payload + "." + to_hex(hmac_sha256(key().secret, payload));
}

void any_text(std::string_view text) {
  bool accepted = verify(text, {key()}).has_value();
  std::size_t dot = text.rfind('.');
  // Only the signer's own text passes.
  if (accepted) require(sign_payload(std::string(text.substr(0, dot))) == text);
}

void signed_json(std::string_view json) {
  auto claims = verify(sign_payload(to_base64url(json)), {key()});
  if (claims.has_error()) return;
  std::string again = sign(*claims, key());
  auto second = verify(again, {key()});
  require(second.has_value());
  require(sign(*second, key()) == again);
  require(second->id == claims->id && second->hash == claims->hash);
  require(second->type == claims->type && second->issued_at == claims->issued_at);
  require(second->session == claims->session && second->name == claims->name);
  require(second->max_size == claims->max_size && second->instant == claims->instant);
}

void changed(std::string_view rest) {
  static const std::string good = sign(Claims{}, key());
  if (rest.size() < 3) return;
  std::size_t at = (static_cast<std::uint8_t>(rest[0]) << 8 | static_cast<std::uint8_t>(rest[1]));
  std::string token = good;
  token[at % token.size()] = rest[2];
  require((token == good) == verify(token, {key()}).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      any_text(rest);
      break;
    case 1:
      signed_json(rest);
      break;
    default:
      changed(rest);
      break;
  }
  return 0;
}
