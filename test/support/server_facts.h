// What a test server's program wrote about it (test/servers): addresses, files, process ids. A
// suite that does not find its server fails.
#pragma once

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace mas::test {

class ServerFacts {
 public:
  explicit ServerFacts(const std::string& server) {
    const char* servers = std::getenv("MAS_SERVERS_DIR");
    if (servers == nullptr) FAIL("MAS_SERVERS_DIR is not set: run this suite through ctest");
    std::string path = std::string(servers) + "/" + server + "/server.json";
    std::ifstream file(path);
    if (!file) FAIL("no server is running: " << path << " is missing");
    std::stringstream text;
    text << file.rdbuf();
    facts_ = boost::json::parse(text.str()).as_object();
  }

  [[nodiscard]] std::string text(const std::string& key) const {
    return std::string(facts_.at(key).as_string().c_str());
  }
  [[nodiscard]] int number(const std::string& key) const {
    return static_cast<int>(facts_.at(key).as_int64());
  }

 private:
  boost::json::object facts_;
};

}  // namespace mas::test
