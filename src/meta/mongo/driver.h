// One pool of connections to a MongoDB server or replica set, with every wait bounded. Only for the
// .cc files that speak to the driver.
#pragma once

#include <mongoc/mongoc.h>

#include <cstdint>
#include <memory>
#include <string>

#include "mas/config/config.h"
#include "mas/core/result.h"

namespace mas::meta::mongo {

struct DropPool {
  void operator()(mongoc_client_pool_t* pool) const { mongoc_client_pool_destroy(pool); }
};
using ClientPool = std::unique_ptr<mongoc_client_pool_t, DropPool>;

// Sets up the library once; the process must not fork afterwards. Errors: invalid_argument.
[[nodiscard]] Result<ClientPool> make_client_pool(const config::Meta& meta,
                                                  const config::Mongodb& options);

// A client and its collection, for one command.
class Lease {
 public:
  // Check ok() before use: no client may be free in time.
  Lease(mongoc_client_pool_t* pool, const std::string& database, std::uint64_t outages);
  ~Lease();
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  [[nodiscard]] bool ok() const noexcept { return client_ != nullptr; }
  // Breaker::outages() when it was taken.
  [[nodiscard]] std::uint64_t outages() const noexcept { return outages_; }
  [[nodiscard]] mongoc_client_t* client() noexcept { return client_; }
  [[nodiscard]] mongoc_collection_t* records() noexcept { return records_; }

 private:
  mongoc_client_pool_t* pool_;
  std::uint64_t outages_;
  mongoc_client_t* client_;
  mongoc_collection_t* records_ = nullptr;
};

// What an error of the driver says about the server.
struct Failure {
  Error error;               // metadata_unavailable; maybe_happened: the command was sent
  std::string detail;        // for the log: it names hosts
  bool unreachable = false;  // not a fault of this command alone
  bool duplicate_key = false;
};
[[nodiscard]] Failure judge(const bson_error_t& error);

}  // namespace mas::meta::mongo
