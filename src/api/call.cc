#include "api/call.h"

#include "mas/observe/log.h"

namespace mas::api {

Error disguise(const Call& call, const Error& cause, Code code, std::string message) {
  log::warn("api.cause",
            {{"id", call.head().request_id}, {"route", call.exchange.route}, {"error", cause}});
  return Error(code, std::move(message));
}

}  // namespace mas::api
