// What the driver and the broker say went wrong, as an Error of ours.
#pragma once

#include <amqp.h>

#include <string>
#include <string_view>

#include "mas/core/result.h"

namespace mas::membership {

[[nodiscard]] inline std::string_view as_text(const amqp_bytes_t& bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}

// `status` is one of the driver's, negative.
[[nodiscard]] Error amqp_failure(std::string_view doing, int status);
[[nodiscard]] Error amqp_failure(std::string_view doing, const amqp_rpc_reply_t& reply);
// The broker's own words, cut if they are long.
[[nodiscard]] Error amqp_closed(std::string_view doing, int code, const amqp_bytes_t& text);

}  // namespace mas::membership
