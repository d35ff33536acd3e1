// The commands against a pod in this process, over a real socket.
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/cli/cli.h"
#include "app/serve/daemon.h"
#include "mas/codec/hash.h"
#include "mas/codec/stripe.h"
#include "mas/observe/log.h"

namespace {

namespace files = std::filesystem;
using Catch::Matchers::Contains;
using namespace mas::app;

// A directory that goes away with the test.
class Scratch {
 public:
  Scratch() {
    std::string pattern = (files::temp_directory_path() / "mas-app-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Scratch() { files::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, const std::string& content) const {
    files::create_directories(files::path(*this / name).parent_path());
    std::ofstream(*this / name, std::ios::binary) << content;
    return *this / name;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(*this / name, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

 private:
  std::string path_;
};

struct Outcome {
  int status;
  std::string out;
  std::string err;
};

class Pod {
 public:
  explicit Pod(const Scratch& scratch) : scratch_(scratch) {
    mas::codec::initialise();
    start();
  }
  ~Pod() { stop(); }
  Pod(const Pod&) = delete;
  Pod& operator=(const Pod&) = delete;

  void start() {
    mas::config::Config config;
    config.http.listen = "127.0.0.1:0";
    config.node.data = {scratch_ / "data"};
    config.node.io_threads = 2;
    config.node.disk_threads = 2;
    config.node.driver_threads = 2;
    config.store.segment_size = 64 * mas::kMiB;
    daemon_ = std::make_unique<Daemon>(config);
    auto started = mas::run_blocking_for(daemon_->start());
    if (started.has_error()) UNSCOPED_INFO(started.error().message());
    REQUIRE(started.has_value());
  }
  void stop() {
    if (!daemon_) return;
    CHECK(mas::run_blocking_for(daemon_->stop()).has_value());
    daemon_.reset();
  }

  Outcome run(std::vector<std::string> arguments) const {
    std::ostringstream out;
    std::ostringstream err;
    Surroundings around{out, err, {}, false, false};
    arguments.insert(arguments.end(), {"--server", "http://" + daemon_->address(),
                                       "--system-token-file", daemon_->token_file()});
    int status = run_command_line(arguments, around);
    return {status, out.str(), err.str()};
  }

 private:
  const Scratch& scratch_;
  std::unique_ptr<Daemon> daemon_;
};

std::string hash_of(const std::string& content) {
  return mas::codec::sha256(mas::as_bytes(content)).hex();
}

// Bytes that do not repeat.
std::string noise(std::size_t size) {
  std::string text(size, '\0');
  std::uint64_t state = 88172645463325252u;
  for (char& c : text) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    c = static_cast<char>(state);
  }
  return text;
}

TEST_CASE("put, ls, stat, get and rm of one file") {
  Scratch scratch;
  Pod pod(scratch);
  std::string content = noise(300'000);
  std::string hash = hash_of(content);
  std::string path = scratch.write("file.bin", content);

  Outcome put = pod.run({"put", path});
  CAPTURE(put.err);
  CHECK(put.status == kExitOk);
  CHECK(put.out == hash + "  " + path + "\n");
  CHECK_THAT(pod.run({"put", "--json", path}).out, Contains("\"stored_before\":true"));
  CHECK_THAT(pod.run({"ls"}).out, Contains(hash) && Contains("file.bin"));
  CHECK_THAT(pod.run({"ls", "--prefix", hash.substr(0, 5)}).out, Contains(hash));
  CHECK(pod.run({"ls", "--name-contains", "nothing"}).out.empty());
  CHECK_THAT(pod.run({"stat", hash}).out, Contains("300000") && Contains("stored"));

  Outcome get = pod.run({"get", hash, "-o", scratch / "copy"});
  CAPTURE(get.err);
  CHECK(get.status == kExitOk);
  CHECK(scratch.read("copy") == content);
  CHECK_FALSE(files::exists(scratch / "copy.part"));
  CHECK(pod.run({"get", hash, "-o", "-"}).out == content);

  CHECK(pod.run({"rm", hash}).status == kExitOk);
  Outcome gone = pod.run({"get", hash, "-o", scratch / "again"});
  CHECK(gone.status == kExitFailed);
  CHECK_THAT(gone.err, Contains("no such file"));
  CHECK(pod.run({"stat", hash}).status == kExitFailed);
  CHECK(pod.run({"rm", hash}).status == kExitFailed);
}

TEST_CASE("A directory goes up and comes back as it was") {
  Scratch scratch;
  Pod pod(scratch);
  scratch.write("tree/a.txt", "alpha");
  scratch.write("tree/sub/b.txt", "beta");
  scratch.write("tree/sub/same as b.txt", "beta");
  scratch.write("tree/empty", "");
  Outcome put = pod.run({"put", "-q", scratch / "tree"});
  CAPTURE(put.err);
  REQUIRE(put.status == kExitOk);
  std::string list = scratch.write("list", put.out);
  Outcome get = pod.run({"get", "--list", list, "-o", scratch / "out"});
  CAPTURE(get.err);
  REQUIRE(get.status == kExitOk);
  std::string below = "out" + (scratch / "tree");
  CHECK(scratch.read(below + "/a.txt") == "alpha");
  CHECK(scratch.read(below + "/sub/b.txt") == "beta");
  CHECK(scratch.read(below + "/sub/same as b.txt") == "beta");
  CHECK(files::exists(scratch / (below + "/empty")));
  CHECK_THAT(pod.run({"ls"}).out, Contains("tree/sub/"));
}

TEST_CASE("A large file goes up in parts and survives a restart of the pod") {
  Scratch scratch;
  Pod pod(scratch);
  std::string content = noise(5 * mas::kMiB + 17);
  std::string path = scratch.write("big", content);
  Outcome put = pod.run({"put", "--part-size", "1MiB", "--connections", "3", "--json", path});
  CAPTURE(put.err);
  REQUIRE(put.status == kExitOk);
  auto line = boost::json::parse(put.out);
  CHECK(line.at("durable").as_string() == "1/1");
  CHECK(line.at("resumed").to_number<int>() == 0);
  pod.stop();
  pod.start();
  CHECK(pod.run({"get", hash_of(content), "-o", scratch / "copy"}).status == kExitOk);
  CHECK(scratch.read("copy") == content);
}

TEST_CASE("A partial download is continued, a wrong one is thrown away") {
  Scratch scratch;
  Pod pod(scratch);
  std::string content = noise(400'000);
  std::string hash = hash_of(content);
  REQUIRE(pod.run({"put", scratch.write("f", content)}).status == kExitOk);

  scratch.write("a.part", content.substr(0, 123'456));
  Outcome resumed = pod.run({"get", "--json", hash, "-o", scratch / "a"});
  CHECK_THAT(resumed.out, Contains("\"resumed\":123456"));
  CHECK(scratch.read("a") == content);

  scratch.write("whole.part", content);
  CHECK(pod.run({"get", hash, "-o", scratch / "whole"}).status == kExitOk);
  CHECK(scratch.read("whole") == content);

  for (std::string wrong : {std::string(1000, 'x'), content + "more"}) {
    scratch.write("b.part", wrong);
    Outcome failed = pod.run({"get", hash, "-o", scratch / "b"});
    CHECK(failed.status == kExitFailed);
    CHECK_FALSE(files::exists(scratch / "b.part"));
    CHECK_FALSE(files::exists(scratch / "b"));
  }
  CHECK(pod.run({"get", hash, "-o", scratch / "b"}).status == kExitOk);
}

TEST_CASE("A file of other content is replaced only when asked to") {
  Scratch scratch;
  Pod pod(scratch);
  std::string hash = hash_of("new");
  REQUIRE(pod.run({"put", scratch.write("new", "new")}).status == kExitOk);
  scratch.write("there", "old");
  Outcome refused = pod.run({"get", hash, "-o", scratch / "there"});
  CHECK(refused.status == kExitFailed);
  CHECK_THAT(refused.err, Contains("--force"));
  CHECK(scratch.read("there") == "old");
  CHECK(pod.run({"get", "--force", hash, "-o", scratch / "there"}).status == kExitOk);
  CHECK(scratch.read("there") == "new");
  CHECK_THAT(pod.run({"get", "--json", hash, "-o", scratch / "there"}).out,
             Contains("\"was_there\":true"));
}

TEST_CASE("Tokens, status and bench work against a pod") {
  Scratch scratch;
  Pod pod(scratch);
  std::string hash(64, 'a');
  Outcome token = pod.run({"token", "upload", hash, "--max-size", "1MiB", "--session", "s"});
  CHECK(token.status == kExitOk);
  CHECK(token.out.find('.') != std::string::npos);
  CHECK(pod.run({"token", "download", hash, "--max-size", "1"}).status == kExitUsage);
  Outcome status = pod.run({"status", "--wait", "healthy", "--timeout", "30s"});
  CHECK_THAT(status.out, Catch::StartsWith("healthy"));
  for (const char* kind : {"put", "get", "mixed"}) {
    Outcome bench =
        pod.run({"bench", kind, "--size", "10KB", "--count", "40", "--concurrency", "4", "--json"});
    CAPTURE(kind, bench.out, bench.err);
    CHECK(bench.status == kExitOk);
    CHECK_THAT(bench.out, Contains("\"errors\":0") && Contains("\"wrong\":0"));
  }
  CHECK(pod.run({"ls"}).out.empty());
}

TEST_CASE("A worker is paused and resumed") {
  Scratch scratch;
  Pod pod(scratch);
  auto paused = [&] {
    const auto status = boost::json::parse(pod.run({"status", "--json"}).out);
    for (const auto& worker : status.at("workers").as_array()) {
      if (worker.at("name") == "scrub") return worker.at("paused").as_bool();
    }
    FAIL("no scrub");
    return false;
  };
  Outcome pause = pod.run({"worker", "pause", "scrub"});
  CAPTURE(pause.err);
  CHECK(pause.status == kExitOk);
  CHECK_THAT(pause.out, Catch::StartsWith("scrub is paused"));
  CHECK(paused());
  CHECK(pod.run({"worker", "resume", "scrub"}).out == "scrub is resumed\n");
  CHECK_FALSE(paused());
  const auto json = boost::json::parse(pod.run({"worker", "pause", "scrub", "--json"}).out);
  CHECK(json.at("paused").as_bool());

  Outcome unknown = pod.run({"worker", "pause", "sweep"});
  CHECK(unknown.status == kExitFailed);
  CHECK_THAT(unknown.err, Contains("no worker of this name"));
  CHECK(pod.run({"worker", "stop", "scrub"}).status == kExitUsage);
}

TEST_CASE("A stopped pod's directory passes the check, a damaged one does not") {
  Scratch scratch;
  Pod pod(scratch);
  std::string content = noise(200'000);
  REQUIRE(pod.run({"put", scratch.write("f", content)}).status == kExitOk);

  std::ostringstream out;
  std::ostringstream err;
  Surroundings around{out, err, {}, false, false};
  CHECK(run_command_line(std::vector<std::string>{"check", scratch / "data"}, around) ==
        kExitFailed);
  CHECK_THAT(err.str(), Contains("stop the pod first"));
  pod.stop();
  CHECK(run_command_line(std::vector<std::string>{"check", scratch / "data"}, around) == kExitOk);
  CHECK_THAT(out.str(), Contains("all is well"));

  // One byte in the middle of what was stored.
  std::string segment;
  for (const auto& entry : files::recursive_directory_iterator(scratch / "data/segments")) {
    if (entry.is_regular_file()) segment = entry.path().string();
  }
  std::fstream file(segment, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(100'000);
  file.put('?');
  file.close();
  CHECK(run_command_line(std::vector<std::string>{"check", "--json", scratch / "data"}, around) ==
        kExitFailed);
  CHECK_THAT(out.str(), Contains("\"problems\":[\""));
  CHECK(run_command_line(std::vector<std::string>{"check", scratch / "nothing"}, around) ==
        kExitFailed);
}

TEST_CASE("A second instance on the same directory is refused and leaves the first alone") {
  Scratch scratch;
  Pod pod(scratch);
  mas::config::Config config;
  config.http.listen = "127.0.0.1:0";
  config.node.data = {scratch / "data"};
  Daemon second(config);
  auto started = mas::run_blocking_for(second.start());
  CHECK(mas::run_blocking_for(second.stop()).has_value());
  REQUIRE(started.has_error());
  CHECK_THAT(started.error().message(), Contains("another mas"));
  CHECK(pod.run({"put", scratch.write("f", "still works")}).status == kExitOk);
}

}  // namespace
