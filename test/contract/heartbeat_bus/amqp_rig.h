// Buses on the real broker, each with a wait for what connected() says. Waits need no clock: ctest
// bounds them.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "inbox.h"
#include "mas/membership/amqp.h"
#include "support/must.h"
#include "support/server_facts.h"

namespace mas::membership::test {

// What all buses of one test share.
struct AmqpSeams {
  std::unique_ptr<Clock> clock = make_system_clock();
  std::unique_ptr<Rng> rng = make_system_rng();
  observe::Metrics metrics;
  mas::test::ServerFacts broker{"rabbitmq"};
  // Other tests, and other runs on the same broker, must not be heard.
  std::string run = rng->id().hex();
};

inline const std::string kSecret = "the secret of all buses";

// Notes each change of connected().
class Changes {
 public:
  [[nodiscard]] std::function<void(bool)> note() {
    return [this](bool connected) {
      std::lock_guard lock(mutex_);
      connected_ = connected;
      ++count_;
      changed_.notify_all();
    };
  }
  void wait_for(bool connected) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return connected_ == connected; });
  }
  // Waits until there have been `count` changes.
  void wait_for_changes(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return count_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool connected_ = false;
  int count_ = 0;
};

// A bus of the cluster "<run>-<name>" that is not connected yet.
struct AmqpPod {
  AmqpPod(AmqpSeams& seams, const std::string& cluster, const config::Rabbitmq& rabbitmq,
          bool accept_v1 = false) {
    AmqpOptions options;
    options.accept_v1 = accept_v1;
    options.cluster = seams.run + "-" + cluster;
    options.pod = cluster;
    options.keys = auth::cluster_keys({kSecret}, options.cluster);
    options.changed = changes.note();
    bus =
        must(make_amqp_bus(rabbitmq, std::move(options), *seams.clock, *seams.rng, seams.metrics));
    inbox.attach(*bus);
  }

  Changes changes;
  Inbox inbox;
  std::unique_ptr<HeartbeatBus> bus;
};

[[nodiscard]] inline config::Rabbitmq at(std::string url) {
  config::Rabbitmq rabbitmq;
  rabbitmq.url = std::move(url);
  return rabbitmq;
}

}  // namespace mas::membership::test
