// conf/mas.toml and the code must agree: every key, its default, its one-line description, the
// order.
#include <catch2/catch.hpp>
#include <fstream>
#include <string>
#include <vector>

#include "config/keys.h"
#include "mas/config/config.h"

namespace {

using mas::config::KeyInfo;

std::vector<std::string> lines_of_conf() {
  std::ifstream file(MAS_SOURCE_DIR "/conf/mas.toml");
  REQUIRE(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

// Every "key = value" line with its section, and the first line of the comment above it.
std::vector<KeyInfo> keys_of_conf() {
  std::vector<KeyInfo> found;
  std::string section;
  std::string comment;
  for (const std::string& line : lines_of_conf()) {
    if (line.empty()) {
      comment.clear();
    } else if (line[0] == '[') {
      section = line.substr(1, line.find(']') - 1);
      comment.clear();
    } else if (line[0] == '#') {
      if (comment.empty()) comment = line.substr(2);
    } else {
      std::size_t equals = line.find(" = ");
      REQUIRE(equals != std::string::npos);
      found.push_back({section + "." + line.substr(0, equals), line.substr(equals + 3), comment});
      comment.clear();
    }
  }
  return found;
}

TEST_CASE("conf/mas.toml has every key with its default and description, in the code's order") {
  std::vector<KeyInfo> in_code = mas::config::all_keys();
  std::vector<KeyInfo> in_file = keys_of_conf();
  for (std::size_t i = 0; i < std::max(in_code.size(), in_file.size()); ++i) {
    CAPTURE(i);
    REQUIRE(i < in_code.size());
    REQUIRE(i < in_file.size());
    CHECK(in_file[i].key == in_code[i].key);
    CHECK(in_file[i].default_value == in_code[i].default_value);
    CHECK(in_file[i].doc == in_code[i].doc);
  }
}

TEST_CASE("conf/mas.toml loads and changes nothing") {
  mas::config::Sources sources;
  std::string text;
  for (const std::string& line : lines_of_conf()) text += line + "\n";
  sources.file = {"mas.toml", text};
  auto loaded = mas::config::load(sources);
  REQUIRE(loaded.has_value());
  mas::config::Config defaults;
  for (const auto& key : mas::config::keys()) {
    CAPTURE(key.name);
    CHECK(print_field(key.field, *loaded) == print_field(key.field, defaults));
  }
}

TEST_CASE("Every key's description is one sentence on one line") {
  for (const KeyInfo& key : mas::config::all_keys()) {
    CAPTURE(key.key);
    CHECK(key.doc.size() > 10);
    CHECK(key.doc.back() == '.');
    CHECK(key.doc.find('\n') == std::string::npos);
  }
}

TEST_CASE("a kept connection rests for longer than nginx and load balancers keep it") {
  // Of two ends with the same time one sends a request while the other closes.
  const mas::config::Http http;
  CHECK(http.idle_timeout >= std::chrono::seconds(75));
  CHECK(http.idle_timeout > http.header_timeout);
}

}  // namespace
