// AmqpConnection: one connection to the broker, set up to publish heartbeats and to hear them.
//
// The driver is not thread-safe and answers AMQP's own heartbeats only inside its calls: everything
// here is for one thread, which calls receive() at least every kServiceInterval. After any error
// the connection is of no more use.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "mas/core/result.h"
#include "mas/runtime/clock.h"
#include "membership/amqp_url.h"
#include "membership/beat_seal.h"

namespace mas::membership {

struct AmqpSetUp {
  AmqpTarget target;
  std::string ca_file;  // PEM; empty: the system's. Only with TLS
  std::string exchange;
  std::string name;         // shown in the broker's list of connections
  Duration message_life{};  // older messages are dropped by the broker
  Duration timeout{};       // for all of open()
  // AMQP's own: either side hangs up on one that is silent for twice this.
  std::chrono::seconds silence{10};
};

class AmqpConnection {
 public:
  static constexpr Duration kServiceInterval = std::chrono::seconds(1);

  // What receive() hands on.
  class Events {
   public:
    virtual ~Events() = default;
    virtual void heard(std::string_view message, const Seal& seal) = 0;
    // A message too large to be looked at.
    virtual void heard_oversized() = 0;
    // The broker has (or, if not `taken`, refuses) message `number` of send(), with `multiple` all
    // up to it too.
    virtual void confirmed(std::uint64_t number, bool multiple, bool taken) = 0;
    // The broker reads no more of what is sent, for want of memory or disk; `why` is its word.
    virtual void blocked(std::string_view why) = 0;
    virtual void unblocked() = 0;
  };

  // Connects, logs in, declares the exchange and a queue of its own, and starts to consume it.
  // Resolving the host's name is left to the system's resolver and its own time limits.
  // Errors: broker_unavailable.
  static Result<std::unique_ptr<AmqpConnection>> open(const AmqpSetUp& set_up, Clock& clock);
  // Closes the socket without asking the broker.
  ~AmqpConnection();
  AmqpConnection(const AmqpConnection&) = delete;
  AmqpConnection& operator=(const AmqpConnection&) = delete;

  // Tells the broker, and waits at most `timeout` for its answer.
  void close(Duration timeout);

  // Hands `message` to the socket; its number, from 1 in steps of 1. Does not wait as long as what
  // is unconfirmed stays under kSendBuffer bytes. Errors: broker_unavailable.
  [[nodiscard]] Result<std::uint64_t> send(std::string_view message, const Seal& seal);
  static constexpr int kSendBuffer = 192 * 1024;

  // Takes what has come, without waiting, but no more than a round's worth; false: nothing is left.
  // Errors: broker_unavailable.
  [[nodiscard]] Result<bool> receive(Events& events);

  // Readable when there is something to receive.
  [[nodiscard]] int socket() const;

 private:
  struct State;
  explicit AmqpConnection(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mas::membership
