#include "api/content_digest.h"

#include <catch2/catch.hpp>

#include "mas/codec/hash.h"
#include "support/must.h"

using namespace mas;
using namespace mas::api;

namespace {
// SHA-256 of "hello".
constexpr std::string_view kHello = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
}  // namespace

TEST_CASE("the sha-256 member of a Content-Digest is found among others") {
  Hash hello = codec::sha256(as_bytes("hello"));
  std::string member = "sha-256=:" + std::string(kHello) + ":";
  CHECK(must(parse_content_digest(member)) == hello);
  CHECK(must(parse_content_digest("sha-512=:AAAA:, " + member)) == hello);
  CHECK(must(parse_content_digest(" " + member + " ,unixsum=:AA==:")) == hello);
}

TEST_CASE("a digest that cannot be checked is refused, not passed over") {
  std::string good(kHello);
  for (const std::string& bad :
       {std::string(""), std::string("sha-256"), std::string("sha-256=") + good, "sha-256=:" + good,
        "sha-256=" + good + ":", std::string("sha-256=::"), std::string("sha-512=:AAAA:"),
        "SHA-256=:" + good + ":", "sha-256=:" + good + "=:", "sha-256=:" + good.substr(1) + ":",
        "sha-256=:" + good.substr(0, 43) + "A:", "sha-256=:!" + good.substr(1) + ":",
        // The two bits behind the last byte are not zero.
        "sha-256=:" + good.substr(0, 42) + "R=:", "sha-256=:" + good + ":, sha-256=:bad:"}) {
    INFO(bad);
    CHECK(code_of(parse_content_digest(bad)) == Code::parameter_malformed);
  }
}
