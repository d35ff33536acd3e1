// What the pods of one cluster prove themselves to each other with: keys made from the secret that
// they share. No key tells anything of the secret or of another key.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mas/core/result.h"

namespace mas::auth {

using Key256 = std::array<std::uint8_t, 32>;

// HKDF (RFC 5869) with SHA-256: salt "mas cluster 2", input the secret, info a label, a zero byte
// and the cluster's name. doc/peer-protocol.md has the labels.
struct ClusterKey {
  std::string id;      // 16 hex digits that name the secret
  Key256 heartbeat{};  // of the seals of heartbeats
  Key256 peer{};       // of TLS between pods
};

// One for each secret, in their order: the first is used, all are accepted.
[[nodiscard]] std::vector<ClusterKey> cluster_keys(const std::vector<std::string>& secrets,
                                                   std::string_view cluster);

// HMAC-SHA256 of `bytes`.
[[nodiscard]] Key256 sign(const Key256& key, std::string_view bytes);

}  // namespace mas::auth
