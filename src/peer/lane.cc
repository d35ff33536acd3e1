#include "peer/lane.h"

#include <utility>

namespace mas::peer {
namespace {

// Calls that wait for each connection at any time; beyond these: busy.
constexpr std::size_t kWaitersEach = 64;

// What connections have in common that may take each other's place.
std::string where_of(const Address& to) { return (to.v1 ? "v1 " : "") + to.address; }

}  // namespace

Lane::Lease::Lease(Pool& pool, std::string where, std::unique_ptr<http::Client> client,
                   Permit permit)
    : pool_(&pool),
      where_(std::move(where)),
      client_(std::move(client)),
      permit_(std::move(permit)) {}

Lane::Lease::~Lease() {
  // One to a former address is closed.
  if (client_ && where_ == pool_->where) pool_->idle.push_back(std::move(client_));
}

Lane::Lane(Executor executor, std::uint64_t connections, Dialler& dialler)
    : executor_(std::move(executor)), connections_(connections), dialler_(dialler) {}

Lane::Pool& Lane::pool_of(const std::string& slot) {
  auto& pool = pools_[slot];
  if (!pool) pool = std::make_unique<Pool>(connections_, connections_ * kWaitersEach);
  return *pool;
}

Task<Result<Lane::Lease>> Lane::connection(Address to) {
  Pool& pool = pool_of(to.slot);
  MAS_CO_TRY(Permit permit, co_await pool.permits.acquire(1));
  std::string where = where_of(to);
  if (pool.where != where) {
    pool.idle.clear();
    pool.where = where;
  }
  std::unique_ptr<http::Client> client;
  if (pool.idle.empty()) {
    MAS_CO_TRY(client, dialler_.dial(executor_, to.address, to.v1));
  } else {
    client = std::move(pool.idle.back());
    pool.idle.pop_back();
  }
  co_return Lease(pool, std::move(where), std::move(client), std::move(permit));
}

}  // namespace mas::peer
