#include "mongo_rig.h"

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "mas/runtime/io_threads.h"
#include "meta/mongo/mongo_meta.h"
#include "support/must.h"

namespace mas::test {

std::string mongo_server_text() {
  const char* servers = std::getenv("MAS_SERVERS_DIR");
  if (servers == nullptr) FAIL("MAS_SERVERS_DIR is not set: run this suite through ctest");
  std::ifstream file(std::string(servers) + "/mongo/server.json");
  if (!file) FAIL("no MongoDB test server is running in " << servers);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string mongo_url() {
  return std::string(boost::json::parse(mongo_server_text()).at("url").as_string());
}

MongoView::MongoView(const std::string& url, std::string database, meta::mongo::Hook hook)
    : database_(std::move(database)) {
  if (database_.empty()) database_ = "mas-" + rng_->id().hex();
  config::Mongodb server;
  server.url = url;
  server.database = database_;
  store_ = must(meta::mongo::open_hooked(config::Meta{}, server, *driver_, *clock_, *rng_, metrics_,
                                         std::move(hook)));
}

MongoView::~MongoView() { run_blocking(store_->close_store()); }

}  // namespace mas::test
