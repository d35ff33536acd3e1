#include "api/router.h"

#include <array>

#include "api/endpoints.h"

namespace mas::api {
namespace {

using http::Method;

// PUT equals POST where a body is uploaded (curl -T). `chunk` is the readable spelling of `chuck`.
constexpr std::array kRoutes{
    Route{Method::get, "/api/server/signal", Needs::system, server_signal},
    Route{Method::get, "/api/token/upload", Needs::system, mint_upload_token},
    Route{Method::get, "/api/token/download", Needs::system, mint_download_token},
    Route{Method::get, "/api/file/info", Needs::system, file_info},
    Route{Method::post, "/api/file/upload/single", Needs::upload, upload_single},
    Route{Method::put, "/api/file/upload/single", Needs::upload, upload_single},
    Route{Method::get, "/api/file/upload/init", Needs::upload, upload_init},
    Route{Method::post, "/api/file/upload/init", Needs::upload, upload_init},
    Route{Method::post, "/api/file/upload/chuck", Needs::upload, upload_part},
    Route{Method::put, "/api/file/upload/chuck", Needs::upload, upload_part},
    Route{Method::post, "/api/file/upload/chunk", Needs::upload, upload_part},
    Route{Method::put, "/api/file/upload/chunk", Needs::upload, upload_part},
    Route{Method::get, "/api/file/upload/finish", Needs::upload_and_system, upload_finish},
    Route{Method::post, "/api/file/upload/finish", Needs::upload_and_system, upload_finish},
    Route{Method::get, "/api/file/upload/parts", Needs::upload, upload_parts},
    Route{Method::del, "/api/file/upload", Needs::upload, upload_abort},
    Route{Method::post, "/api/file/upload/object", Needs::system, upload_object},
    Route{Method::put, "/api/file/upload/object", Needs::system, upload_object},
    Route{Method::get, "/api/file/upload/download", Needs::download, download},
    Route{Method::head, "/api/file/upload/download", Needs::download, download},
    Route{Method::get, "/api/file/download", Needs::download, download},
    Route{Method::head, "/api/file/download", Needs::download, download},
    Route{Method::get, "/api/file/list", Needs::system, file_list},
    Route{Method::del, "/api/file", Needs::system, file_delete},
    Route{Method::get, "/api/cluster/status", Needs::system, cluster_status},
    Route{Method::post, "/api/cluster/worker", Needs::system, cluster_worker},
    Route{Method::post, "/api/cluster/collect-now", Needs::system, collect_now},
    Route{Method::post, "/api/cluster/give-up", Needs::system, cluster_give_up},
    Route{Method::post, "/api/cluster/rebuild-metadata", Needs::system, rebuild_start},
    Route{Method::get, "/api/cluster/rebuild-metadata", Needs::system, rebuild_progress},
    Route{Method::get, "/healthz", Needs::nothing, healthz},
    Route{Method::get, "/readyz", Needs::nothing, readyz},
    Route{Method::get, "/metrics", Needs::nothing, metrics_text},
    Route{Method::get, "/openapi.json", Needs::nothing, openapi},
};

}  // namespace

std::span<const Route> route_table() noexcept { return kRoutes; }

Match find_route(http::Method method, std::string_view path) {
  Match match;
  for (const Route& route : kRoutes) {
    if (route.path != path) continue;
    match.pattern = route.path;
    match.allow.append(http::method_name(route.method)).append(", ");
    if (route.method == method) match.route = &route;
  }
  if (!match.pattern.empty()) match.allow += "OPTIONS";
  return match;
}

std::vector<RouteInfo> routes() {
  std::vector<RouteInfo> all;
  all.reserve(kRoutes.size());
  for (const Route& route : kRoutes) all.push_back({route.method, std::string(route.path)});
  return all;
}

}  // namespace mas::api
