// The MongoDB server killed, hanging, and started again: calls fail with a code instead of waiting,
// work again by themselves, and nothing that was acknowledged is lost.
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <sstream>

#include "fixture.h"
#include "mongo_rig.h"
#include "support/stopped_process.h"

extern char** environ;

using namespace mas;
using namespace mas::test;
using meta::MetaStore;
using meta::Object;

namespace {

// A server of this suite's own; ends with it.
class Server {
 public:
  Server() {
    command("start");
    std::ifstream file(directory_ + "/server.json");
    std::ostringstream text;
    text << file.rdbuf();
    facts_ = boost::json::parse(text.str());
    pid_ = static_cast<pid_t>(facts_.at("pid").as_int64());
  }
  ~Server() {
    go_on();
    kill();
    std::remove((directory_ + "/server.json").c_str());
  }
  [[nodiscard]] std::string url() const { return std::string(facts_.at("url").as_string()); }
  // As a power cut of the machine's software: at once, without a word.
  void kill() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);  // ours after start_again()
    while (::kill(pid_, 0) == 0) sched_yield();
  }
  void hang() { stop_process(pid_); }
  void go_on() { ::kill(pid_, SIGCONT); }
  void start_again() {
    std::vector<std::string> words;
    for (const auto& word : facts_.at("command").as_array()) words.emplace_back(word.as_string());
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t streams;
    posix_spawn_file_actions_init(&streams);
    for (int stream : {0, 1, 2}) {
      posix_spawn_file_actions_addopen(&streams, stream, "/dev/null", stream == 0 ? 0 : 1, 0);
    }
    REQUIRE(posix_spawnp(&pid_, arguments[0], &streams, nullptr, arguments.data(), environ) == 0);
    posix_spawn_file_actions_destroy(&streams);
  }

 private:
  void command(const std::string& verb) {
    std::string line =
        "python3 " MAS_SOURCE_DIR "/test/servers/mongo.py " + verb + " " + directory_;
    REQUIRE(std::system(line.c_str()) == 0);
  }

  std::string directory_ = MAS_SCRATCH_DIR "/mongo-outage";
  boost::json::value facts_;
  pid_t pid_ = 0;
};

Server& server() {
  static Server one;
  return one;
}

Object make_object(Rng& rng, std::uint64_t generation) {
  Object object;
  rng.fill(object.hash.bytes);
  object.size = 10;
  object.generation = generation;
  object.extents = {meta::Extent{rng.id(), 10, 4096, Profile{1, 0}}};
  return object;
}

// What became of the commits that many clients made one after the other.
struct Outcomes {
  std::mutex mutex;
  std::vector<Object> acknowledged, refused, unknown;
};

Task<void> keep_committing(MetaStore& store, Outcomes& outcomes, int commits) {
  auto rng = make_system_rng();
  for (int i = 0; i < commits; ++i) {
    Object object = make_object(*rng, 1);
    auto result = co_await store.commit(object, 0, std::nullopt);
    std::lock_guard lock(outcomes.mutex);
    if (result.has_value()) {
      outcomes.acknowledged.push_back(object);
    } else {
      auto& list = result.error().maybe_happened() ? outcomes.unknown : outcomes.refused;
      list.push_back(object);
    }
  }
}

void wait_until_it_works(MongoView& view) {
  for (int tries = 0;; ++tries) {
    auto answer = run_blocking_for(view.store().ping());
    if (answer.has_value()) return;
    REQUIRE(answer.error().code() == Code::metadata_unavailable);
    REQUIRE(tries < 600);
    auto clock = make_system_clock();
    run_blocking(clock->sleep(std::chrono::milliseconds(50)));
  }
}

double outages(MongoView& view) {
  return view.metrics().counter("mas_metadata_outages_total", "").value();
}
double unreachable(MongoView& view) {
  return view.metrics().gauge("mas_metadata_unreachable", "").value();
}

// Commits from 16 clients while `interrupt` happens to the server, and more until all have seen it.
void commit_through(MongoView& view, Outcomes& outcomes, const std::function<void()>& interrupt) {
  run_side_by_side(16, 2, [&](std::size_t) { return keep_committing(view.store(), outcomes, 5); });
  REQUIRE(outcomes.refused.empty());
  REQUIRE(outcomes.acknowledged.size() == 80);
  auto make = [&](std::size_t i) -> Task<void> {
    if (i == 0) interrupt();
    return keep_committing(view.store(), outcomes, 5);
  };
  run_side_by_side(16, 2, make);
}

void check_outcomes(MongoView& view, const Outcomes& outcomes) {
  for (const Object& object : outcomes.acknowledged) {
    auto found = must(run_blocking_for(view.store().find(object.hash)));
    REQUIRE(found);
    CHECK(found->extents == object.extents);
  }
  for (const Object& object : outcomes.refused) {
    CHECK_FALSE(must(run_blocking_for(view.store().find(object.hash))));
  }
  for (const Object& object : outcomes.unknown) {
    auto found = must(run_blocking_for(view.store().find(object.hash)));
    auto referred = must(run_blocking_for(view.store().referenced({object.extents[0].id})));
    CHECK(referred[0] == found.has_value());
    CHECK(must(run_blocking_for(view.store().commit(object, 0, std::nullopt))).committed);
  }
}

}  // namespace

TEST_CASE("a server that is killed and started again loses nothing acknowledged") {
  MongoView view(server().url());
  wait_until_it_works(view);
  Outcomes outcomes;
  commit_through(view, outcomes, [] { server().kill(); });
  CHECK_FALSE(outcomes.refused.empty());
  CHECK(unreachable(view) == 1);
  auto found = run_blocking_for(view.store().find(outcomes.acknowledged[0].hash));
  CHECK(code_of(found) == Code::metadata_unavailable);
  server().start_again();
  wait_until_it_works(view);
  CHECK(unreachable(view) == 0);
  CHECK(outages(view) == 1);
  check_outcomes(view, outcomes);
}

TEST_CASE("while a server hangs calls are refused, and work again when it goes on") {
  MongoView view(server().url());
  wait_until_it_works(view);
  Outcomes outcomes;
  commit_through(view, outcomes, [] { server().hang(); });
  // The first few waited for answers and cannot know; once that was noticed nobody waits.
  CHECK_FALSE(outcomes.refused.empty());
  CHECK(unreachable(view) == 1);
  Outcomes later;
  run_side_by_side(64, 2, [&](std::size_t) { return keep_committing(view.store(), later, 1); });
  CHECK(later.refused.size() == 64);
  server().go_on();
  wait_until_it_works(view);
  CHECK(outages(view) == 1);
  check_outcomes(view, outcomes);
  check_outcomes(view, later);
}

TEST_CASE("a store that was opened while its server is away works when it comes") {
  server().kill();
  MongoView view(server().url());
  auto found = run_blocking_for(view.store().find(Hash{}));
  REQUIRE(code_of(found) == Code::metadata_unavailable);
  auto committed = run_blocking_for(view.store().next_generation(1));
  REQUIRE(code_of(committed) == Code::metadata_unavailable);
  CHECK_FALSE(committed.error().maybe_happened());
  server().start_again();
  wait_until_it_works(view);
  CHECK(must(run_blocking_for(view.store().next_generation(1))) == 1);
}

TEST_CASE("a store is closed while its server hangs") {
  MongoView view(server().url());
  wait_until_it_works(view);
  server().hang();
  auto found = run_blocking_for(view.store().find(Hash{}));
  CHECK(code_of(found) == Code::metadata_unavailable);
  run_blocking(view.store().close_store());
  server().go_on();
  CHECK(code_of(run_blocking_for(view.store().ping())) == Code::metadata_unavailable);
}
