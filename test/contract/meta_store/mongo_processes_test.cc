// Several processes on one database: what one process's queue cannot put in order.
#include <atomic>
#include <mutex>
#include <set>

#include "fixture.h"
#include "meta/mongo/breaker.h"
#include "meta/mongo/ids.h"
#include "mongo_rig.h"

using namespace mas;
using namespace mas::test;
using meta::MetaStore;
using meta::Object;
using meta::mongo::Document;
using meta::mongo::Documents;
using meta::mongo::Hook;
using meta::mongo::Step;

namespace {

constexpr std::size_t kProcesses = 3;

std::vector<std::unique_ptr<MongoView>> processes() {
  std::vector<std::unique_ptr<MongoView>> views;
  views.push_back(std::make_unique<MongoView>(mongo_url()));
  while (views.size() < kProcesses) {
    views.push_back(std::make_unique<MongoView>(mongo_url(), views.front()->database()));
  }
  return views;
}

struct Drawn {
  std::mutex mutex;
  std::vector<std::uint64_t> numbers;
};

Task<void> draw(MetaStore& store, Drawn& drawn) {
  for (int i = 0; i < 300; ++i) {
    auto number = co_await store.next_generation(1);
    if (number.has_error()) continue;
    std::lock_guard lock(drawn.mutex);
    drawn.numbers.push_back(*number);
  }
}

// What the server holds, past any store.
class Raw {
 public:
  explicit Raw(const std::string& database) {
    config::Mongodb server;
    server.url = mongo_url();
    server.database = database;
    documents_ = must(Documents::connect(config::Meta{}, server, breaker_, Hook{}));
  }
  ~Raw() { run_blocking(breaker_.close()); }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;

  // Decides all intents that are pending, as the server does with a write that arrives late.
  std::size_t decide() {
    std::size_t decided = 0;
    for (const Document& intent :
         must(documents_->range(meta::mongo::kIntentsBegin, meta::mongo::kIntentsEnd, 100))) {
      if (intent.stamp != "pending") continue;
      decided += must(
          documents_->write({Step{Step::Kind::mark, intent.id, "pending", "committed", {}, {}}}));
    }
    return decided;
  }

 private:
  std::unique_ptr<Pool> driver_ = make_thread_pool("driver", 1, 64);
  observe::Metrics metrics_;
  meta::mongo::Breaker breaker_{*driver_, metrics_};
  std::unique_ptr<Documents> documents_;
};

}  // namespace

TEST_CASE("no generation is given to two processes") {
  auto views = processes();
  Drawn drawn;
  auto make = [&](std::size_t i) { return draw(views[i]->store(), drawn); };
  run_side_by_side(kProcesses, kProcesses, make);
  REQUIRE(drawn.numbers.size() == kProcesses * 300);
  std::set<std::uint64_t> distinct(drawn.numbers.begin(), drawn.numbers.end());
  CHECK(distinct.size() == drawn.numbers.size());
}

TEST_CASE("a decision that arrives after it was given up for lost counts") {
  MetaFixture f;
  const std::string database = database_of(f.backend());
  // More than one command of a server takes.
  Object object = f.object();
  while (object.extents.size() < 600) object.extents.push_back(f.extent());
  Raw raw(database);
  // Another process that finds the decision, carries out the first half of the change and ends.
  std::atomic<int> halves{0};
  auto half = [&](std::string_view command) {
    if (command != "write") return Hook::Fate::pass;
    const bool second = halves++ > 0;
    halves.notify_one();
    return second ? Hook::Fate::unsent : Hook::Fate::pass;
  };
  MongoView other(mongo_url(), database, Hook{half});
  int writes = 0;
  std::size_t late = 0;
  // The writes: two of locks, two of the decision, and what comes of it.
  auto arrives_late = [&](std::string_view command) {
    if (command != "write") return Hook::Fate::pass;
    const int number = writes++;
    if (number == 2) return Hook::Fate::unsent;  // it is on its way still
    if (number == 3) late = raw.decide();
    if (number == 4) {
      (void)run_blocking_for(other.store().find(object.hash));
      halves.wait(1);  // its deadline may come before its second command
    }
    return Hook::Fate::pass;
  };
  MongoView view(mongo_url(), database, Hook{arrives_late});
  auto committed = run_blocking_for(view.store().commit(object, 0, std::nullopt));
  REQUIRE(late == 1);
  REQUIRE(halves > 1);
  // The deadline may have come first.
  CHECK((committed.has_value() ? committed->committed : committed.error().maybe_happened()));
  CHECK(f.get(f.store().commit(object, 0, std::nullopt)).committed);
  REQUIRE(f.get(f.store().find(object.hash)));
  std::vector<Id128> ids;
  for (const meta::Extent& extent : object.extents) ids.push_back(extent.id);
  CHECK(f.get(f.store().referenced(ids)) == std::vector<bool>(ids.size(), true));
}
