#include <set>
#include <thread>

#include "ledger_rig.h"
#include "patience.h"
#include "redis_process.h"
#include "support/server_facts.h"

using namespace mas;
using namespace mas::test;
using auth::LedgerEntry;
using std::chrono::seconds;

namespace {

struct Server {
  Server() { process.start(); }
  RedisProcess process;
};

LedgerOptions at(const std::string& url) {
  LedgerOptions options;
  options.url = url;
  return options;
}

std::string key_of(const Id128& token) { return "mas:token:" + token.hex(); }

WallTime server_time(RedisProcess& process) {
  std::string lines = process.ask({"TIME"});
  std::size_t end = lines.find('\n');
  return WallTime{std::stoll(lines.substr(0, end)) * 1'000'000 + std::stoll(lines.substr(end + 1))};
}

Code ping_at(const std::string& url, const std::string& ca_file = "") {
  LedgerOptions options = at(url);
  options.ca_file = ca_file;
  LedgerRig rig(options);
  return rig.ping();
}

std::string shared_url(const ServerFacts& facts, const std::string& scheme, const char* port,
                       const std::string& host = "127.0.0.1") {
  return scheme + "://" + facts.text("user") + ":" + facts.text("password") + "@" + host + ":" +
         std::to_string(facts.number(port));
}

}  // namespace

TEST_CASE("the ledger's time is the server's") {
  Server server;
  LedgerRig rig(at(server.process.url()));
  WallTime before = server_time(server.process);
  WallTime now = rig.now();
  LedgerEntry used = must(rig.use(rig.new_token(), now));
  WallTime after = server_time(server.process);
  CHECK(before <= now);
  CHECK(now <= used.now);
  CHECK(used.now <= after);
  CHECK(used.end == now + seconds(130));
}

TEST_CASE("each token that was used has a key that expires by itself, soon after the token") {
  Server server;
  LedgerRig rig(at(server.process.url()));
  Id128 token = rig.new_token();
  CHECK(server.process.ask({"GET", key_of(token)}) == "nil");
  LedgerEntry used = must(rig.use(token, rig.now()));
  CHECK(server.process.ask({"GET", key_of(token)}) == std::to_string(used.end.unix_micros));
  long left = std::stol(server.process.ask({"PTTL", key_of(token)}));
  CHECK(left > 0);
  CHECK(left <= 131'001);
  // A token far past its end is refused and leaves nothing.
  Id128 old = rig.new_token();
  CHECK(code_of(rig.use(old, used.now + seconds(-1000))) == Code::token_invalid);
  CHECK(server.process.ask({"DBSIZE"}) == "1");
}

TEST_CASE("a key that holds something else counts as none, or as an error") {
  Server server;
  LedgerRig rig(at(server.process.url()));
  Id128 token = rig.new_token(), list = rig.new_token();
  WallTime issued = rig.now();
  CHECK(server.process.ask({"SET", key_of(token), "not a time"}) == "OK");
  CHECK(must(rig.use(token, issued)).end == issued + seconds(130));
  CHECK(server.process.ask({"LPUSH", key_of(list), "x"}) == "1");
  CHECK(code_of(rig.use(list, issued)) == Code::ledger_refused);
  CHECK(rig.ping() == Code::ok);
}

TEST_CASE("the script goes to the server again when that has lost it") {
  Server server;
  LedgerRig rig(at(server.process.url()));
  Id128 token = rig.new_token();
  WallTime issued = rig.now();
  for (int uses = 1; uses <= 5; ++uses) {
    CHECK(server.process.ask({"SCRIPT", "FLUSH"}) == "OK");
    CHECK(must(rig.use(token, issued)).end == issued + seconds(120 + 10 * uses));
  }
}

TEST_CASE("eight threads on two ledgers race for one token, and each use counts") {
  Server server;
  LedgerOptions options = at(server.process.url());
  options.pool = 2;
  LedgerRig one(options), two(options);
  Id128 token = one.new_token();
  WallTime issued = one.now();
  constexpr int kThreads = 8, kUses = 50;
  std::vector<std::vector<LedgerEntry>> entries(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      LedgerRig& rig = i % 2 == 0 ? one : two;
      for (int n = 0; n < kUses; ++n) {
        auto used = rig.use(token, issued);
        if (used.has_value()) entries[static_cast<std::size_t>(i)].push_back(*used);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<WallTime> ends;
  for (const auto& of_thread : entries) {
    CHECK(of_thread.size() == kUses);
    for (const LedgerEntry& entry : of_thread) ends.insert(entry.end);
  }
  // Every use took the end ten seconds further, none of them twice or not at all.
  REQUIRE(ends.size() == kThreads * kUses);
  CHECK(*ends.begin() == issued + seconds(130));
  CHECK(*ends.rbegin() == issued + seconds(120) + seconds(10) * (kThreads * kUses));
  // Two io threads with two connections each, twice.
  CHECK(server.process.clients() <= 8);
}

TEST_CASE("connections that the server has closed are not used again") {
  Server server;
  LedgerRig rig(at(server.process.url()));
  for (int i = 0; i < 3; ++i) {
    CHECK(rig.ping() == Code::ok);
    server.process.ask({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
    REQUIRE(wait_until([&] { return server.process.clients() == 0; }));
  }
  CHECK(rig.ping() == Code::ok);
}

TEST_CASE("the database of the URL is the one that is used") {
  Server server;
  LedgerRig rig(at(server.process.url() + "/3"));
  must(rig.use(rig.new_token(), rig.now()));
  CHECK(server.process.ask({"DBSIZE"}) == "0");
  CHECK(server.process.ask({"INFO", "keyspace"}).find("db3:keys=1,") != std::string::npos);
  CHECK(ping_at(server.process.url() + "/99") == Code::ledger_refused);
}

TEST_CASE("a wrong password is refused, and that ends when it is put right") {
  Server server;
  LedgerRig rig(at(server.process.url_with("tomorrow")));
  CHECK(rig.ping() == Code::ledger_refused);
  CHECK(rig.ping() == Code::ledger_refused);
  CHECK(ping_at("redis://nobody:outage" + server.process.url().substr(14)) == Code::ledger_refused);
  CHECK(server.process.ask({"CONFIG", "SET", "requirepass", "tomorrow"}) == "OK");
  CHECK(wait_until([&] { return rig.ping() == Code::ok; }));
}

TEST_CASE("no password where one is needed is refused") {
  Server server;
  std::string url = server.process.url();
  CHECK(ping_at("redis://" + url.substr(url.find('@') + 1)) == Code::ledger_refused);
}

TEST_CASE("a server that is full or read-only refuses, and is not taken for one that is down") {
  Server server;
  LedgerOptions options = at(server.process.url());
  options.io_threads = 1;
  LedgerRig rig(options);
  WallTime issued = rig.now();
  Id128 token = rig.new_token();
  CHECK(server.process.ask({"CONFIG", "SET", "maxmemory", "1"}) == "OK");
  CHECK(code_of(rig.use(token, issued)) == Code::ledger_refused);
  CHECK(server.process.ask({"CONFIG", "SET", "maxmemory", "0"}) == "OK");
  CHECK(must(rig.use(token, issued)).end == issued + seconds(130));
  CHECK(server.process.ask({"REPLICAOF", "127.0.0.1", "1"}) == "OK");
  CHECK(code_of(rig.use(token, issued)) == Code::ledger_refused);
  // Its name may lead elsewhere by now, so the connection is not kept.
  CHECK(wait_until([&] { return server.process.clients() == 0; }));
  CHECK(server.process.ask({"REPLICAOF", "NO", "ONE"}) == "OK");
  CHECK(must(rig.use(token, issued)).end == issued + seconds(140));
}

TEST_CASE("a user with only the documented rights is enough, plain and over TLS") {
  ServerFacts facts("redis");
  CHECK(ping_at(shared_url(facts, "redis", "port")) == Code::ok);
  for (const char* host : {"127.0.0.1", "localhost"}) {
    LedgerOptions options = at(shared_url(facts, "rediss", "tls_port", host));
    options.ca_file = facts.text("ca_file");
    LedgerRig rig(options);
    Id128 token = rig.new_token();
    WallTime issued = rig.now();
    CHECK(must(rig.use(token, issued)).end == issued + seconds(130));
    CHECK(must(rig.use(token, issued)).end == issued + seconds(140));
  }
}

TEST_CASE("a server whose certificate is not trusted gets nothing") {
  ServerFacts facts("redis");
  std::string url = shared_url(facts, "rediss", "tls_port");
  CHECK(ping_at(url, facts.text("other_ca_file")) == Code::ledger_unavailable);
  CHECK(ping_at(url) == Code::ledger_unavailable);  // nor by the system's authorities
  // Trusted, but not the host that was asked for.
  CHECK(ping_at(shared_url(facts, "rediss", "tls_port", "127.0.0.2"), facts.text("ca_file")) ==
        Code::ledger_unavailable);
}

TEST_CASE("TLS and plain do not talk to each other, and neither hangs") {
  ServerFacts facts("redis");
  CHECK(ping_at(shared_url(facts, "redis", "tls_port")) == Code::ledger_unavailable);
  LedgerOptions options = at(shared_url(facts, "rediss", "port"));
  options.ca_file = facts.text("ca_file");
  options.timeout = seconds(1);  // a plain server waits for the rest of what it takes for a command
  LedgerRig rig(options);
  CHECK(rig.ping() == Code::ledger_unavailable);
}

TEST_CASE("options that cannot work are refused at once, without the URL in the message") {
  IoThreads io(1);
  auto clock = make_system_clock();
  auto fs = fs::make_real_fs();
  auth::RedisLedgerDependencies deps{io, *clock, *fs};
  auto make = [&](config::Redis options) {
    return auth::make_redis_ledger(options, config::Token{}, deps);
  };
  config::Redis options;
  CHECK(code_of(make(options)) == Code::invalid_argument);
  options.url = "redis://u:hidden@host/hidden";
  auto made = make(options);
  REQUIRE(made.has_error());
  CHECK(made.error().message().find("hidden") == std::string::npos);
  options.url = "redis://host";
  options.url_file = "also";
  CHECK(code_of(make(options)) == Code::invalid_argument);
  options.url.clear();
  CHECK(code_of(make(options)) == Code::not_found);
  options.url_file.clear();
  options.url = "rediss://host";
  options.ca_file = "/nonexistent/ca.pem";
  CHECK(code_of(make(options)) == Code::invalid_argument);
  options.url = "redis://host";
  CHECK(code_of(make(options)) == Code::invalid_argument);
}
