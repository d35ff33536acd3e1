#include "peer/lane.h"

#include <utility>

namespace mas::peer {
namespace {

// Calls that wait for each connection at any time; beyond these: busy.
constexpr std::size_t kWaitersEach = 64;

}  // namespace

Result<http::Url> peer_url(const std::string& address, bool tls) {
  auto url = http::parse_url((tls ? "https://" : "http://") + address);
  if (url.has_error() || !url->path.empty()) {
    return Error(Code::closed, "The pod has no usable peer address: '" + address + "'.");
  }
  return url;
}

bool uses_tls(const config::Peer& options) { return !options.certificate.empty(); }

http::ClientOptions client_options(const config::Peer& options) {
  http::ClientOptions client;
  client.connect_timeout = options.connect_timeout;
  client.io_timeout = options.io_timeout;
  client.ca_file = options.ca_file;
  client.certificate = options.certificate;
  client.key = options.key;
  return client;
}

Lane::Lease::Lease(Pool& pool, std::string address, std::unique_ptr<http::Client> client,
                   Permit permit)
    : pool_(&pool),
      address_(std::move(address)),
      client_(std::move(client)),
      permit_(std::move(permit)) {}

Lane::Lease::~Lease() {
  // One to a former address is closed.
  if (client_ && address_ == pool_->address) pool_->idle.push_back(std::move(client_));
}

Lane::Lane(Executor executor, std::uint64_t connections, const config::Peer& options, Clock& clock)
    : executor_(std::move(executor)), connections_(connections), options_(options), clock_(clock) {}

Lane::Pool& Lane::pool_of(const std::string& slot) {
  auto& pool = pools_[slot];
  if (!pool) pool = std::make_unique<Pool>(connections_, connections_ * kWaitersEach);
  return *pool;
}

Task<Result<Lane::Lease>> Lane::connection(std::string slot, std::string address) {
  MAS_CO_TRY(http::Url url, peer_url(address, uses_tls(options_)));
  Pool& pool = pool_of(slot);
  MAS_CO_TRY(Permit permit, co_await pool.permits.acquire(1));
  if (pool.address != address) {
    pool.idle.clear();
    pool.address = address;
  }
  std::unique_ptr<http::Client> client;
  if (!pool.idle.empty()) {
    client = std::move(pool.idle.back());
    pool.idle.pop_back();
  } else {
    client = http::make_client(executor_, std::move(url), client_options(options_), clock_);
  }
  co_return Lease(pool, std::move(address), std::move(client), std::move(permit));
}

}  // namespace mas::peer
