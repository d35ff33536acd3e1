// The operator's word that what was deleted is to be freed now.
#include "support/must.h"
#include "unit/api/fixture.h"

using namespace mas;
using namespace mas::test;

namespace {

struct Now : Fixture {
  FakeExchange ask(const std::string& query = "") {
    FakeExchange exchange("POST", "/api/cluster/collect-now" + query);
    exchange.header("systemToken", "system");
    run(exchange);
    return exchange;
  }
  meta::Object store_file() {
    meta::Object object;
    object.hash.bytes.fill(9);
    object.generation = 1;
    REQUIRE(must(run_blocking_for(meta->commit(object, 0, std::nullopt))).committed);
    return object;
  }
};

}  // namespace

TEST_CASE("all that was deleted is asked to be freed") {
  Now api;
  const Instant now = api.clock.now();
  api.freed.publish({3, 7000, now, now});
  CHECK(boost::json::serialize(data_of(api.ask())) == R"({"hash":"","entries":3,"bytes":7000})");
  CHECK(api.freed.take_asked() == std::vector<std::optional<Hash>>{std::nullopt});
  FakeExchange nobody("POST", "/api/cluster/collect-now");
  check_refusal(api.run(nobody), 401, 5303);
  CHECK(api.freed.take_asked().empty());
}

TEST_CASE("one file is asked for by its hash, once it is deleted") {
  Now api;
  const meta::Object object = api.store_file();
  const std::string query = "?hash=" + object.hash.hex();
  check_refusal(api.ask("?hash=" + std::string(64, 'a')), 404, 5407);
  check_refusal(api.ask("?hash=x"), 400, 5402);
  check_refusal(api.ask(query), 400, 5205);
  must(run_blocking_for(api.meta->condemn(object.hash, 1, 2, 5)));
  CHECK(api.ask(query).status() == 200);
  CHECK(api.freed.take_asked() == std::vector<std::optional<Hash>>{object.hash});
  for (int i = 0; i < 64; ++i) CHECK(api.ask(query).status() == 200);
  check_refusal(api.ask(query), 503, 5901);
  // All of it includes them.
  CHECK(api.ask().status() == 200);
  CHECK(api.freed.take_asked() == std::vector<std::optional<Hash>>{std::nullopt});
}

TEST_CASE("nothing is freed now while the cluster is halted or frozen, or a member is down") {
  Now api;
  membership::ClusterView view = view_of_one();
  view.layout.members.resize(2);
  view.layout.members[0].slot = "mas-0";
  view.layout.members[1].slot = "mas-1";
  view.pods.push_back(view.pods[0]);
  view.pods[1].last.slot = "mas-1";
  view.pods[1].self = false;
  api.view.publish(view);
  CHECK(api.ask().status() == 200);
  (void)api.freed.take_asked();

  view.pods[1].alive = false;
  api.view.publish(view);
  check_refusal(api.ask(), 503, 5901);
  view.pods[1].alive = true;
  view.frozen_why = "The broker is away.";
  api.view.publish(view);
  check_refusal(api.ask(), 503, 5901);
  view.frozen_why.clear();
  view.halted_why = "The metadata store is another cluster's.";
  api.view.publish(view);
  check_refusal(api.ask(), 503, 5901);
  view.halted_why.clear();
  // It serves downloads as well, and nobody can ask it.
  view.pods.push_back(view.pods[1]);
  view.pods[2].last.slot = "mas-2";
  api.view.publish(view);
  check_refusal(api.ask(), 503, 5901);
  CHECK(api.freed.take_asked().empty());
  view.pods[2].alive = false;
  api.view.publish(view);
  api.workers.collects_not = true;
  check_refusal(api.ask(), 503, 5901);
  api.workers.collects_not = false;
  CHECK(api.ask().status() == 200);
  const int woken = api.workers.collections;
  CHECK(woken > 0);
  api.workers.paused_meanwhile = true;
  check_refusal(api.ask(), 503, 5901);
  CHECK(api.workers.collections == woken);
}
