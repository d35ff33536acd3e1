// The REST endpoints: http.md's tables, over object, auth and maintain.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mas/auth/tokens.h"
#include "mas/config/config.h"
#include "mas/http/exchange.h"
#include "mas/maintain/cluster_ledger.h"
#include "mas/maintain/freed_board.h"
#include "mas/maintain/rebuild.h"
#include "mas/maintain/scheduler.h"
#include "mas/object/objects.h"
#include "mas/observe/metrics.h"
#include "mas/store/store.h"

namespace mas::api {

struct Dependencies {
  object::Objects& objects;
  auth::Authority& authority;
  store::Store& store;
  maintain::Scheduler& workers;
  meta::MetaStore& meta;
  auth::TokenLedger& ledger;
  const membership::ViewBoard& view;
  observe::Metrics& metrics;
  Clock& clock;
  maintain::ClusterLedger& redundancy;
  maintain::RebuildService* rebuild = nullptr;  // null: this pod cannot
  // The operator's word that the data of a slot are gone; gives the layout's new version. As
  // membership::Leavers::give_up; null: this pod cannot.
  std::function<Task<Result<std::uint64_t>>(std::string slot)> give_up = {};
  // What waits to be collected; null: this pod collects nothing.
  maintain::FreedBoard* freed = nullptr;
};

// Answers every route of http.md; /metrics too unless config.metrics.listen is set.
[[nodiscard]] std::unique_ptr<http::Handler> make_api(const config::Config& config,
                                                      const Dependencies& dependencies);
// For a port of its own: GET /metrics, and /healthz and /readyz as `api` answers them.
[[nodiscard]] std::unique_ptr<http::Handler> make_metrics_handler(observe::Metrics& metrics,
                                                                  http::Handler& api);

// One row of the router, so that a test can compare it with openapi.json.
struct RouteInfo {
  http::Method method;
  std::string path;
};
[[nodiscard]] std::vector<RouteInfo> routes();
// The text of openapi.json, compiled in.
[[nodiscard]] std::string_view openapi_document();

}  // namespace mas::api
