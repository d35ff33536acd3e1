#include "app/serve/memory_plan.h"

#include <algorithm>

#include "app/serve/backends.h"
#include "mas/core/units.h"

namespace mas::app {
namespace {

// Code, stacks of threads, drivers, tables of a few entries, and what the allocator keeps: measured
// on a pod alone without work, with room to spare.
constexpr std::uint64_t kProcess = 48 * kMiB;
// The drivers of the cluster's backends and connections to the other pods.
constexpr std::uint64_t kClustered = 16 * kMiB;
// An idle connection, and one in its TLS handshake: 41 KB measured.
constexpr std::uint64_t kConnection = 16 * kKiB;
constexpr std::uint64_t kTlsConnection = 48 * kKiB;
// A record in the cache, with its bookkeeping.
constexpr std::uint64_t kCachedRecord = 512;
constexpr std::uint64_t kFewest = 64;  // of either
constexpr std::uint64_t kStep = 64 * kKiB;

struct Item {
  const char* key;
  std::uint64_t* size;
  std::uint64_t floor;
};

std::vector<Item> budgets(config::Config& config) {
  const std::uint64_t stripes = 2 * config.object.stripe;
  std::vector<Item> items{{"object.buffer_budget", &config.object.buffer_budget, stripes},
                          {"store.index_cache", &config.store.index_cache, 4 * kMiB},
                          {"store.frame_bytes", &config.store.frame_bytes, 4 * kMiB},
                          {"meta.cache", &config.meta.cache, 4 * kMiB}};
  if (is_clustered(config)) {
    items.push_back({"peer.receive_memory", &config.peer.receive_memory, stripes});
    items.push_back({"peer.send_memory", &config.peer.send_memory, stripes});
  }
  for (Item& item : items) item.floor = std::min(item.floor, *item.size);
  return items;
}

// Numbers of things that take memory by being there: each of a share of its own.
struct Crowd {
  const char* key;
  std::uint32_t* number;
  std::uint64_t each;   // bytes
  std::uint64_t share;  // of the memory, one in so many
};

// The API has so many, and the peer port, which always speaks TLS, as many again.
std::uint64_t cost_of_connection(const config::Config& config) {
  const std::uint64_t of_api = config.tls.certificate.empty() ? kConnection : kTlsConnection;
  return of_api + (is_clustered(config) ? kTlsConnection : 0);
}

std::vector<Crowd> crowds(config::Config& config) {
  return {{"http.max_connections", &config.http.max_connections, cost_of_connection(config), 8},
          {"object.record_cache_entries", &config.object.record_cache_entries, kCachedRecord, 16}};
}

// What no budget counts.
std::uint64_t uncounted(const config::Config& config) {
  return kProcess + (is_clustered(config) ? kClustered : 0);
}

std::uint64_t sum_of(const std::vector<Item>& items, bool floors) {
  std::uint64_t sum = 0;
  for (const Item& item : items) sum += floors ? item.floor : *item.size;
  return sum;
}

std::uint64_t sum_of(const std::vector<Crowd>& crowds, std::uint64_t most) {
  std::uint64_t sum = 0;
  for (const Crowd& crowd : crowds) {
    sum += std::min<std::uint64_t>(*crowd.number, most) * crowd.each;
  }
  return sum;
}

std::uint64_t usable(std::uint64_t limit) { return limit - limit / 16; }

Error too_little(const config::Config& config, std::uint64_t limit) {
  return Error(Code::invalid_argument,
               "This process may use " + describe_size(limit) +
                   " of memory, and with this configuration it needs at least " +
                   describe_size(least_memory(config)) +
                   ": raise the limit of its control group, or node.memory.");
}

// What is left over the floors is shared out in proportion.
void share_out(const std::vector<Item>& items, std::uint64_t spare, std::vector<Planned>& planned) {
  const std::uint64_t wanted = sum_of(items, false) - sum_of(items, true);
  if (spare >= wanted) return;
  for (const Item& item : items) {
    const auto share = static_cast<double>(*item.size - item.floor) / static_cast<double>(wanted);
    const auto more = static_cast<std::uint64_t>(share * static_cast<double>(spare));
    *item.size = item.floor + more / kStep * kStep;
    planned.push_back({item.key, format_size(*item.size)});
  }
}

}  // namespace

std::uint64_t memory_needed(const config::Config& config) {
  config::Config copy = config;
  return uncounted(config) + sum_of(crowds(copy), UINT64_MAX) + sum_of(budgets(copy), false);
}

std::uint64_t least_memory(const config::Config& config) {
  config::Config copy = config;
  const std::uint64_t least =
      uncounted(config) + sum_of(crowds(copy), kFewest) + sum_of(budgets(copy), true);
  // What usable() leaves of it must do; in whole MiB.
  return (least * 16 / 15 + kMiB) / kMiB * kMiB;
}

Result<std::vector<Planned>> fit_memory(config::Config& config, std::uint64_t limit) {
  std::vector<Planned> planned;
  if (memory_needed(config) <= usable(limit)) return planned;
  if (limit < least_memory(config)) return too_little(config, limit);
  const std::vector<Item> items = budgets(config);
  // What there is above the floors and the fewest of each crowd.
  const std::uint64_t room =
      usable(limit) - uncounted(config) - sum_of(items, true) - sum_of(crowds(config), kFewest);
  std::uint64_t spare = room;
  for (const Crowd& crowd : crowds(config)) {
    const std::uint64_t share = std::min(usable(limit) / crowd.share, room / 4);
    const std::uint64_t most = kFewest + share / crowd.each;
    if (*crowd.number > most) {
      *crowd.number = static_cast<std::uint32_t>(most);
      planned.push_back({crowd.key, std::to_string(most)});
    }
    spare -= (*crowd.number - std::min<std::uint64_t>(*crowd.number, kFewest)) * crowd.each;
  }
  share_out(items, spare, planned);
  return planned;
}

}  // namespace mas::app
