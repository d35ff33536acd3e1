#include "api/cors.h"

#include <algorithm>

namespace mas::api {
namespace {

// A wildcard such as Mas-* is not understood by browsers: each name stands here.
constexpr std::string_view kExposed =
    "ETag, Content-Range, Accept-Ranges, Content-Disposition, Retry-After, Mas-Request-Id, "
    "Mas-Durable, Mas-Survives";
constexpr std::string_view kAllowed =
    "token, name, Content-Type, Content-Digest, Range, If-Range, If-None-Match";
constexpr std::string_view kPreflightSeconds = "600";

void add_vary(http::Headers& headers, std::string_view name) {
  auto present = headers.get("Vary");
  headers.set("Vary",
              present ? std::string(*present) + ", " + std::string(name) : std::string(name));
}

}  // namespace

bool Cors::is_system_origin(std::optional<std::string_view> origin) const {
  const auto& list = options_.system_origins;
  return origin && std::find(list.begin(), list.end(), *origin) != list.end();
}

void Cors::add_to(http::Headers& headers, std::optional<std::string_view> origin) const {
  // A system origin must be able to read its answers even where only another origin is named.
  bool echo = options_.allow_origin != "*" && is_system_origin(origin);
  headers.set("Access-Control-Allow-Origin",
              echo ? std::string(*origin) : std::string(options_.allow_origin));
  headers.set("Access-Control-Expose-Headers", std::string(kExposed));
  if (options_.allow_origin != "*" && !options_.system_origins.empty()) add_vary(headers, "Origin");
}

void Cors::add_preflight(http::Headers& headers, std::optional<std::string_view> origin,
                         std::string_view methods) const {
  headers.set("Allow", std::string(methods));
  headers.set("Access-Control-Allow-Methods", std::string(methods));
  std::string allowed(kAllowed);
  if (is_system_origin(origin)) allowed += ", systemToken";
  headers.set("Access-Control-Allow-Headers", allowed);
  headers.set("Access-Control-Max-Age", std::string(kPreflightSeconds));
  if (!options_.system_origins.empty()) headers.set("Vary", "Origin");
}

}  // namespace mas::api
