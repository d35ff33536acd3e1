// Everything the api stands on, in memory, and short ways to ask it.
#pragma once

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <catch2/catch.hpp>

#include "mas/api/api.h"
#include "mas/meta/memory.h"
#include "mas/runtime/io_threads.h"
#include "support/fake_exchange.h"
#include "support/memory_store.h"
#include "unit/api/fake_objects.h"

namespace mas::test {

class FixedClock final : public Clock {
 public:
  std::int64_t seconds = 5000;
  [[nodiscard]] Instant now() const override { return {std::chrono::seconds(seconds)}; }
  [[nodiscard]] WallTime wall() const override { return {seconds * 1'000'000}; }
  [[nodiscard]] std::unique_ptr<Timer> make_timer(Executor) override { return nullptr; }
};

// Tokens are what the test says they are.
class FakeAuthority final : public auth::Authority {
 public:
  std::map<std::string, auth::Claims, std::less<>> tokens;
  std::map<std::string, Error> fail;  // "begin", "mint"
  auth::Claims minted;
  int uses = 0;
  int refusals = 0;
  int refusals_allowed = 1000;

  [[nodiscard]] bool is_system_token(std::string_view candidate) const override {
    return candidate == "system";
  }
  Task<Result<std::string>> mint(auth::Claims claims) override {
    if (fail.contains("mint")) co_return fail["mint"];
    minted = std::move(claims);
    co_return std::string("minted");
  }
  Task<Result<std::unique_ptr<auth::TokenUse>>> begin(std::string_view token,
                                                      auth::TokenType type) override {
    if (fail.contains("begin")) co_return fail["begin"];
    auto at = tokens.find(token);
    if (at == tokens.end()) co_return Error(Code::token_invalid, "The token is not valid.");
    if (at->second.type != type) co_return Error(Code::token_wrong_type, "Of the wrong type.");
    ++uses;
    co_return std::make_unique<Use>(at->second);
  }
  bool count_refusal(std::string_view) override { return ++refusals <= refusals_allowed; }
  Task<void> close() override { co_return; }

 private:
  struct Use final : auth::TokenUse {
    explicit Use(auth::Claims c) : held(std::move(c)) {}
    [[nodiscard]] const auth::Claims& claims() const override { return held; }
    auth::Claims held;
  };
};

class FakeLedger final : public auth::TokenLedger {
 public:
  bool up = true;
  int pings = 0;
  Task<Result<auth::LedgerEntry>> use(Id128, WallTime) override { co_return auth::LedgerEntry{}; }
  Task<Result<auth::LedgerEntry>> renew(Id128, WallTime) override { co_return auth::LedgerEntry{}; }
  Task<Result<WallTime>> now() override { co_return WallTime{}; }
  Task<Result<void>> ping() override {
    ++pings;
    if (up) co_return Result<void>();
    co_return Error(Code::ledger_unavailable, "The token ledger cannot be reached; try later.");
  }
};

class FakeScheduler final : public maintain::Scheduler {
 public:
  void add(std::unique_ptr<maintain::Worker>) override {}
  void start(Executor) override {}
  Result<void> pause(const std::string& name) override { return set(name, true); }
  Result<void> resume(const std::string& name) override { return set(name, false); }
  Result<void> wake(const std::string& name) override {
    if (name != "collect") return Error(Code::not_found, "There is no worker of this name.");
    if (collects_not || paused_meanwhile) return Error(Code::busy, "It is paused.");
    ++collections;
    return {};
  }
  [[nodiscard]] std::vector<maintain::WorkerStatus> status() const override {
    maintain::WorkerStatus scrub;
    scrub.name = "scrub";
    scrub.progress = 0.5;
    scrub.paused = paused;
    maintain::WorkerStatus collect;
    collect.name = "collect";
    collect.paused = collects_not;
    if (!collects_not) return {scrub};
    return {scrub, collect};
  }
  Task<void> close() override { co_return; }
  bool paused = false;
  bool collects_not = false;
  bool paused_meanwhile = false;  // collect, after its status was asked for
  int collections = 0;            // that were woken

 private:
  Result<void> set(const std::string& name, bool to) {
    if (name != "scrub") return Error(Code::not_found, "There is no worker of this name.");
    paused = to;
    return {};
  }
};

[[nodiscard]] inline membership::ClusterView view_of_one() {
  membership::ClusterView view;
  view.confirmed = true;
  view.layout.version = 1;
  view.layout.members.resize(1);
  view.layout.members[0].slot = "mas-0";
  membership::Pod pod;
  pod.self = true;
  pod.last.slot = "mas-0";
  pod.last.api_address = "127.0.0.1:7080";
  pod.last.state = membership::PodState::active;
  view.pods.push_back(pod);
  return view;
}

// The api over fakes. Set knobs before the first call: the handler is made then.
class Fixture {
 public:
  config::Config config;
  FakeObjects objects;
  FakeAuthority authority;
  MemoryStore store;
  FakeScheduler workers;
  std::unique_ptr<meta::MetaStore> meta = meta::make_memory_meta();
  FakeLedger ledger;
  membership::ViewBoard view{view_of_one()};
  observe::Metrics metrics;
  FixedClock clock;
  maintain::Ledger redundancy{metrics};
  maintain::ClusterLedger::Ask ask_others = [](layout::MemberIndex) -> Task<Result<std::string>> {
    co_return Error(Code::closed, "The pod cannot be reached.");
  };
  maintain::ClusterLedger cluster_ledger{
      redundancy, view, clock, [this](layout::MemberIndex member) { return ask_others(member); }};
  maintain::RebuildService* rebuild = nullptr;
  maintain::FreedBoard freed{metrics, clock, std::chrono::seconds(5)};

  http::Handler& handler() {
    if (!handler_) {
      handler_ = api::make_api(config, {objects,
                                        authority,
                                        store,
                                        workers,
                                        *meta,
                                        ledger,
                                        view,
                                        metrics,
                                        clock,
                                        cluster_ledger,
                                        rebuild,
                                        {},
                                        &freed});
    }
    return *handler_;
  }
  FakeExchange& run(FakeExchange& exchange) {
    run_blocking(handler().handle(exchange));
    return exchange;
  }
  // An upload or download token for `hash` named `text`.
  auth::Claims& token(std::string text, auth::TokenType type, const Hash& hash) {
    auth::Claims& claims = authority.tokens[std::move(text)];
    claims.type = type;
    claims.hash = hash;
    return claims;
  }

 private:
  std::unique_ptr<http::Handler> handler_;
};

// The envelope of an answer; fails the test if it is not one.
[[nodiscard]] inline boost::json::object envelope_of(const FakeExchange& exchange) {
  boost::json::object fields = boost::json::parse(exchange.answer_body()).as_object();
  REQUIRE(fields.size() == 4);
  CHECK(exchange.answer_header("Content-Type") == "application/json");
  CHECK(exchange.answer_header("Cache-Control") == "no-store");
  CHECK(fields.at("status").as_bool() == (exchange.status() < 400));
  return fields;
}
[[nodiscard]] inline boost::json::value data_of(const FakeExchange& exchange) {
  return envelope_of(exchange).at("data");
}
// What stands in the file record's field.
[[nodiscard]] inline std::string field_of(const FakeExchange& exchange, std::string_view name) {
  return boost::json::serialize(data_of(exchange).as_object().at(name));
}
// An error answer: its HTTP status and wire code, with a sentence and null data.
inline void check_refusal(const FakeExchange& exchange, int status, int code) {
  INFO(exchange.answer_body());
  CHECK(exchange.times_answered() == 1);
  CHECK(exchange.status() == status);
  auto fields = envelope_of(exchange);
  CHECK(fields.at("code").to_number<int>() == code);
  std::string_view sentence = fields.at("msg").as_string();
  REQUIRE(!sentence.empty());
  CHECK(sentence.back() == '.');
  CHECK(exchange.wire_code == code);
}

}  // namespace mas::test
