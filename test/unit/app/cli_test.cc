// The command line as a whole, and the man page that describes it.
#include "app/cli/cli.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "app/serve/greeting.h"
#include "app/serve/process_metrics.h"

namespace {

using Catch::Matchers::Contains;
using namespace mas::app;

struct Run {
  int status;
  std::string out;
  std::string err;
};

Run run(const std::vector<std::string>& arguments,
        std::map<std::string, std::string> environment = {}) {
  std::ostringstream out;
  std::ostringstream err;
  Surroundings surroundings{out, err, std::move(environment), false, false};
  int status = run_command_line(arguments, surroundings);
  return {status, out.str(), err.str()};
}

bool is_one_line(const std::string& text) {
  return !text.empty() && text.find('\n') == text.size() - 1;
}

TEST_CASE("Help and version end well") {
  CHECK(run({"--help"}).status == kExitOk);
  CHECK_THAT(run({"--help"}).out, Contains("serve") && Contains("bench"));
  CHECK(run({"put", "--help"}).status == kExitOk);
  CHECK_THAT(run({"put", "--help"}).out, Contains("--part-size"));
  CHECK_THAT(run({"--version"}).out, Catch::StartsWith("mas "));
}

TEST_CASE("What is not understood ends with status 2 and one line") {
  const std::vector<std::vector<std::string>> bad{
      {},
      {"frob"},
      {"put"},
      {"get"},
      {"stat"},
      {"ls", "--frob"},
      {"ls", "extra"},
      {"token", "sideways", std::string(64, 'a')},
      {"token", "upload"},
      {"bench", "fly"},
      {"bench", "--size", "1zz"},
      {"bench", "--size", "0"},
      {"bench", "--concurrency", "0"},
      {"bench", "--concurrency", "-1"},
      {"bench", "--duration", "10"},
      {"config", "check"},
      {"config", "frob"},
      {"check"},
      {"get", "xyz"},
      {"get", "-o", "-", "--list", "f"},
      {"put", "--name", "n", "a", "b"},
      {"ls", "--server", "ftp://x"},
      {"ls", "--system-token-file", "/nowhere/token"},
      {"serve", "--listen", "nowhere"},
      {"serve", "--config", "/nowhere/mas.toml"},
      {"serve", "--data", "a,b"},
      {"bad\nname"},
  };
  for (const auto& arguments : bad) {
    Run result = run(arguments);
    CAPTURE(arguments, result.err);
    CHECK(result.status == kExitUsage);
    CHECK(is_one_line(result.err));
    CHECK_THAT(result.err, Catch::StartsWith("mas: "));
    CHECK(result.out.empty());
  }
}

TEST_CASE("Errors of values name their option") {
  CHECK_THAT(run({"bench", "--size", "1zz"}).err, Contains("--size: '1zz'"));
  CHECK_THAT(run({"bench", "--concurrency", "5000"}).err, Contains("must be from 1 to 4096"));
}

TEST_CASE("A misspelt variable stops serve before it touches anything") {
  Run result = run({"serve"}, {{"MAS_HTTP_LISEN", "x"}});
  CHECK(result.status == kExitUsage);
  CHECK_THAT(result.err, Contains("did you mean MAS_HTTP_LISTEN?"));
}

TEST_CASE("config check says what serve would, config keys lists what there is") {
  std::string conf = MAS_SOURCE_DIR "/conf/mas.toml";
  Run good = run({"config", "check", conf});
  CHECK(good.status == kExitOk);
  CHECK(good.out == conf + ": good\n");
  Run missing = run({"config", "check", "/nowhere/mas.toml"});
  CHECK(missing.status == kExitUsage);
  CHECK_THAT(missing.err, Contains("/nowhere/mas.toml: cannot be read"));
  CHECK_THAT(run({"config", "keys"}).out, Contains("http.listen = \"127.0.0.1:7080\"\n"));
}

std::set<std::string> options_in(const std::string& text) {
  std::set<std::string> found;
  std::regex option("(^|[^A-Za-z0-9-])(--[a-z][a-z-]*)");
  for (std::sregex_iterator at(text.begin(), text.end(), option), end; at != end; ++at) {
    found.insert((*at)[2]);
  }
  return found;
}

std::string man_page() {
  std::ifstream file(MAS_SOURCE_DIR "/doc/mas.1");
  std::stringstream text;
  text << file.rdbuf();
  // \- is a plain hyphen.
  return std::regex_replace(text.str(), std::regex(R"(\\-)"), "-");
}

TEST_CASE("The man page has every command and option of the help, and no other option") {
  std::string page = man_page();
  std::string help = full_help();
  for (const auto& command : all_commands()) {
    CAPTURE(command->name());
    CHECK_THAT(page, Contains("mas " + command->name()));
    CHECK_THAT(help, Contains(command->name()));
  }
  CHECK(options_in(page) == options_in(help));
}

TEST_CASE("Every command describes itself and each of its options") {
  for (const auto& command : all_commands()) {
    CAPTURE(command->name());
    CHECK(command->summary().size() > 5);
    CHECK(run({command->name(), "--help"}).status == kExitOk);
  }
}

TEST_CASE("The greeting's command fits a shell and never holds the token") {
  std::string plain = greeting_text({"127.0.0.1:7080", "mas-data/system-token", ""});
  CHECK(plain ==
        "mas 0.2.0 listening on http://127.0.0.1:7080\n"
        "echo 'Hello, mas' | curl -sS -T - -H \"systemToken: $(cat mas-data/system-token)\" "
        "'http://127.0.0.1:7080/api/file/upload/object?name=hello.txt'\n");
  CHECK_THAT(greeting_text({"0.0.0.0:80", "/a b/it's", ""}),
             Contains("$(cat '/a b/it'\\''s')") && Contains("'http://127.0.0.1:80/"));
  CHECK_THAT(greeting_text({"[::]:80", "t", "cert.pem"}),
             Contains("--cacert cert.pem") && Contains("'https://[::1]:80/"));
}

TEST_CASE("Resident memory is read from statm") {
  CHECK(resident_bytes("1000 25 3 4", 4096) == 25 * 4096);
  CHECK(resident_bytes("", 4096) == 0);
  CHECK(resident_bytes("1000", 4096) == 0);
  CHECK(resident_bytes("a b", 4096) == 0);
}

}  // namespace
