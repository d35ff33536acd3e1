#include "app/serve/connections.h"

#include <algorithm>
#include <string>

#include "app/serve/backends.h"
#include "app/serve/process_metrics.h"
#include "mas/fs/descriptors.h"
#include "mas/observe/log.h"

namespace mas::app {
namespace {

// Fewer would not serve a browser and its probes.
constexpr std::uint64_t kFewestConnections = 16;
// The standard streams, the signals' pipe, a name that is looked up, secrets that are read anew.
constexpr std::uint64_t kOfProcess = 16;
// Of an io thread: its queue, timer and wake-up, and what it listens on for each port.
constexpr std::uint64_t kOfIoThread = 6;
// Connections over the limit are told so before they are closed (http/server.cc).
constexpr std::uint64_t kConnectionsToRefusals = 8;
// Pods to which all of peer.connections are in use at once; more pods share them.
constexpr std::uint64_t kBusyPeers = 8;
constexpr std::uint64_t kOfBroker = 4;

std::uint64_t threads_of(std::uint32_t configured) {
  return configured == 0 ? online_cores() : configured;
}

// Connections that the pod makes itself.
std::uint64_t outgoing(const config::Config& config) {
  if (!is_clustered(config)) return 0;
  return config.mongodb.pool + config.redis.pool * threads_of(config.node.io_threads) + kOfBroker +
         config.peer.connections * kBusyPeers;
}

// What each listener may have, with `limit` open files. All that is rounded is rounded down.
std::uint64_t connections_within(const config::Config& config, std::uint64_t limit) {
  std::uint64_t taken = kOfProcess + kOfIoThread * threads_of(config.node.io_threads) +
                        fs::descriptors_of_files(limit, config.node.data.size());
  if (!config.metrics.listen.empty()) taken += config.metrics.max_connections;
  if (taken >= limit) return 0;
  std::uint64_t left = limit - taken;
  // Where little is left, what comes in has at least half of it.
  left -= std::min(outgoing(config), left / 2);
  const std::uint64_t listeners = is_clustered(config) ? 2 : 1;
  return left / listeners * kConnectionsToRefusals / (kConnectionsToRefusals + 1);
}

std::uint64_t least_limit(const config::Config& config) {
  std::uint64_t limit = kFewestConnections;
  while (connections_within(config, limit) < kFewestConnections) ++limit;
  return limit;
}

}  // namespace

Result<void> bound_connections(config::Config& config, std::uint64_t limit) {
  const std::uint64_t possible = connections_within(config, limit);
  if (possible < kFewestConnections) {
    return Error(Code::invalid_argument,
                 "This process may have " + std::to_string(limit) +
                     " open files (ulimit -n); with this configuration it needs at least " +
                     std::to_string(least_limit(config)) + ".");
  }
  if (possible >= config.http.max_connections) return {};
  log::warn("serve.connections_bounded", {{"open_files", limit},
                                          {"max_connections", possible},
                                          {"configured", config.http.max_connections}});
  config.http.max_connections = static_cast<std::uint32_t>(possible);
  return {};
}

}  // namespace mas::app
