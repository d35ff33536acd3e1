// The table of routes: which path and method needs which token and is answered by what.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "api/call.h"
#include "api/reply.h"

namespace mas::api {

// The tokens a route needs, all checked before the body is read.
enum class Needs { nothing, system, upload, download, upload_and_system };

using Endpoint = Task<Result<Reply>> (*)(Call&);

struct Route {
  http::Method method;
  std::string_view path;
  Needs needs;
  Endpoint endpoint;
};

[[nodiscard]] std::span<const Route> route_table() noexcept;

struct Match {
  const Route* route = nullptr;  // null: no such path, or not with that method
  std::string_view pattern;      // "" if no route has that path
  std::string allow;             // the methods the path takes, OPTIONS included
};
[[nodiscard]] Match find_route(http::Method method, std::string_view path);

}  // namespace mas::api
