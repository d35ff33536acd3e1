// What the suites of the MongoDB adapter share: where the server is, stores on databases of their
// own.
#pragma once

#include <memory>
#include <string>

#include "backend.h"
#include "mas/config/config.h"
#include "mas/meta/meta_store.h"
#include "mas/observe/metrics.h"
#include "mas/runtime/clock.h"
#include "mas/runtime/pool.h"
#include "mas/runtime/rng.h"
#include "meta/mongo/documents.h"

namespace mas::test {

// A field of server.json of the MongoDB test server; ends the test if there is none.
[[nodiscard]] std::string mongo_server_text();
[[nodiscard]] std::string mongo_url();

// One process's view: a store with pools of its own. Closed when destroyed.
class MongoView {
 public:
  // An empty `database`: a fresh one.
  explicit MongoView(const std::string& url, std::string database = {},
                     meta::mongo::Hook hook = {});
  ~MongoView();
  MongoView(const MongoView&) = delete;
  MongoView& operator=(const MongoView&) = delete;

  [[nodiscard]] meta::MetaStore& store() { return *store_; }
  [[nodiscard]] const std::string& database() const { return database_; }
  [[nodiscard]] observe::Metrics& metrics() { return metrics_; }

 private:
  std::unique_ptr<Clock> clock_ = make_system_clock();
  std::unique_ptr<Rng> rng_ = make_system_rng();
  std::unique_ptr<Pool> driver_ = make_thread_pool("driver", 4, 1024);
  observe::Metrics metrics_;
  std::string database_;
  std::unique_ptr<meta::MetaStore> store_;
};

// The database of a backend that make_backend() of this adapter made.
[[nodiscard]] std::string database_of(MetaBackend& backend);

}  // namespace mas::test
