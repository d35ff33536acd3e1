#include "auth/redis/url.h"
#include "support/must.h"

using namespace mas;
using auth::redis::parse_url;
using auth::redis::Url;

TEST_CASE("a URL of Redis says where, who, which database and whether TLS") {
  Url plain = must(parse_url("redis://cache"));
  CHECK_FALSE(plain.tls);
  CHECK(plain.host == "cache");
  CHECK(plain.port == "6379");
  CHECK(plain.user.empty());
  CHECK(plain.password.empty());
  CHECK(plain.database.empty());

  Url full = must(parse_url("rediss://mas:secret@redis.example:6380/7"));
  CHECK(full.tls);
  CHECK(full.host == "redis.example");
  CHECK(full.port == "6380");
  CHECK(full.user == "mas");
  CHECK(full.password == "secret");
  CHECK(full.database == "7");
}

TEST_CASE("a password may stand without a user, and both are percent-decoded") {
  Url alone = must(parse_url("redis://:only@host"));
  CHECK(alone.user.empty());
  CHECK(alone.password == "only");
  Url odd = must(parse_url("redis://a%3Ab:p%40ss%2Fw%3Ard%25%0D%0A@host:1/"));
  CHECK(odd.user == "a:b");
  CHECK(odd.password == "p@ss/w:rd%\r\n");
  CHECK(must(parse_url("redis://u:a:b@host")).password == "a:b");
}

TEST_CASE("addresses of both kinds are hosts") {
  CHECK(must(parse_url("redis://127.0.0.1:7")).host == "127.0.0.1");
  Url six = must(parse_url("redis://[::1]:7/0"));
  CHECK(six.host == "::1");
  CHECK(six.port == "7");
  CHECK(six.database.empty());
}

TEST_CASE("what is no URL of Redis is refused, and nothing of it is repeated") {
  for (const char* text : {"",
                           "secret",
                           "redis",
                           "redis:",
                           "redis:secret",
                           "redis:/secret",
                           "redis://",
                           "redis:///secret",
                           "redis://:6379",
                           "redis://@host",
                           "redis://secret@host",
                           "redis://secret:@host",
                           "redis://u:secret@",
                           "redis://u:secret@:6379",
                           "http://secret",
                           "unix:///secret",
                           "redis://host:secret",
                           "redis://host:",
                           "redis://host:0",
                           "redis://host:65536",
                           "redis://host:-1",
                           "redis://host:6379secret",
                           "redis://host/secret",
                           "redis://host/-1",
                           "redis://host/1/secret",
                           "redis://host/1000001",
                           "redis://host//",
                           "redis://host/99999999999999999999",
                           "redis://host/1?secret=1",
                           "redis://host?db=1",
                           "redis://host#secret",
                           "redis://ho%00st",
                           "redis://ho%2Fst",
                           "redis://u:secret%@host",
                           "redis://u:secret%zz@host",
                           "redis://u:sec ret@host",
                           "redis://[::1",
                           "redis://[secret]",
                           "redis://[v1.secret]",
                           "redis://h\xc3\xb6st",
                           "redis://a,b"}) {
    INFO(text);
    auto parsed = parse_url(text);
    CHECK(code_of(parsed) == Code::invalid_argument);
    if (parsed.has_error()) CHECK(parsed.error().message().find("secret") == std::string::npos);
  }
}
