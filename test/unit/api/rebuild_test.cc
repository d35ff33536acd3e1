// Rebuilding the metadata: how it is started and what is told of it.
#include "unit/api/fixture.h"

using namespace mas;
using namespace mas::test;

namespace {

constexpr const char* kPath = "/api/cluster/rebuild-metadata";

class FakeRebuild final : public maintain::RebuildService {
 public:
  std::optional<maintain::RebuildReport> last;
  maintain::RebuildOptions options;
  int started = 0;

  Result<void> start(maintain::RebuildOptions wanted) override {
    if (last && last->running) return Error(Code::busy, "It is under way.");
    ++started;
    options = wanted;
    last.emplace();
    last->running = true;
    return {};
  }
  [[nodiscard]] std::optional<maintain::RebuildReport> report() const override { return last; }
  Task<void> close() override { co_return; }
};

struct Rebuilding : Fixture {
  FakeRebuild service;
  Rebuilding() { rebuild = &service; }
  FakeExchange ask(const std::string& method, const std::string& query = "") {
    FakeExchange exchange(method, kPath + query);
    exchange.header("systemToken", "system");
    run(exchange);
    return exchange;
  }
};

}  // namespace

TEST_CASE("a rebuild is started once, and told of as it goes on") {
  Rebuilding api;
  CHECK(data_of(api.ask("GET")).is_null());
  auto begun = data_of(api.ask("POST", "?verify=1")).as_object();
  CHECK(begun.at("running").as_bool());
  CHECK(begun.at("phase").as_string() == "manifests");
  CHECK(api.service.options.verify);
  CHECK_FALSE(api.service.options.profile);
  check_refusal(api.ask("POST"), 503, 5901);
  CHECK(api.service.started == 1);
  maintain::RebuildReport& report = *api.service.last;
  report.running = false;
  report.phase = maintain::RebuildPhase::done;
  report.progress = 1;
  report.files = 7;
  report.restored = 5;
  report.deletions = 2;
  report.not_restored = 1;
  report.failures = {{Hash{{1}}, 12, "Too few."}};
  report.away = {"mas-3"};
  CHECK(boost::json::serialize(data_of(api.ask("GET"))) ==
        R"({"running":false,"phase":"done","progress":1E0,"error":"","found":0,"restored":5,)"
        R"("deletions":2,"files":7,"verified":0,"not_restored":1,"failures":[{"hash":"01)" +
            std::string(62, '0') +
            R"(","generation":12,"why":"Too few."}],"away":["mas-3"],"generation":0,)"
            R"("layout_version":0})");
}

TEST_CASE(
    "a rebuild goes by the configured profile, and by what is asked for only if it is sound") {
  Rebuilding api;
  api.config.object.erasure = "4+2";
  check_refusal(api.ask("POST", "?verify=2"), 400, 5205);
  CHECK(api.service.started == 0);
  CHECK(api.ask("POST").status() == 200);
  CHECK_FALSE(api.service.options.verify);
  CHECK(api.service.options.profile == Profile{4, 2});
}

TEST_CASE("status says why a pod is halted or frozen") {
  Rebuilding api;
  membership::ClusterView view = view_of_one();
  auto status = [&api] {
    FakeExchange exchange("GET", "/api/cluster/status");
    exchange.header("systemToken", "system");
    api.run(exchange);
    return data_of(exchange).as_object();
  };
  CHECK(status().at("halted").as_string().empty());
  CHECK(status().at("frozen").as_string().empty());
  view.halted_why = "The metadata store is empty.";
  view.frozen_why = "The broker is away.";
  api.view.publish(view);
  CHECK(status().at("halted").as_string() == "The metadata store is empty.");
  CHECK(status().at("frozen").as_string() == "The broker is away.");
}
