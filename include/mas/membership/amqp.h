// Heartbeats through RabbitMQ: each pod's go to the fanout exchange "mas.<cluster>.heartbeat", and
// every pod has an exclusive queue on it.
//
// One thread of its own does everything with the broker. It connects in the background, and again
// after any error, waiting 250 ms, then twice as long up to 10 s, less a random part. Messages that
// are no heartbeats, are not sealed with a key of the cluster or were heard before are counted and
// ignored (doc/heartbeat-format.md).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "mas/auth/cluster_keys.h"
#include "mas/config/config.h"
#include "mas/core/result.h"
#include "mas/membership/heartbeat_bus.h"
#include "mas/observe/metrics.h"
#include "mas/runtime/clock.h"
#include "mas/runtime/rng.h"

namespace mas::membership {

struct AmqpOptions {
  std::string cluster;  // pods of one name hear each other
  std::string pod;      // this pod's slot; names the connection in the broker's list
  Id128 incarnation;
  // The first seals what is published; beats sealed with any of them are heard. At least one.
  std::vector<auth::ClusterKey> keys;
  bool accept_v1 = false;  // hears beats without a seal, too, as mas 0.1.0 sends them
  // A heartbeat that waits longer in this pod's queue than this is dropped: heard late, it would
  // make a silent pod look alive.
  Duration message_life = std::chrono::seconds(10);
  // Called when connected() has changed, with what it is now; on the bus's thread, so it is quick
  // and does not call the bus.
  std::function<void(bool)> changed;
};

// The bus is there at once, connected() once the broker has let it in. `rabbitmq.url` holds the
// URL: reading url_file is the caller's.
//
// publish() is done when the broker has the message. It answers broker_unavailable at once while
// not connected, while the broker says it is short of memory or disk, and when 16 others wait; else
// within `rabbitmq.timeout`, which also ends the connection. The destructor waits for an attempt to
// connect that is under way: `rabbitmq.timeout`, and what the system needs to resolve the host's
// name. publish() may still be running then, and answers broker_unavailable.
// Errors: invalid_argument (the URL).
[[nodiscard]] Result<std::unique_ptr<HeartbeatBus>> make_amqp_bus(const config::Rabbitmq& rabbitmq,
                                                                  AmqpOptions options, Clock& clock,
                                                                  Rng& rng,
                                                                  observe::Metrics& metrics);

}  // namespace mas::membership
