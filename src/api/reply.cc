#include "api/reply.h"

#include <boost/json/serialize.hpp>

namespace mas::api {
namespace {

// From here on codes are internal: their messages may name files or peers.
constexpr int kFirstInternalCode = 6000;
constexpr int kFirstDoubledCode = 15000;  // one wire code, two statuses

bool is_public(Code code) {
  int number = static_cast<int>(code);
  return (number < kFirstInternalCode || number > kFirstDoubledCode) && code != Code::internal;
}

}  // namespace

Reply success(boost::json::value data) {
  Reply reply;
  reply.data = std::move(data);
  return reply;
}

Reply failure(const Error& error) {
  Reply reply;
  reply.code = error.code();
  reply.status = http_status(error.code());
  if (is_public(error.code()) && !error.message().empty()) {
    reply.message = error.message();
  } else {
    reply.message =
        "Something failed inside the server; try again, and if it stays so give the operator the "
        "Mas-Request-Id of this answer.";
  }
  if (is_retryable(error.code())) {
    reply.headers.set("Retry-After", error.code() == Code::too_many_requests ? "1" : "2");
  }
  // Room comes back when an operator acts or what was deleted is collected, not within seconds.
  if (error.code() == Code::disk_full) reply.headers.set("Retry-After", "60");
  if (error.code() == Code::system_token_invalid) reply.headers.set("WWW-Authenticate", "Mas");
  return reply;
}

std::string envelope(const Reply& reply) {
  boost::json::object fields;
  fields["status"] = reply.code == Code::ok;
  fields["code"] = wire_code(reply.code);
  fields["msg"] = reply.message;
  fields["data"] = reply.data;
  return boost::json::serialize(fields);
}

Rendered render(Reply reply) {
  Rendered out;
  out.head.status = reply.status;
  out.head.headers = std::move(reply.headers);
  if (reply.status == 204 || reply.status == 304) return out;
  if (reply.raw) {
    out.head.headers.set("Content-Type", reply.raw->content_type);
    out.body = std::move(reply.raw->body);
  } else {
    out.head.headers.set("Content-Type", "application/json");
    out.body = envelope(reply);
  }
  if (!out.head.headers.get("Cache-Control")) out.head.headers.set("Cache-Control", "no-store");
  return out;
}

}  // namespace mas::api
