#include "mas/auth/tokens.h"

#include <algorithm>

#include "auth/base64url.h"
#include "auth/digest.h"
#include "mas/runtime/rng.h"
#include "support/must.h"

using namespace mas;
using namespace mas::auth;

namespace {

SigningKey key_of(const std::string& secret) {
  return {to_hex(sha256(secret)).substr(0, 8), secret};
}

const SigningKey kKey = key_of("0123456789abcdef0123456789abcdef");
const SigningKey kOtherKey = key_of("another key of at least 32 bytes");

Claims sample() {
  Claims claims;
  claims.id.bytes.fill(7);
  claims.type = TokenType::upload;
  claims.hash.bytes.fill(9);
  claims.issued_at = WallTime{1'795'366'800'123'456};
  return claims;
}

bool same(const Claims& a, const Claims& b) {
  return a.id == b.id && a.type == b.type && a.hash == b.hash && a.issued_at == b.issued_at &&
         a.session == b.session && a.max_size == b.max_size && a.instant == b.instant &&
         a.name == b.name && a.inline_disposition == b.inline_disposition;
}

// A token around any JSON, rightly signed.
std::string signed_json(const std::string& json, const SigningKey& key = kKey) {
  std::string payload = to_base64url(json);
  return payload + "." + to_hex(hmac_sha256(key.secret, payload));
}

std::string json_with(const std::string& from, const std::string& to) {
  std::string token = sign(sample(), kKey);
  std::string json = *from_base64url(std::string_view(token).substr(0, token.find('.')));
  std::size_t at = json.find(from);
  REQUIRE(at != std::string::npos);
  return json.replace(at, from.size(), to);
}

bool refused(const std::string& token) {
  return code_of(verify(token, {kKey})) == Code::token_invalid;
}

}  // namespace

TEST_CASE("what is signed is what is read back") {
  Claims claims = sample();
  CHECK(same(must(verify(sign(claims, kKey), {kKey})), claims));
  claims.session = "a session \"quoted\"";
  claims.max_size = UINT64_MAX;
  claims.instant = false;
  CHECK(same(must(verify(sign(claims, kKey), {kKey})), claims));
  claims = sample();
  claims.type = TokenType::download;
  claims.name = "r\xc3\xa9sum\xc3\xa9.pdf";
  claims.inline_disposition = true;
  claims.max_size = 0;
  claims.instant = true;
  CHECK(same(must(verify(sign(claims, kKey), {kKey})), claims));
}

TEST_CASE("a token has the form that is documented") {
  std::string token = sign(sample(), kKey);
  std::size_t dot = token.find('.');
  REQUIRE(dot != std::string::npos);
  CHECK(token.size() - dot - 1 == 64);
  std::string json = *from_base64url(token.substr(0, dot));
  CHECK(json == "{\"v\":1,\"id\":\"" + std::string("07070707070707070707070707070707") +
                    "\",\"type\":\"upload\",\"hash\":\"" + sample().hash.hex() +
                    "\",\"iat\":1795366800123456,\"kid\":\"" + kKey.kid + "\"}");
  CHECK(token.substr(dot + 1) == to_hex(hmac_sha256(kKey.secret, token.substr(0, dot))));
}

TEST_CASE("either live key verifies, an unknown one does not") {
  std::string token = sign(sample(), kOtherKey);
  CHECK(verify(token, {kKey, kOtherKey}).has_value());
  CHECK(refused(token));
  CHECK(code_of(verify(token, {})) == Code::token_invalid);
  SigningKey renamed = kOtherKey;
  renamed.kid = "00000000";
  CHECK(code_of(verify(token, {renamed})) == Code::token_invalid);
}

TEST_CASE("a token with any one character changed or cut off is refused") {
  std::string token = sign(sample(), kKey);
  for (std::size_t i = 0; i < token.size(); ++i) {
    for (char c : {'A', 'a', '0', '.', '=', '\0'}) {
      std::string changed = token;
      if (changed[i] == c) continue;
      changed[i] = c;
      REQUIRE(refused(changed));
    }
    REQUIRE(refused(token.substr(0, i)));
    REQUIRE(refused(token.substr(i + 1)));
  }
  CHECK(refused(token + "0"));
  CHECK(refused(""));
  std::string upper = token;
  std::transform(upper.end() - 64, upper.end(), upper.end() - 64, ::toupper);
  CHECK(refused(upper));
}

TEST_CASE("a token over 4 KiB is refused, however well signed") {
  Claims claims = sample();
  claims.session = std::string(2'700, 's');
  CHECK_FALSE(refused(sign(claims, kKey)));
  claims.session = std::string(3'000, 's');
  REQUIRE(sign(claims, kKey).size() > 4096);
  CHECK(refused(sign(claims, kKey)));
}

TEST_CASE("signed JSON that is not a token's is refused") {
  CHECK_FALSE(refused(signed_json(json_with("upload", "download"))));
  CHECK(refused(signed_json(json_with("\"v\":1", "\"v\":2"))));
  CHECK(refused(signed_json(json_with("\"v\":1", "\"v\":\"1\""))));
  CHECK(refused(signed_json(json_with("\"v\":1,", ""))));
  CHECK(refused(signed_json(json_with("upload", "delete"))));
  CHECK(refused(signed_json(json_with("\"type\":\"upload\",", ""))));
  CHECK(refused(signed_json(json_with("0707", "07"))));
  CHECK(refused(signed_json(json_with("0909", "09zz"))));
  CHECK(refused(signed_json(json_with("1795366800123456", "1e3"))));
  CHECK(refused(signed_json(json_with("1795366800123456", "\"now\""))));
  CHECK(refused(signed_json(json_with(kKey.kid, "00000000"))));
  CHECK(refused(signed_json(json_with("{", "{\"extra\":1,"))));
  CHECK(refused(signed_json(json_with("{", "{\"max_size\":-1,"))));
  CHECK(refused(signed_json(json_with("{", "{\"max_size\":1.5,"))));
  CHECK(refused(signed_json(json_with("{", "{\"instant\":1,"))));
  CHECK(refused(signed_json(json_with("{", "{\"session\":[],"))));
  CHECK(refused(signed_json(json_with("{", "{\"name\":\"\xff\","))));
  for (const char* text : {"", "{}", "[]", "null", "1", "{", "\"x\"", "[[[[[[]]]]]]"}) {
    CHECK(refused(signed_json(text)));
  }
}

TEST_CASE("base64url has one text for each value") {
  CHECK(to_base64url("") == "");
  CHECK(to_base64url("f") == "Zg");
  CHECK(to_base64url("fo") == "Zm8");
  CHECK(to_base64url("foo") == "Zm9v");
  CHECK(to_base64url("\xfb\xff\xfe") == "-__-");
  auto rng = make_seeded_rng(1);
  for (std::size_t size = 0; size < 70; ++size) {
    std::string bytes(size, '\0');
    rng->fill({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
    CHECK(from_base64url(to_base64url(bytes)) == bytes);
  }
  for (const char* text : {"Z", "Zh", "Zm9", "Zg==", "Zm+v", "Zm/v", "Zm 9", "Zm9vZ", "\n"}) {
    INFO(text);
    CHECK_FALSE(from_base64url(text));
  }
}

TEST_CASE("only the whole text of a system token is one") {
  Secrets secrets;
  CHECK_FALSE(is_system_token(secrets, ""));
  secrets.system_tokens = {"first-system-token", "second-system-token"};
  CHECK(is_system_token(secrets, "first-system-token"));
  CHECK(is_system_token(secrets, "second-system-token"));
  for (const char* text : {"", "first-system-toke", "first-system-tokens", "First-system-token"}) {
    CHECK_FALSE(is_system_token(secrets, text));
  }
}
