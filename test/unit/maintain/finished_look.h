// A look at what those who have left hold, asked for until it has ended.
#pragma once

#include <thread>

#include "cluster_rig.h"
#include "mas/maintain/leavers_look.h"

namespace mas::test {

// One that begins now.
inline membership::Look finished_look(ClusterRig& rig, maintain::LeaversLook& look) {
  rig.clock.advance(std::chrono::seconds(600));
  const std::uint64_t version = rig.view.layout.version;
  membership::Look found = look.look(version);
  do {
    std::this_thread::yield();
    found = look.look(version);
  } while (found == membership::Look::under_way);
  return found;
}

}  // namespace mas::test
