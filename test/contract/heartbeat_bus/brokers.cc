#include <map>

#include "broker.h"

namespace mas::membership::test {
namespace {

class InProcessBroker final : public Broker {
 public:
  std::unique_ptr<HeartbeatBus> join(const std::string& cluster) override {
    auto& hub = hubs_[cluster];
    if (hub == nullptr) hub = make_in_process_hub();
    return join_hub(hub);
  }

 private:
  std::map<std::string, std::shared_ptr<InProcessHub>> hubs_;
};

}  // namespace

std::vector<BrokerFactory> brokers() {
  return {{"in process", [] { return std::make_unique<InProcessBroker>(); }}};
}

}  // namespace mas::membership::test
