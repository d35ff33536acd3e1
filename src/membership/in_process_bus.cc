#include <algorithm>
#include <mutex>
#include <vector>

#include "mas/core/result.h"
#include "mas/membership/heartbeat_bus.h"
#include "membership/heartbeat_wire.h"

namespace mas::membership {
namespace {

// One bus's end of the hub. Its lock is held while the listener runs: calls come one at a time, and
// leaving waits for the last.
class Ear {
 public:
  void set(HeartbeatBus::Listener listener) {
    std::lock_guard lock(mutex_);
    listener_ = std::move(listener);
  }
  void hear(const Heartbeat& beat) {
    std::lock_guard lock(mutex_);
    if (listener_) listener_(beat);
  }

 private:
  std::mutex mutex_;
  HeartbeatBus::Listener listener_;
};

}  // namespace

class InProcessHub {
 public:
  std::shared_ptr<Ear> join() {
    auto ear = std::make_shared<Ear>();
    std::lock_guard lock(mutex_);
    ears_.push_back(ear);
    return ear;
  }
  void leave(const std::shared_ptr<Ear>& ear) {
    {
      std::lock_guard lock(mutex_);
      std::erase(ears_, ear);
    }
    ear->set(nullptr);
  }
  void spread(const Heartbeat& beat) {
    std::vector<std::shared_ptr<Ear>> ears;
    {
      std::lock_guard lock(mutex_);
      ears = ears_;
    }
    for (const auto& ear : ears) ear->hear(beat);
  }

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<Ear>> ears_;
};

namespace {

class InProcessBus final : public HeartbeatBus {
 public:
  explicit InProcessBus(std::shared_ptr<InProcessHub> hub)
      : hub_(std::move(hub)), ear_(hub_->join()) {}
  ~InProcessBus() override { hub_->leave(ear_); }
  InProcessBus(const InProcessBus&) = delete;
  InProcessBus& operator=(const InProcessBus&) = delete;

  Task<Result<void>> publish(Heartbeat beat) override {
    MAS_CO_CHECK(check_texts(beat));
    hub_->spread(beat);
    co_return Result<void>();
  }
  void listen(Listener listener) override { ear_->set(std::move(listener)); }
  [[nodiscard]] bool connected() const override { return true; }

 private:
  std::shared_ptr<InProcessHub> hub_;
  std::shared_ptr<Ear> ear_;
};

}  // namespace

std::shared_ptr<InProcessHub> make_in_process_hub() { return std::make_shared<InProcessHub>(); }

std::unique_ptr<HeartbeatBus> join_hub(std::shared_ptr<InProcessHub> hub) {
  MAS_ASSERT(hub != nullptr);
  return std::make_unique<InProcessBus>(std::move(hub));
}

}  // namespace mas::membership
