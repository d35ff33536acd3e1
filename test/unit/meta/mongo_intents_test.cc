// Intents on documents in memory: what two processes do to each other between any two commands.
#include <functional>

#include "meta/mongo/ids.h"
#include "meta/mongo/intent_format.h"
#include "meta/mongo/intents.h"
#include "support/fake_clock.h"
#include "support/must.h"

namespace mas::meta::mongo {
namespace {

using Kind = Step::Kind;

// What a server does with the commands, step by step.
class FakeDocuments final : public Documents {
 public:
  std::function<void(const Step&)> before_step = [](const Step&) {};
  std::function<void()> after_range = [] {};
  std::map<std::string, Document> all;

  Result<std::vector<Document>> get(const std::vector<std::string>& ids, Reading) override {
    std::vector<Document> found;
    for (const std::string& id : ids) {
      if (auto at = all.find(id); at != all.end()) found.push_back(at->second);
    }
    return found;
  }
  Result<std::vector<Document>> range(const std::string& from, const std::string& to,
                                      std::uint32_t limit) override {
    std::vector<Document> found;
    for (auto at = all.lower_bound(from); at != all.lower_bound(to) && found.size() < limit; ++at) {
      found.push_back(at->second);
    }
    after_range();
    return found;
  }
  Result<std::vector<std::string>> below(Field, std::int64_t, std::uint32_t) override {
    return std::vector<std::string>();
  }
  Result<std::size_t> write(const std::vector<Step>& steps) override {
    std::size_t matched = 0;
    for (const Step& step : steps) {
      before_step(step);
      if (step.kind == Kind::insert && all.contains(step.id)) return std::size_t{0};
      matched += apply(step) ? 1 : 0;
    }
    return matched;
  }
  Result<std::optional<std::uint64_t>> add(const std::string&, std::uint64_t,
                                           std::uint64_t) override {
    return std::optional<std::uint64_t>(1);
  }
  Result<void> ping() override { return {}; }
  void expect_new() override {}

 private:
  bool apply(const Step& step) {
    if (step.kind == Kind::insert) {
      all[step.id] = Document{step.id, step.stamp, step.value, step.lock};
      return true;
    }
    auto at = all.find(step.id);
    if (at == all.end()) return false;
    Document& there = at->second;
    const bool by_lock =
        step.kind == Kind::unlock || step.kind == Kind::settle || step.kind == Kind::settle_gone;
    const bool fits =
        step.kind == Kind::remove_named ||
        (by_lock ? there.lock == step.match : there.lock.empty() && there.stamp == step.match);
    if (!fits) return false;
    switch (step.kind) {
      case Kind::lock:
        there.lock = step.lock;
        break;
      case Kind::unlock:
        there.lock.clear();
        there.stamp = step.stamp;
        break;
      case Kind::mark:
        there.stamp = step.stamp;
        break;
      case Kind::replace:
      case Kind::settle:
        there = Document{step.id, step.stamp, step.value, {}};
        break;
      default:
        all.erase(at);
    }
    return true;
  }
};

}  // namespace

TEST_CASE("a sweep that finds an intent decided under its hands takes nothing of it back") {
  test::FakeClock clock;
  auto rng = make_seeded_rng(1);
  FakeDocuments documents;
  documents.all["n/66"] = Document{"n/66", std::string(32, 'a'), "before", {}};
  Intents slow(documents, clock, *rng), sweeping(documents, clock, *rng);
  const std::vector<Change> changes{{"o/01", "", std::string("record"), false},
                                    {"n/66", std::string(32, 'a'), std::string("after"), false}};
  // `slow` stands still right before its deciding write. Another process sees its intent, and later
  // once more; between that look and what it does then the deciding write arrives.
  bool arrived = false;
  documents.before_step = [&](const Step& step) {
    if (step.kind != Kind::mark || arrived) return;
    arrived = true;
    must(sweeping.sweep());
    clock.advance(std::chrono::seconds(60));
    documents.after_range = [&] { documents.all[step.id].stamp = "committed"; };
    must(sweeping.sweep());
    documents.after_range = [] {};
  };
  CHECK(must(slow.carry_out(changes, {})) == Carried::done);
  REQUIRE(documents.all.contains("o/01"));
  CHECK(documents.all["o/01"].value == "record");
  CHECK(documents.all["n/66"].value == "after");
}

TEST_CASE("a finished intent stays for its owner, whatever the clock of who wrote it said") {
  test::FakeClock clock;
  auto rng = make_seeded_rng(1);
  FakeDocuments documents;
  const std::string id = intent_id("77");
  documents.all[id] = Document{id, "done", encode_intent({1, {}}), {}};  // written in 1970
  Intents sweeping(documents, clock, *rng);
  for (int minute = 0; minute < 10; ++minute) {
    must(sweeping.sweep());
    REQUIRE(documents.all.contains(id));
    clock.advance(std::chrono::minutes(1));
  }
  must(sweeping.sweep());
  CHECK_FALSE(documents.all.contains(id));
}

}  // namespace mas::meta::mongo
