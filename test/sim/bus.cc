#include "sim/bus.h"

#include <algorithm>

namespace mas::sim {
namespace {

// Longer than any message is on its way: of one process no two beats are.
constexpr Duration kPatience = std::chrono::seconds(10);

class BusLink final : public membership::HeartbeatBus {
 public:
  BusLink(Network& network, Life& life, HostIndex self, HostIndex broker)
      : network_(network), life_(life), self_(self), broker_(broker) {
    network_.host(self_).services.ear = ear_;
  }
  ~BusLink() override { ear_->listener = nullptr; }
  BusLink(const BusLink&) = delete;
  BusLink& operator=(const BusLink&) = delete;

  Task<Result<void>> publish(membership::Heartbeat beat) override {
    if (!connected()) co_return Error(Code::broker_unavailable, "The broker is out of reach.");
    Request<void> request = [beat = std::move(beat)](Services& services, Life&) {
      return services.broker->take(beat);
    };
    Result<void> sent =
        co_await network_.call<void>(life_, self_, broker_, kPatience, std::move(request));
    if (sent.has_value()) co_return sent;
    Error error(Code::broker_unavailable, sent.error().message());
    if (sent.error().maybe_happened()) error.mark_maybe_happened();
    co_return error;
  }

  void listen(Listener listener) override { ear_->listener = std::move(listener); }

  [[nodiscard]] bool connected() const override {
    return network_.host(broker_).life != nullptr && !network_.link(self_, broker_).cut &&
           !network_.link(broker_, self_).cut;
  }

 private:
  Network& network_;
  Life& life_;
  const HostIndex self_;
  const HostIndex broker_;
  const std::shared_ptr<Ear> ear_ = std::make_shared<Ear>();
};

}  // namespace

Task<Result<void>> Broker::take(membership::Heartbeat beat) {
  for (HostIndex to = 0; to < network_.size(); ++to) {
    const std::shared_ptr<Ear>& ear = network_.host(to).services.ear;
    if (!ear) continue;
    const auto delay = network_.transit(self_, to);
    if (!delay || *delay > message_life_) continue;
    ear->last = std::max(ear->last, world_.now() + *delay);
    world_.after(ear->last - world_.now(), [queue = std::weak_ptr<Ear>(ear), beat] {
      const auto there = queue.lock();
      if (there && there->listener) there->listener(beat);
    });
  }
  co_return Result<void>();
}

std::unique_ptr<membership::HeartbeatBus> make_bus(Network& network, Life& life, HostIndex self,
                                                   HostIndex broker) {
  return std::make_unique<BusLink>(network, life, self, broker);
}

}  // namespace mas::sim
