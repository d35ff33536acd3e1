#include "net/hello_watch.h"

#include <catch2/catch.hpp>
#include <string>

using namespace mas;
using mas::net::HelloWatch;

namespace {

std::string record(char kind, const std::string& body) {
  return std::string{kind, 3, 1, static_cast<char>(body.size() >> 8),
                     static_cast<char>(body.size())} +
         body;
}

std::string hello(std::size_t promised, std::size_t sent) {
  return std::string{1, static_cast<char>(promised >> 16), static_cast<char>(promised >> 8),
                     static_cast<char>(promised)} +
         std::string(sent, 'x');
}

// Given whole, and byte by byte.
bool passes(const std::string& said) {
  HelloWatch whole;
  HelloWatch slow;
  bool passed = true;
  for (const char& byte : said) passed = passed && slow.pass(as_bytes(std::string_view(&byte, 1)));
  CHECK(whole.pass(as_bytes(said)) == passed);
  return passed;
}

}  // namespace

TEST_CASE("A greeting may be as long as there is room from the start") {
  CHECK(passes(record(22, hello(HelloWatch::kMost, 0))));
  CHECK_FALSE(passes(record(22, hello(HelloWatch::kMost + 1, 0))));
  CHECK_FALSE(passes(record(22, hello(131000, 0))));
}

TEST_CASE("A greeting in several records is followed, and so is a second one") {
  const std::string large = hello(131000, 0);
  CHECK_FALSE(
      passes(record(22, large.substr(0, 1)) + record(22, "") + record(22, large.substr(1))));
  // The server asked again; some clients say that they change keys in between.
  const std::string again = record(22, hello(300, 100)) + record(22, std::string(200, 'x')) +
                            record(20, std::string(1, 1));
  CHECK_FALSE(passes(again + record(22, large)));
  CHECK(passes(again + record(22, hello(500, 500))));
}

TEST_CASE("What follows the greeting is not looked at") {
  const std::string key_exchange(1, 16);
  CHECK(
      passes(record(22, hello(10, 10)) + record(22, key_exchange) + record(22, hello(131000, 0))));
  CHECK(passes(record(22, hello(10, 10)) + record(23, hello(131000, 0))));
}
