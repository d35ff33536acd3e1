#include "mas/meta/mongo.h"
#include "mas/runtime/io_threads.h"
#include "support/must.h"

using namespace mas;

namespace {

Code open_with(const config::Mongodb& server, std::string* message = nullptr) {
  auto clock = make_system_clock();
  auto rng = make_system_rng();
  auto driver = make_thread_pool("driver", 2, 16);
  observe::Metrics metrics;
  auto store = meta::open_mongo(config::Meta{}, server, *driver, *clock, *rng, metrics);
  if (store.has_value()) run_blocking((*store)->close_store());
  if (message != nullptr && store.has_error()) *message = store.error().message();
  return code_of(store);
}

}  // namespace

TEST_CASE("a URL that is none is refused, and not repeated to whoever reads the error") {
  for (const char* url : {"", "http://host", "mongodb://", "mongodb://user:se%cret@host/"}) {
    config::Mongodb server;
    server.url = url;
    std::string message;
    CHECK(open_with(server, &message) == Code::invalid_argument);
    CHECK(message.find("cret") == std::string::npos);
  }
}

TEST_CASE("a store is opened while nothing answers at its address") {
  config::Mongodb server;
  server.url = "mongodb://127.0.0.1:1/?socketTimeoutMS=999999&w=0";
  CHECK(open_with(server) == Code::ok);
}
