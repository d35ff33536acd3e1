// One io thread's connections to all peers: kept alive, counted, waited for.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mas/http/client.h"
#include "mas/peer/http.h"
#include "mas/runtime/sync.h"

namespace mas::peer {

// The URL of a peer's port. Errors: closed (no address, or a malformed one).
[[nodiscard]] Result<http::Url> peer_url(const std::string& address, bool tls);
[[nodiscard]] bool uses_tls(const config::Peer& options);
[[nodiscard]] http::ClientOptions client_options(const config::Peer& options);

// Used on its io thread only.
class Lane {
 private:
  // The connections to one slot. In use and idle together are never more than the permits.
  struct Pool {
    Pool(std::uint64_t connections, std::size_t waiters) : permits(connections, waiters) {}
    Semaphore permits;
    std::string address;
    std::vector<std::unique_ptr<http::Client>> idle;
  };

 public:
  // A connection in use; goes back to the idle ones when destroyed. Connections that failed are
  // made anew by their client.
  class [[nodiscard]] Lease {
   public:
    Lease(Pool& pool, std::string address, std::unique_ptr<http::Client> client, Permit permit);
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    [[nodiscard]] http::Client& client() const { return *client_; }

   private:
    Pool* pool_;
    std::string address_;
    std::unique_ptr<http::Client> client_;
    Permit permit_;
  };

  // At most `connections` to each peer.
  Lane(Executor executor, std::uint64_t connections, const config::Peer& options, Clock& clock);

  // A connection to that peer, made when it is first used. Waits while all are in use. Errors: busy
  // (too many wait), closed (no such address).
  Task<Result<Lease>> connection(std::string slot, std::string address);
  void close_idle() { pools_.clear(); }

  [[nodiscard]] const Executor& executor() const noexcept { return executor_; }

 private:
  Pool& pool_of(const std::string& slot);

  Executor executor_;
  std::uint64_t connections_;
  const config::Peer& options_;
  Clock& clock_;
  std::map<std::string, std::unique_ptr<Pool>> pools_;
};

}  // namespace mas::peer
