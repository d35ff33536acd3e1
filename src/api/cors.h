// Cross-origin rules: any page may call with tokens; only listed origins may send a system token.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mas/config/config.h"
#include "mas/http/message.h"

namespace mas::api {

class Cors {
 public:
  explicit Cors(config::Cors options) : options_(std::move(options)) {}

  // For every answer, errors included. `origin` is the request's Origin, if it has one.
  void add_to(http::Headers& headers, std::optional<std::string_view> origin) const;
  // For the answer to OPTIONS: `methods` of the route, separated by ", ".
  void add_preflight(http::Headers& headers, std::optional<std::string_view> origin,
                     std::string_view methods) const;

 private:
  [[nodiscard]] bool is_system_origin(std::optional<std::string_view> origin) const;
  config::Cors options_;
};

}  // namespace mas::api
