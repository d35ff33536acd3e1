#include "pods.h"

namespace mas::peer::test {
namespace {

class InProcessPods final : public Pods {
 public:
  InProcessPods() {
    for (layout::MemberIndex i = 0; i < kPods; ++i) {
      owned_.push_back(std::make_unique<mas::test::MemoryStore>(static_cast<std::uint8_t>(i)));
      stores_.push_back(owned_.back().get());
    }
    transport_ = make_in_process_transport(stores_);
  }
  PeerTransport& transport() override { return *transport_; }
  mas::test::MemoryStore& store(layout::MemberIndex member) override { return *owned_[member]; }
  void kill(layout::MemberIndex member) override { stores_[member] = nullptr; }

 private:
  std::vector<std::unique_ptr<mas::test::MemoryStore>> owned_;
  std::vector<store::Store*> stores_;
  std::unique_ptr<PeerTransport> transport_;
};

}  // namespace

std::vector<PodsFactory> all_pods() {
  return {{"in process", [] { return std::make_unique<InProcessPods>(); }}};
}

}  // namespace mas::peer::test
