#include "membership/amqp_url.h"

#include <catch2/catch.hpp>

#include "support/must.h"

using namespace mas;
using namespace mas::membership;

TEST_CASE("a URL names broker, user, password and virtual host") {
  AmqpTarget target = must(parse_amqp_url("amqp://mas:secret@broker.example:5673/pods"));
  CHECK_FALSE(target.tls);
  CHECK(target.host == "broker.example");
  CHECK(target.port == 5673);
  CHECK(target.user == "mas");
  CHECK(target.password == "secret");
  CHECK(target.vhost == "pods");
}

TEST_CASE("what a URL leaves out is what brokers expect") {
  AmqpTarget plain = must(parse_amqp_url("amqp://broker"));
  CHECK(plain.port == 5672);
  CHECK(plain.user == "guest");
  CHECK(plain.password == "guest");
  CHECK(plain.vhost == "/");
  AmqpTarget tls = must(parse_amqp_url("amqps://broker/"));
  CHECK(tls.tls);
  CHECK(tls.port == 5671);
  CHECK(tls.vhost == "/");
  AmqpTarget no_password = must(parse_amqp_url("amqp://mas@broker"));
  CHECK(no_password.user == "mas");
  CHECK(no_password.password.empty());
}

TEST_CASE("user, password and virtual host are decoded") {
  AmqpTarget target = must(parse_amqp_url("amqp://a%40b:p%3Aw%2F1%25%C3%BC@broker/%2Fmas%20x"));
  CHECK(target.user == "a@b");
  CHECK(target.password == "p:w/1%\xc3\xbc");
  CHECK(target.vhost == "/mas x");
  CHECK(must(parse_amqp_url("amqp://broker/%2f")).vhost == "/");
  CHECK(must(parse_amqp_url("amqp://broker//")).vhost == "/");
  CHECK(must(parse_amqp_url("amqp://broker/a/b")).vhost == "a/b");
}

TEST_CASE("a host may be an address") {
  CHECK(must(parse_amqp_url("amqp://10.1.2.3:1")).host == "10.1.2.3");
  AmqpTarget target = must(parse_amqp_url("amqps://u:p@[2001:db8::1]:5671/v"));
  CHECK(target.host == "2001:db8::1");
  CHECK(target.port == 5671);
}

TEST_CASE("what is no URL of a broker is refused, and never repeated") {
  for (const std::string& text :
       {std::string(), std::string("broker:5672"), std::string("http://broker"),
        std::string("AMQPX://broker"), std::string("amqp://"), std::string("amqp:///vhost"),
        std::string("amqp://s3cret:s3cret@"), std::string("amqp://s3cret:s3cret@broker:0"),
        std::string("amqp://s3cret:s3cret@broker:65536"), std::string("amqp://broker:"),
        std::string("amqp://s3cret:s3cret@broker:x"),
        std::string("amqp://s3cret@broker?heartbeat=1"), std::string("amqp://s3cret@broker#x"),
        std::string("amqp://s3cret%ZZ@broker"), std::string("amqp://s3cret:a%00b@broker"),
        std::string("amqp://broker/a%00b"), std::string("amqp://s3 cret@broker"),
        "amqp://" + std::string(256, 'u') + "@broker", "amqp://broker/" + std::string(256, 'v')}) {
    CAPTURE(text);
    auto target = parse_amqp_url(text);
    REQUIRE(target.has_error());
    CHECK(target.error().code() == Code::invalid_argument);
    CHECK(target.error().message().find("s3") == std::string::npos);
  }
}
