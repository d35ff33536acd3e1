// One io thread's connections to all peers: kept alive, counted, waited for.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mas/http/client.h"
#include "mas/peer/http.h"
#include "mas/runtime/sync.h"
#include "peer/dialler.h"

namespace mas::peer {

// Used on its io thread only.
class Lane {
 private:
  // The connections to one slot. In use and idle together are never more than the permits.
  struct Pool {
    Pool(std::uint64_t connections, std::size_t waiters) : permits(connections, waiters) {}
    Semaphore permits;
    std::string where;
    std::vector<std::unique_ptr<http::Client>> idle;
  };

 public:
  // A connection in use; goes back to the idle ones when destroyed. Connections that failed are
  // made anew by their client.
  class [[nodiscard]] Lease {
   public:
    Lease(Pool& pool, std::string where, std::unique_ptr<http::Client> client, Permit permit);
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    [[nodiscard]] http::Client& client() const { return *client_; }

   private:
    Pool* pool_;
    std::string where_;
    std::unique_ptr<http::Client> client_;
    Permit permit_;
  };

  // At most `connections` to each peer.
  Lane(Executor executor, std::uint64_t connections, Dialler& dialler);

  // A connection to that peer, made when it is first used. Waits while all are in use. Errors: busy
  // (too many wait), closed (no such address).
  Task<Result<Lease>> connection(Address to);
  void close_idle() { pools_.clear(); }

  [[nodiscard]] const Executor& executor() const noexcept { return executor_; }

 private:
  Pool& pool_of(const std::string& slot);

  Executor executor_;
  std::uint64_t connections_;
  Dialler& dialler_;
  std::map<std::string, std::unique_ptr<Pool>> pools_;
};

}  // namespace mas::peer
