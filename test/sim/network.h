// The network: hosts that ask each other, over links that delay, lose and repeat what is sent, and
// can be cut in one direction or both.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mas/object/objects.h"
#include "sim/life.h"

namespace mas::sim {

class PeerPort;
class Broker;
struct Ear;

// What a host does for others; nullptr where it does not (yet).
struct Services {
  PeerPort* peers = nullptr;
  object::Objects* objects = nullptr;
  Broker* broker = nullptr;
  std::shared_ptr<Ear> ear;  // for the broker's messages
};

struct Host {
  Life* life = nullptr;  // nullptr: down
  Services services;
  bool refuses = true;  // while down: callers are told at once, instead of nothing
};

using HostIndex = std::size_t;

// Where a host is reached, as pods tell each other; nullopt for what is no such address.
[[nodiscard]] std::string address_of(HostIndex host);
[[nodiscard]] std::optional<HostIndex> host_at(std::string_view address);

// One direction between two hosts.
struct Link {
  Duration least = std::chrono::microseconds(100);
  Duration most = std::chrono::milliseconds(2);
  double loss = 0;    // of each message
  double repeat = 0;  // of each request between pods: it arrives twice
  bool cut = false;
};

template <class T>
using Request = std::function<Task<Result<T>>(Services&, Life&)>;

class Network {
 public:
  Network(World& world, std::size_t hosts);

  [[nodiscard]] std::size_t size() const noexcept { return hosts_.size(); }
  [[nodiscard]] Host& host(HostIndex index) { return hosts_.at(index); }
  [[nodiscard]] Link& link(HostIndex from, HostIndex to) {
    return links_.at(from * hosts_.size() + to);
  }
  // All links as they were at first.
  void heal();
  // How long a message takes that is sent now; nullopt: for ever.
  [[nodiscard]] std::optional<Duration> transit(HostIndex from, HostIndex to);

  // Asks host `to`; `request` makes the task that runs there, and may be called twice where
  // `may_repeat`. Errors besides its own: closed (certainly nothing happened), timeout (no answer
  // within `patience`; it may have happened, or happen later).
  template <class T>
  Task<Result<T>> call(Life& caller, HostIndex from, HostIndex to, Duration patience,
                       Request<T> request, bool may_repeat = false);

 private:
  template <class T>
  struct Exchange {
    std::shared_ptr<Wait> wait;
    std::optional<Result<T>> answer;
  };
  template <class T>
  using Pending = std::shared_ptr<Exchange<T>>;

  template <class T>
  void send(const Pending<T>& exchange, HostIndex from, HostIndex to, const Request<T>& request,
            Duration extra);
  template <class T>
  void arrive(const Pending<T>& exchange, HostIndex from, HostIndex to, const Request<T>& request);
  template <class T>
  Task<void> serve(Pending<T> exchange, Life* life, HostIndex from, HostIndex to,
                   Request<T> request);
  template <class T>
  void reply(const Pending<T>& exchange, HostIndex from, HostIndex to, Result<T> answer);

  World& world_;
  std::vector<Host> hosts_;
  std::vector<Link> links_;
};

// ---- Calls ----

template <class T>
Task<Result<T>> Network::call(Life& caller, HostIndex from, HostIndex to, Duration patience,
                              Request<T> request, bool may_repeat) {
  if (caller.is_over()) {
    co_await Life::step_aside();
    co_return Error(Code::closed, "This process has ended.");
  }
  auto exchange = std::make_shared<Exchange<T>>();
  exchange->wait = caller.begin_wait();
  const EventId deadline = world_.after(patience, [wait = exchange->wait] { wait->settle(false); });
  send(exchange, from, to, request, Duration(0));
  if (may_repeat && world_.rand().chance(link(from, to).repeat)) {
    world_.count("repeated request");
    send(exchange, from, to, request, world_.rand().between(Duration(0), std::chrono::seconds(5)));
  }
  request = nullptr;
  co_await caller.join(exchange->wait);
  world_.cancel(deadline);
  if (exchange->answer) co_return *std::move(exchange->answer);
  Error silent(Code::timeout, "The other side did not answer in time.");
  silent.mark_maybe_happened();
  co_return silent;
}

template <class T>
void Network::send(const Pending<T>& exchange, HostIndex from, HostIndex to,
                   const Request<T>& request, Duration extra) {
  const auto delay = transit(from, to);
  if (!delay) return;
  world_.after(*delay + extra,
               [this, exchange, from, to, request] { arrive<T>(exchange, from, to, request); });
}

template <class T>
void Network::arrive(const Pending<T>& exchange, HostIndex from, HostIndex to,
                     const Request<T>& request) {
  Host& target = host(to);
  world_.note("request", from, to);
  if (target.life != nullptr && !target.life->is_over()) {
    spawn(target.life->executor(), target.life->serving(),
          serve<T>(exchange, target.life, from, to, request), "request");
  } else if (target.refuses) {
    reply<T>(exchange, from, to, Error(Code::closed, "Nobody listens there."));
  }
}

template <class T>
Task<void> Network::serve(Pending<T> exchange, Life* life, HostIndex from, HostIndex to,
                          Request<T> request) {
  // Half of the processes that die take their connections with them at once.
  const std::uint64_t reset = life->at_end([this, exchange, from, to] {
    if (!world_.rand().chance(0.5)) return;
    Error lost(Code::closed, "The connection was reset.");
    lost.mark_maybe_happened();
    reply<T>(exchange, from, to, lost);
  });
  Task<Result<T>> task = request(host(to).services, *life);
  request = nullptr;
  Result<T> answer = co_await std::move(task);
  life->drop_at_end(reset);
  if (life->is_over()) co_return;
  world_.note("answer", to,
              answer.has_error() ? static_cast<std::uint64_t>(answer.error().code()) : 0);
  reply<T>(exchange, from, to, std::move(answer));
}

template <class T>
void Network::reply(const Pending<T>& exchange, HostIndex from, HostIndex to, Result<T> answer) {
  const auto delay = transit(to, from);
  if (!delay) return;
  auto kept = std::make_shared<Result<T>>(std::move(answer));
  world_.after(*delay, [exchange, kept] {
    if (exchange->answer) return;
    exchange->answer.emplace(std::move(*kept));
    exchange->wait->settle(true);
  });
}

}  // namespace mas::sim
