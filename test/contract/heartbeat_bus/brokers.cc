#include <map>

#include "amqp_rig.h"
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

// A bus that keeps what tells when it is connected.
class RabbitBus final : public HeartbeatBus {
 public:
  RabbitBus(AmqpSeams& seams, const std::string& cluster) {
    AmqpOptions options;
    options.cluster = seams.run + "-" + cluster;
    options.pod = cluster;
    options.keys = auth::cluster_keys({kSecret}, options.cluster);
    options.changed = changes_.note();
    bus_ = must(make_amqp_bus(at(seams.broker.text("url")), std::move(options), *seams.clock,
                              *seams.rng, seams.metrics));
    changes_.wait_for(true);
  }
  Task<Result<void>> publish(Heartbeat beat) override { return bus_->publish(std::move(beat)); }
  void listen(Listener listener) override { bus_->listen(std::move(listener)); }
  [[nodiscard]] bool connected() const override { return bus_->connected(); }

 private:
  Changes changes_;
  std::unique_ptr<HeartbeatBus> bus_;
};

class RabbitBroker final : public Broker {
 public:
  std::unique_ptr<HeartbeatBus> join(const std::string& cluster) override {
    return std::make_unique<RabbitBus>(seams_, cluster);
  }

 private:
  AmqpSeams seams_;
};

}  // namespace

std::vector<BrokerFactory> brokers() {
  return {{"in process", [] { return std::make_unique<InProcessBroker>(); }},
          {"RabbitMQ", [] { return std::make_unique<RabbitBroker>(); }}};
}

}  // namespace mas::membership::test
