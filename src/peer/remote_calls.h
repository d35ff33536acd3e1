// The calls of a PeerTransport to another pod, over one lane's connections.
#pragma once

#include <vector>

#include "peer/lane.h"

namespace mas::peer {

// To be run on the lane's io thread. `self` and the lane outlive the calls.
Task<Result<void>> put_remote(Lane& lane, const Self& self, Address to,
                              std::uint64_t layout_version, RecordKey key,
                              std::vector<Slice> pieces);
Task<Result<Slice>> read_remote(Lane& lane, const Self& self, Address to, RecordKey key,
                                std::uint64_t offset, std::uint32_t length);
Task<Result<std::vector<bool>>> have_remote(Lane& lane, const Self& self, Address to,
                                            std::vector<RecordKey> keys);
Task<Result<void>> quarantine_remote(Lane& lane, const Self& self, Address to, RecordKey key);
Task<Result<CarriedPage>> carried_remote(Lane& lane, const Self& self, Address to,
                                         std::optional<RecordKey> after);
Task<Result<std::string>> layout_remote(Lane& lane, const Self& self, Address to);

}  // namespace mas::peer
