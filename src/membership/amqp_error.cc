#include "membership/amqp_error.h"

#include <algorithm>

namespace mas::membership {
namespace {

constexpr std::size_t kMaxWords = 200;

Error failure(std::string_view doing, std::string_view why) {
  return {Code::broker_unavailable, std::string(doing) + ": " + std::string(why)};
}

}  // namespace

Error amqp_failure(std::string_view doing, int status) {
  return failure(doing, amqp_error_string2(status));
}

Error amqp_closed(std::string_view doing, int code, const amqp_bytes_t& text) {
  std::string words(as_text(text).substr(0, kMaxWords));
  std::replace_if(
      words.begin(), words.end(), [](unsigned char c) { return c < 0x20; }, ' ');
  return failure(doing, "the broker says " + std::to_string(code) + " " + words);
}

Error amqp_failure(std::string_view doing, const amqp_rpc_reply_t& reply) {
  if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION) {
    return amqp_failure(doing, reply.library_error);
  }
  if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
    auto* closed = static_cast<amqp_connection_close_t*>(reply.reply.decoded);
    return amqp_closed(doing, closed->reply_code, closed->reply_text);
  }
  if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
    auto* closed = static_cast<amqp_channel_close_t*>(reply.reply.decoded);
    return amqp_closed(doing, closed->reply_code, closed->reply_text);
  }
  return failure(doing, "the broker refuses");
}

}  // namespace mas::membership
