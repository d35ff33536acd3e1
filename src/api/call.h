// One request on its way through the api: what every endpoint gets.
#pragma once

#include <memory>
#include <string_view>

#include "api/abandoned.h"
#include "api/backend_health.h"
#include "api/cors.h"
#include "mas/api/api.h"

namespace mas::api {

// What all requests share. Lives as long as the handler.
struct Services {
  config::Config config;
  Dependencies deps;
  Cors cors;
  BackendHealth& backends;
  AbandonedBook& abandoned;

  [[nodiscard]] std::int64_t now() const { return deps.clock.wall().unix_seconds(); }
};

struct Call {
  http::Exchange& exchange;
  const Services& services;
  http::Query query;
  // The use of the temporary token, held until the answer is out; null where the route needs none.
  std::unique_ptr<auth::TokenUse> token;

  [[nodiscard]] const http::RequestHead& head() const { return exchange.head(); }
  // Of a route that needs a temporary token.
  [[nodiscard]] const auth::Claims& claims() const { return token->claims(); }
  [[nodiscard]] object::SessionKey session() const { return {claims().hash, claims().session}; }
  [[nodiscard]] bool instant() const {
    return claims().instant.value_or(services.config.token.instant);
  }
};

// An error of the contract in place of `cause`, which goes to the log.
[[nodiscard]] Error disguise(const Call& call, const Error& cause, Code code, std::string message);

}  // namespace mas::api
