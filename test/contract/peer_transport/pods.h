// What the suite needs of an adapter: pods with a store each, and a transport that reaches them. A
// new adapter adds one entry to all_pods() in pods.cc.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mas/peer/transport.h"
#include "support/memory_store.h"

namespace mas::peer::test {

// Members 0 to kPods - 1, each with a MemoryStore; the transport is one pod's way to all of them.
class Pods {
 public:
  static constexpr layout::MemberIndex kPods = 3;
  virtual ~Pods() = default;
  virtual PeerTransport& transport() = 0;
  virtual mas::test::MemoryStore& store(layout::MemberIndex member) = 0;
  // The pod cannot be reached any more.
  virtual void kill(layout::MemberIndex member) = 0;
};

struct PodsFactory {
  std::string name;
  std::function<std::unique_ptr<Pods>()> make;
};

[[nodiscard]] std::vector<PodsFactory> all_pods();

}  // namespace mas::peer::test
