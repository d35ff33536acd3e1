// Whoever runs the simulated cluster, and looks after it now and then: empties data directories
// that the cluster has given up, says of disks that are gone that they are, and starts pods again
// whose volumes have stopped.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/world.h"

namespace mas::sim {

class Cluster;
class Pod;

// `cluster` outlives it, or stop() was called.
class Operator {
 public:
  explicit Operator(Cluster& cluster);
  ~Operator() { stop(); }
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;

  void start();
  void stop() { *there_ = false; }
  // Why a directory that the cluster has given up is not emptied: what others lack.
  [[nodiscard]] const std::string& needs_refused() const noexcept { return needs_refused_; }

 private:
  // Rounds in a row in which something was seen of a pod.
  struct Rounds {
    int refused = 0;
    int awaited = 0;
    int stopped = 0;
  };
  void look();
  void look_at(Pod& pod, Rounds& rounds);
  void empty_if_not_needed(Pod& pod);
  // The data of this pod that the cluster waits for are on no disk any more.
  [[nodiscard]] bool waits_for_lost(const Pod& pod) const;
  void give_up(Pod& lost);

  Cluster& cluster_;
  std::vector<Rounds> rounds_;
  std::string needs_refused_;
  std::shared_ptr<bool> there_ = std::make_shared<bool>(true);
};

}  // namespace mas::sim
