// Status, health and metrics.
#include "unit/api/fixture.h"

using namespace mas;
using namespace mas::test;

namespace {

struct Admin : Fixture {
  FakeExchange ask(std::string_view target) {
    FakeExchange exchange("GET", target);
    exchange.header("systemToken", "system");
    run(exchange);
    return exchange;
  }
};

}  // namespace

TEST_CASE("signal lists the pods that are alive") {
  Admin api;
  CHECK(boost::json::serialize(data_of(api.ask("/api/server/signal"))) ==
        R"({"ip":["127.0.0.1:7080"]})");
  membership::ClusterView view = view_of_one();
  view.pods.push_back(view.pods[0]);
  view.pods[1].alive = false;
  view.pods[1].last.api_address = "127.0.0.2:7080";
  api.view.publish(view);
  CHECK(boost::json::serialize(data_of(api.ask("/api/server/signal"))) ==
        R"({"ip":["127.0.0.1:7080"]})");
}

TEST_CASE("who answers and is no member any more is refused, and clients are not sent there") {
  Admin api;
  membership::ClusterView view = view_of_one();
  view.layout.version = 5;
  view.layout.members.resize(2);
  view.layout.members[1].slot = "mas-1";
  view.pods.push_back(view.pods[0]);
  view.pods[1].self = false;
  view.pods[1].last.slot = "mas-1";
  view.pods[1].last.api_address = "127.0.0.2:7080";
  const auto state = [&] {
    api.view.publish(view);
    auto data = data_of(api.ask("/api/cluster/status")).as_object();
    return std::string(data.at("pods").as_array()[1].as_object().at("state").as_string());
  };
  const auto signal = [&] {
    return boost::json::serialize(data_of(api.ask("/api/server/signal")));
  };
  CHECK(state() == "active");
  CHECK(signal() == R"({"ip":["127.0.0.1:7080","127.0.0.2:7080"]})");
  view.layout.members[1].state = layout::MemberState::left;
  CHECK(state() == "refused");
  CHECK(signal() == R"({"ip":["127.0.0.1:7080"]})");
  // Its name is another directory's.
  view.layout.members[1].state = layout::MemberState::active;
  view.layout.members[1].incarnation = Id128{{9}};
  CHECK(state() == "refused");
  // What it said of a layout that is not known here yet may be true.
  view.pods[1].last.layout_version = 6;
  CHECK(state() == "active");
  view.pods[1].alive = false;
  view.layout.members[1].incarnation = view.pods[1].last.incarnation;
  CHECK(state() == "down");
}

TEST_CASE("status reports the one pod") {
  Admin api;
  auto data = data_of(api.ask("/api/cluster/status")).as_object();
  CHECK(data.at("profile").as_string() == "1+0");
  CHECK(data.at("survives").to_number<int>() == 0);
  CHECK(data.at("summary").as_string() == "survives 0 pod losses");
  CHECK(data.at("pods").as_array().size() == 1);
  CHECK(data.at("pods").as_array()[0].as_object().at("self").as_bool());
  CHECK(data.at("layout").as_object().at("version").to_number<int>() == 1);
  CHECK(data.at("workers").as_array()[0].as_object().at("name").as_string() == "scrub");
  CHECK(data.at("capacity").as_object().at("writable").as_bool());
  CHECK(data.at("redundancy").as_array().size() == 1);
  CHECK(data.at("ledger").as_object().at("walked").to_number<int>() == 0);
}

TEST_CASE("status shows the ledger, and survives no more than its worst row") {
  Admin api;
  maintain::LedgerPicture picture;
  picture.rows = {{1, 7, 700}, {2, 3, 300}};
  picture.survives = -1;
  picture.beyond_repair = 3;
  picture.walked_at = 1234;
  picture.complete = true;
  picture.layout_version = 1;
  picture.slices.set();
  api.redundancy.publish(picture);
  api.redundancy.publish(maintain::Unexplained{5, 1000, 2});
  auto data = data_of(api.ask("/api/cluster/status")).as_object();
  CHECK(boost::json::serialize(data.at("redundancy")) ==
        R"([{"lost":0,"stripes":0,"bytes":0},{"lost":1,"stripes":7,"bytes":700},)"
        R"({"lost":2,"stripes":3,"bytes":300}])");
  CHECK(boost::json::serialize(data.at("ledger")) ==
        R"({"walked":1234,"beyond_repair":3,"unexplained":5,"strays":2,"partial":false,)"
        R"("partial_because":""})");
  CHECK(data.at("survives").to_number<int>() == 0);
  std::string text(api.ask("/metrics").answer_body());
  CHECK(text.find("mas_ledger_stripes{lost=\"1\"} 7") != std::string::npos);
  CHECK(text.find("mas_ledger_survives -1") != std::string::npos);
  CHECK(text.find("mas_unexplained_shards 5") != std::string::npos);
}

TEST_CASE("status counts what pods and shards are away against what may be lost") {
  Admin api;
  membership::ClusterView view = view_of_one();
  view.layout.members.resize(6, view.layout.members.front());
  view.pods.resize(6, view.pods[0]);
  for (std::size_t i = 0; i < 6; ++i) {
    view.layout.members[i].slot = view.pods[i].last.slot = "mas-" + std::to_string(i);
    view.pods[i].self = i == 0;
  }
  api.view.publish(view);
  auto survives = [&] {
    return data_of(api.ask("/api/cluster/status")).as_object().at("survives").to_number<int>();
  };
  CHECK(survives() == 2);
  view.pods[5].alive = false;
  api.view.publish(view);
  CHECK(survives() == 1);
  CHECK(data_of(api.ask("/api/cluster/status")).as_object().at("summary").as_string() ==
        "survives 1 pod loss");
}

TEST_CASE("workers are paused and resumed by name") {
  Admin api;
  auto set = [&](const std::string& query) {
    FakeExchange exchange("POST", "/api/cluster/worker" + query);
    exchange.header("systemToken", "system");
    api.run(exchange);
    return exchange;
  };
  CHECK(data_of(set("?name=scrub&paused=1")).as_object().at("paused").as_bool());
  CHECK(api.workers.paused);
  CHECK_FALSE(data_of(set("?name=scrub&paused=0")).as_object().at("paused").as_bool());
  CHECK_FALSE(api.workers.paused);
  check_refusal(set("?name=nobody&paused=1"), 400, 5205);
  check_refusal(set("?name=scrub&paused=yes"), 400, 5205);
  check_refusal(set("?name=scrub"), 400, 5204);
  check_refusal(set("?paused=1"), 400, 5204);
}

TEST_CASE("healthz is alive whatever stands behind it") {
  Admin api;
  api.ledger.up = false;
  CHECK(api.ask("/healthz").status() == 200);
}

TEST_CASE("readyz needs the store, the metadata and the ledger") {
  Admin api;
  CHECK(api.ask("/readyz").status() == 200);
  api.ledger.up = false;
  api.clock.seconds += 1;
  check_refusal(api.ask("/readyz"), 503, 5101);
  api.ledger.up = true;
  api.clock.seconds += 1;
  store::Usage usage;
  usage.free = 1;
  usage.not_writable_reason = "a sync failed.";
  api.store.set_usage(usage);
  // Nobody else could give out what this one still reads.
  const FakeExchange reads_on = api.ask("/readyz");
  CHECK(reads_on.status() == 200);
  CHECK(reads_on.answer_body().find("reads only: The store does not write: a sync failed.") !=
        std::string::npos);
}

TEST_CASE("a pod whose disk is full is ready: it gives out what it has and takes deletions") {
  Admin api;
  store::Usage usage;
  usage.full = true;
  usage.not_writable_reason = "The disk is full.";
  api.store.set_usage(usage);
  CHECK(api.ask("/readyz").status() == 200);
}

TEST_CASE("readyz asks what stands behind the pod no more than once a second") {
  Admin api;
  for (int i = 0; i < 50; ++i) CHECK(api.ask("/readyz").status() == 200);
  CHECK(api.ledger.pings == 1);
  api.ledger.up = false;
  CHECK(api.ask("/readyz").status() == 200);
  api.clock.seconds += 1;
  for (int i = 0; i < 50; ++i) check_refusal(api.ask("/readyz"), 503, 5101);
  CHECK(api.ledger.pings == 2);
  api.ledger.up = true;
  check_refusal(api.ask("/readyz"), 503, 5101);
  api.clock.seconds += 1;
  CHECK(api.ask("/readyz").status() == 200);
}

TEST_CASE("status and metrics say how much waits to be freed, and when") {
  Admin api;
  auto freeing = [&] {
    auto data = data_of(api.ask("/api/cluster/status")).as_object();
    return boost::json::serialize(data.at("capacity").as_object().at("freeing"));
  };
  CHECK(freeing() == R"({"entries":0,"bytes":0,"next":0,"all":0,"now":""})");
  const Instant now = api.clock.now();
  api.freed.publish({3, 7000, now + std::chrono::seconds(60), now + std::chrono::hours(5)});
  CHECK(freeing() == R"({"entries":3,"bytes":7000,"next":60,"all":18000,"now":""})");
  std::string text(api.ask("/metrics").answer_body());
  CHECK(text.find("mas_collect_waiting_entries 3") != std::string::npos);
  CHECK(text.find("mas_collect_waiting_bytes 7000") != std::string::npos);
  CHECK(text.find("mas_collect_next_seconds 60") != std::string::npos);
  CHECK(text.find("mas_collect_all_seconds 18000") != std::string::npos);
  api.clock.seconds += 3600;
  CHECK(freeing() == R"({"entries":3,"bytes":7000,"next":0,"all":14400,"now":""})");
}

TEST_CASE("metrics are Prometheus text, on the api port unless moved") {
  Admin api;
  FakeExchange exchange = api.ask("/metrics");
  CHECK(exchange.status() == 200);
  CHECK(exchange.answer_header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(exchange.answer_body().find("mas_build_info") != std::string::npos);
  Admin moved;
  moved.config.metrics.listen = "127.0.0.1:9090";
  check_refusal(moved.ask("/metrics"), 404, 5910);
}

TEST_CASE("the metrics port answers /metrics and the probes alone") {
  Admin api;
  api.config.metrics.listen = "127.0.0.1:9090";
  observe::Metrics metrics;
  auto handler = api::make_metrics_handler(metrics, api.handler());
  for (const char* path : {"/metrics", "/healthz", "/readyz"}) {
    FakeExchange asked("GET", path);
    run_blocking(handler->handle(asked));
    CHECK(asked.status() == 200);
  }
  api.ledger.up = false;
  api.clock.seconds += 1;
  FakeExchange unready("GET", "/readyz");
  run_blocking(handler->handle(unready));
  check_refusal(unready, 503, 5101);
  FakeExchange other("GET", "/api/cluster/status");
  run_blocking(handler->handle(other));
  check_refusal(other, 404, 5910);
  FakeExchange post("POST", "/metrics");
  run_blocking(handler->handle(post));
  check_refusal(post, 405, 5911);
  CHECK(post.answer_header("Allow") == "GET");
}

TEST_CASE("readyz needs a place in the cluster, and says what is waited for") {
  Admin api;
  membership::ClusterView view = view_of_one();
  view.confirmed = false;
  view.waiting = {"This pod waits for the first one."};
  api.view.publish(view);
  FakeExchange waiting("GET", "/readyz");
  check_refusal(api.run(waiting), 503, 5901);
  CHECK(envelope_of(waiting).at("msg") == "This pod waits for the first one.");
  view.confirmed = true;
  view.halted_why = "The metadata store is another cluster's.";
  api.view.publish(view);
  check_refusal(api.ask("/readyz"), 503, 5901);
  view.halted_why.clear();
  api.view.publish(view);
  CHECK(api.ask("/readyz").status() == 200);
  // A member that was not heard of yet, then is, then is known to be down.
  view.layout.members.resize(2);
  view.layout.members[1].slot = "mas-1";
  api.view.publish(view);
  check_refusal(api.ask("/readyz"), 503, 5901);
  view.pods.push_back(view.pods[0]);
  view.pods[1].last.slot = "mas-1";
  view.pods[1].self = false;
  view.pods[1].last.peer_address = "127.0.0.1:9000";
  api.view.publish(view);
  CHECK(api.ask("/readyz").status() == 200);
  view.pods[1].last.peer_address.clear();
  view.pods[1].alive = false;
  api.view.publish(view);
  CHECK(api.ask("/readyz").status() == 200);
  view.self = layout::kNobody;
  api.view.publish(view);
  check_refusal(api.ask("/readyz"), 503, 5901);
}

TEST_CASE("a pod whose directory was replaced by an empty one is not listed beside its successor") {
  Admin api;
  membership::ClusterView view = view_of_one();
  view.layout.members[0].slot = "mas-0";
  view.layout.members[0].incarnation.bytes.fill(2);
  view.pods[0].last.incarnation.bytes.fill(2);
  view.pods.push_back(view.pods[0]);
  view.pods[1].last.incarnation.bytes.fill(1);
  view.pods[1].alive = false;
  api.view.publish(view);
  auto pods = data_of(api.ask("/api/cluster/status")).as_object().at("pods").as_array();
  REQUIRE(pods.size() == 1);
  CHECK(pods[0].as_object().at("state").as_string() == "active");
  // Down, and nobody in its place: that is shown.
  view.layout.members[0].incarnation.bytes.fill(1);
  api.view.publish(view);
  CHECK(data_of(api.ask("/api/cluster/status")).as_object().at("pods").as_array().size() == 2);
}
