// Audit: a look at all disks from outside, while the cluster runs: is every shard of every file
// and upload good, and with the pod that the layout says?
#pragma once

#include <functional>
#include <string>

#include "sim/cluster.h"

namespace mas::sim {

struct AuditReport {
  Instant begun;
  bool whole = false;
  std::string missing;  // what is not whole; the first thing found
  std::vector<meta::Object> objects;
  std::vector<Id128> lost_of_uploads;  // extents that losses have made unreadable
};

// Asks the metadata store at once, the pods within the next moments; `done` is called after that,
// or never if the world ends before. Files that are excused only have to be unreadable for good or
// whole. `cluster` outlives the audit.
void begin_audit(Cluster& cluster, std::function<void(AuditReport)> done);
// The same, waiting for the report.
[[nodiscard]] AuditReport audit(World& world, Cluster& cluster);

// When the previous holders of `before` are let go: whatever one of them has, its row's holder has.
void check_settled(Cluster& cluster, const layout::Layout& before);

// Whether any running pod has the manifest of a deletion, without which a rebuild forgets it.
[[nodiscard]] bool has_manifest(Cluster& cluster, const meta::Object& deleted);

}  // namespace mas::sim
