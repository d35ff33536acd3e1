#include "config/toml_reader.h"

#include <catch2/catch.hpp>
#include <string>

#include "mas/config/config.h"

namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using mas::config::read_toml;

std::string repeat(std::string_view piece, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += piece;
  return text;
}

std::string error_of(std::string_view toml) {
  auto result = read_toml(toml, "f");
  if (result.has_value()) return "(no error)";
  CHECK(result.error().message().find('\n') == std::string::npos);
  return result.error().message();
}

TEST_CASE("Entries come in the order of the file with dotted keys and their lines") {
  auto entries = read_toml("a = 1\n[s]\nz = \"x\"\n\nb = [\"q\"]\n[s.t]\nc = true\n[e]\n", "f");
  REQUIRE(entries.has_value());
  REQUIRE(entries->size() == 5);
  CHECK((*entries)[0].key == "a");
  CHECK((*entries)[1].key == "s.z");
  CHECK((*entries)[2].key == "s.b");
  CHECK((*entries)[2].origin == "f:5");
  CHECK((*entries)[3].key == "s.t.c");
  CHECK((*entries)[4].key == "e");
}

TEST_CASE("What is not TOML is refused with its line") {
  for (const char* bad : {"a\n",
                          "= 1\n",
                          "a = \n",
                          "a = \"x\n",
                          "[a\n",
                          "[a]]\n",
                          "a = 1\na = 2\n",
                          "a = 'x\n",
                          "a = [1, 2\n",
                          "a = {b = 1\n",
                          "a = \"\\q\"\n",
                          "a = 0x\n",
                          "a = 1_\n",
                          "a = 00\n",

                          "a.b = 1\na = 2\n",
                          "[a]\nx=1\n[a]\nx=1\n",
                          "a = \"\\u12\"\n",
                          "a = 1 b = 2\n",
                          "\"\"\"a\"\"\" = 1\n",
                          "a = '''x"}) {
    CAPTURE(bad);
    std::string message = error_of("\n" + std::string(bad));
    CHECK_THAT(message, StartsWith("f:"));
    CHECK_THAT(message, Contains("not valid TOML: "));
  }
  CHECK_THAT(error_of("x = 1\ny = \n"), StartsWith("f:2: "));
}

TEST_CASE("Nesting that would overflow the stack is refused before parsing") {
  CHECK_THAT(error_of("a = " + repeat("[", 20'000)), Contains("more than 256 brackets"));
  CHECK_THAT(error_of("a = " + repeat("{a=", 20'000)), Contains("more than 256 brackets"));
  CHECK_THAT(error_of(repeat("a.", 100'000) + "a = 1"), Contains("more than 256 dots"));
  CHECK_THAT(error_of("[" + repeat("a.", 100'000) + "a]"), Contains("more than 256 dots"));
}

TEST_CASE("Nesting up to the limit is parsed") {
  std::string deep = "a = " + repeat("[", 256) + repeat("]", 256) + "\n";
  CHECK(read_toml(deep, "f").has_value());
  CHECK(read_toml(repeat("a.", 256) + "a = 1\n", "f").has_value());
}

TEST_CASE("Text that is not UTF-8 is refused with its line, even in a string or a comment") {
  CHECK(error_of("a = 1\nb = 'x\xFFy'\n") == "f:2: not valid UTF-8");
  CHECK(error_of("# \xC3\n") == "f:1: not valid UTF-8");
  CHECK(read_toml("\xEF\xBB\xBF"
                  "a = \"\xC3\xA4\"\n",
                  "f")
            .has_value());
}

TEST_CASE("More than 1 MiB is refused") {
  std::string comment = "#" + std::string(mas::config::kMaxFileBytes - 2, 'x') + "\n";
  CHECK(read_toml(comment, "f").has_value());
  CHECK_THAT(error_of(comment + "#"), Contains("larger than 1 MiB"));
}

}  // namespace
