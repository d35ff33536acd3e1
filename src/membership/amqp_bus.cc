#include <deque>
#include <map>
#include <mutex>
#include <utility>

#include "mas/membership/amqp.h"
#include "mas/observe/log.h"
#include "mas/runtime/sync.h"
#include "mas/runtime/thread.h"
#include "membership/amqp_connection.h"
#include "membership/backoff.h"
#include "membership/beat_seal.h"
#include "membership/heartbeat_wire.h"
#include "membership/wake_fd.h"

namespace mas::membership {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kMaxWaiting = 16;
constexpr Duration kFirstPause = milliseconds(250);
constexpr Duration kLongestPause = seconds(10);
constexpr Duration kGoodbye = seconds(1);
static_assert(kMaxWaiting * kMaxHeartbeatBytes * 3 / 4 <= AmqpConnection::kSendBuffer);

// A publish() that waits. Its coroutine and the bus share it: either may be gone first.
struct Waiting {
  Waiting(std::string bytes, Seal sealed, Instant end)
      : wire(std::move(bytes)), seal(std::move(sealed)), deadline(end) {}
  std::string wire;
  Seal seal;
  Instant deadline;
  Result<void> result;  // written before `done` is set
  Event done;
};
using WaitingPtr = std::shared_ptr<Waiting>;

struct Instruments {
  explicit Instruments(observe::Metrics& metrics)
      : connected(metrics.gauge("mas_broker_connected", "1 while the message broker is there.")),
        connects(metrics.counter("mas_broker_connects_total",
                                 "Connections made to the message broker.")) {
    for (WireFault fault : {WireFault::oversized, WireFault::malformed, WireFault::unknown_version,
                            WireFault::unsealed, WireFault::forged, WireFault::repeated}) {
      auto& counter = metrics.counter("mas_heartbeats_ignored_total",
                                      "Messages from the broker that are not taken for heartbeats.",
                                      {{"reason", std::string(fault_name(fault))}});
      ignored.emplace(fault, &counter);
    }
  }

  observe::Gauge& connected;
  observe::Counter& connects;
  std::map<WireFault, observe::Counter*> ignored;
};

class AmqpBus final : public HeartbeatBus, private AmqpConnection::Events {
 public:
  AmqpBus(AmqpSetUp set_up, AmqpOptions options, Clock& clock, Rng& rng, observe::Metrics& metrics)
      : set_up_(std::move(set_up)),
        options_(std::move(options)),
        clock_(clock),
        instruments_(metrics),
        memory_({options_.pod, options_.incarnation}, set_up_.message_life),
        backoff_(kFirstPause, kLongestPause, rng),
        thread_(std::make_unique<OwnedThread>("mas-heartbeats", [this] { run(); })) {}
  ~AmqpBus() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.wake();
    thread_.reset();
  }
  AmqpBus(const AmqpBus&) = delete;
  AmqpBus& operator=(const AmqpBus&) = delete;

  Task<Result<void>> publish(Heartbeat beat) override {
    MAS_CO_TRY(std::string wire, write_heartbeat(beat));
    Seal seal = make_seal(wire, options_.keys.front());
    auto waiting =
        std::make_shared<Waiting>(std::move(wire), std::move(seal), clock_.now() + set_up_.timeout);
    MAS_CO_CHECK(enqueue(waiting));
    // From here on the bus may be gone.
    co_await waiting->done.wait();
    co_return waiting->result;
  }
  void listen(Listener listener) override {
    std::lock_guard lock(listener_mutex_);
    listener_ = std::move(listener);
  }
  [[nodiscard]] bool connected() const override {
    std::lock_guard lock(mutex_);
    return usable_;
  }

 private:
  Result<void> enqueue(const WaitingPtr& waiting);
  void finish(const WaitingPtr& waiting, Result<void> result);

  // ---- On the thread ----
  void run();
  void pause();
  Result<void> serve(AmqpConnection& connection);
  Result<void> send_queued(AmqpConnection& connection);
  [[nodiscard]] Duration longest_wait() const;
  void become_usable();
  void become_unusable(const Error& why);
  void tell_lost(const Error& why);
  [[nodiscard]] bool stopping() const {
    std::lock_guard lock(mutex_);
    return stopping_;
  }

  void heard(std::string_view message, const Seal& seal) override;
  [[nodiscard]] WireFault doubt(std::string_view message, const Seal& seal) const;
  void heard_oversized() override { ignore(WireFault::oversized); }
  void confirmed(std::uint64_t number, bool multiple, bool taken) override;
  void blocked(std::string_view why) override;
  void unblocked() override { become_usable(); }
  void ignore(WireFault fault);

  const AmqpSetUp set_up_;
  const AmqpOptions options_;
  Clock& clock_;
  Instruments instruments_;
  WakeFd wake_;

  mutable std::mutex mutex_;
  bool stopping_ = false;
  bool usable_ = false;
  std::deque<WaitingPtr> queue_;
  std::size_t outstanding_ = 0;  // in queue_ and in in_flight_

  // Held while the listener runs, so that listen() and the destructor wait for it.
  std::mutex listener_mutex_;
  Listener listener_;

  // Of the thread alone.
  BeatMemory memory_;
  Backoff backoff_;
  std::map<std::uint64_t, WaitingPtr> in_flight_;  // by number, which is the order of deadlines
  bool told_lost_ = false;

  std::unique_ptr<OwnedThread> thread_;
};

Result<void> AmqpBus::enqueue(const WaitingPtr& waiting) {
  {
    std::lock_guard lock(mutex_);
    if (!usable_ || stopping_) {
      return Error(Code::broker_unavailable, "The message broker cannot be reached.");
    }
    if (outstanding_ >= kMaxWaiting) {
      return Error(Code::broker_unavailable, "The message broker is too slow.");
    }
    queue_.push_back(waiting);
    ++outstanding_;
  }
  wake_.wake();
  return {};
}

void AmqpBus::finish(const WaitingPtr& waiting, Result<void> result) {
  {
    std::lock_guard lock(mutex_);
    --outstanding_;
  }
  waiting->result = std::move(result);
  waiting->done.set();
}

void AmqpBus::run() {
  while (!stopping()) {
    auto opened = AmqpConnection::open(set_up_, clock_);
    if (opened.has_error()) {
      tell_lost(opened.error());
    } else {
      instruments_.connects.add();
      become_usable();
      auto served = serve(**opened);
      if (!served.has_error()) {
        become_unusable(Error(Code::broker_unavailable, "This pod leaves."));
        (*opened)->close(std::min(kGoodbye, set_up_.timeout));
        return;
      }
      become_unusable(served.error());
      *opened = nullptr;
    }
    pause();
  }
}

void AmqpBus::pause() {
  const Instant end = clock_.now() + backoff_.next();
  // A publish() that came just before the connection went may have left the bus woken.
  while (!stopping() && clock_.now() < end) wake_.wait(-1, end - clock_.now());
}

// Until the bus is to stop, or the connection is of no more use.
Result<void> AmqpBus::serve(AmqpConnection& connection) {
  while (!stopping()) {
    MAS_CHECK(send_queued(connection));
    MAS_TRY(bool more, connection.receive(*this));
    if (!in_flight_.empty() && in_flight_.begin()->second->deadline <= clock_.now()) {
      return Error(Code::broker_unavailable, "publishing: the broker does not confirm");
    }
    if (!more) wake_.wait(connection.socket(), longest_wait());
  }
  return {};
}

Result<void> AmqpBus::send_queued(AmqpConnection& connection) {
  while (true) {
    WaitingPtr next;
    {
      std::lock_guard lock(mutex_);
      if (queue_.empty()) return {};
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    auto number = connection.send(next->wire, next->seal);
    if (number.has_error()) {
      Error why = number.error();
      finish(next, Error(why).mark_maybe_happened());
      return why;
    }
    in_flight_.emplace(*number, std::move(next));
  }
}

Duration AmqpBus::longest_wait() const {
  Duration most = AmqpConnection::kServiceInterval;
  if (in_flight_.empty()) return most;
  return std::min(most, in_flight_.begin()->second->deadline - clock_.now());
}

void AmqpBus::become_usable() {
  {
    std::lock_guard lock(mutex_);
    if (usable_) return;
    usable_ = true;
  }
  told_lost_ = false;
  instruments_.connected.set(1);
  log::info("broker_connected", {{"exchange", set_up_.exchange}});
  if (options_.changed) options_.changed(true);
}

void AmqpBus::become_unusable(const Error& why) {
  std::deque<WaitingPtr> unsent;
  bool was = false;
  bool leaving = false;
  {
    std::lock_guard lock(mutex_);
    was = std::exchange(usable_, false);
    leaving = stopping_;
    unsent.swap(queue_);
  }
  instruments_.connected.set(0);
  if (!leaving) tell_lost(why);
  const Error lost(Code::broker_unavailable, "The message broker was lost: " + why.message());
  for (const auto& [number, waiting] : std::exchange(in_flight_, {})) {
    finish(waiting, Error(lost).mark_maybe_happened());
  }
  for (const WaitingPtr& waiting : unsent) finish(waiting, lost);
  if (was && options_.changed) options_.changed(false);
}

// Once for each time the broker goes, however many attempts to reach it fail.
void AmqpBus::tell_lost(const Error& why) {
  if (std::exchange(told_lost_, true)) return;
  log::warn("broker_lost", {{"exchange", set_up_.exchange}, {"error", why}});
}

WireFault AmqpBus::doubt(std::string_view message, const Seal& seal) const {
  const WireFault fault = check_seal(message, seal, options_.keys);
  return fault == WireFault::unsealed && options_.accept_v1 ? WireFault::none : fault;
}

void AmqpBus::heard(std::string_view message, const Seal& seal) {
  // Nothing is parsed that a stranger may have sent.
  const WireFault doubtful = doubt(message, seal);
  if (doubtful != WireFault::none) return ignore(doubtful);
  HeartbeatReading reading = read_heartbeat(message);
  if (reading.fault != WireFault::none) return ignore(reading.fault);
  const bool sealed = !seal.key.empty();
  const WireFault taken = memory_.take(reading.beat, sealed, clock_.now());
  if (taken != WireFault::none) return ignore(taken);
  backoff_.reset();
  if (!sealed) {
    // Whoever may publish could have said it. What is kept on disks, or told to others, comes from
    // those who know the secret: a generation that no store has given would halt every pod.
    reading.beat.generation = 0;
    reading.beat.layout_version = 0;
  }
  std::lock_guard lock(listener_mutex_);
  if (listener_) listener_(reading.beat);
}

void AmqpBus::ignore(WireFault fault) {
  instruments_.ignored.at(fault)->add();
  if (!log::once_a_minute("heartbeat_ignored " + std::string(fault_name(fault)))) return;
  log::warn("heartbeat_ignored", {{"exchange", set_up_.exchange}, {"reason", fault_name(fault)}});
}

void AmqpBus::confirmed(std::uint64_t number, bool multiple, bool taken) {
  auto first = multiple ? in_flight_.begin() : in_flight_.lower_bound(number);
  auto end = in_flight_.upper_bound(number);
  for (auto at = first; at != end; ++at) {
    if (taken) {
      finish(at->second, Result<void>());
    } else {
      // One queue of several was enough to refuse it: the others may have it.
      Error refused(Code::broker_unavailable, "The message broker refuses.");
      finish(at->second, refused.mark_maybe_happened());
    }
  }
  in_flight_.erase(first, end);
  if (taken) backoff_.reset();
}

void AmqpBus::blocked(std::string_view why) {
  become_unusable(Error(Code::broker_unavailable,
                        "the broker reads nothing more (" + std::string(why.substr(0, 100)) + ")"));
}

}  // namespace

Result<std::unique_ptr<HeartbeatBus>> make_amqp_bus(const config::Rabbitmq& rabbitmq,
                                                    AmqpOptions options, Clock& clock, Rng& rng,
                                                    observe::Metrics& metrics) {
  MAS_ASSERT(!options.keys.empty());
  MAS_TRY(AmqpTarget target, parse_amqp_url(rabbitmq.url));
  AmqpSetUp set_up;
  set_up.target = std::move(target);
  set_up.ca_file = rabbitmq.ca_file;
  set_up.exchange = "mas." + options.cluster + ".heartbeat";
  set_up.name = "mas " + options.pod;
  set_up.message_life = options.message_life;
  set_up.timeout = rabbitmq.timeout;
  return std::unique_ptr<HeartbeatBus>(
      std::make_unique<AmqpBus>(std::move(set_up), std::move(options), clock, rng, metrics));
}

}  // namespace mas::membership
