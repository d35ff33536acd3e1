// How a pod reaches the others and the metadata store: the seams of mas over the simulated network.
// The other side is PeerPort, which lets in whom the real peer port does.
#pragma once

#include "mas/membership/prober.h"
#include "mas/peer/http.h"
#include "mas/peer/transport.h"
#include "sim/network.h"
#include "support/meta_calls.h"

namespace mas::sim {

// Who calls, or is called.
struct PodId {
  std::string slot;
  Id128 incarnation;
  friend bool operator==(const PodId&, const PodId&) = default;
};

// What stands in the head of a request.
struct Envelope {
  PodId from;
  PodId to;
};

class PeerPort;
template <class T>
using PeerCall = std::function<Task<Result<T>>(PeerPort&)>;

// A pod's answers to the others: src/peer/gatekeeper.cc and handler_calls.cc without HTTP.
class PeerPort {
 public:
  // `own`: this pod's store as member 0. `prober`: for those who ask through this pod.
  PeerPort(PodId self, const membership::ViewBoard& board, peer::PeerTransport& own,
           membership::Prober& prober)
      : self_(std::move(self)), board_(board), own_(own), prober_(prober) {}

  Task<Result<void>> put(Envelope envelope, std::uint64_t layout_version, RecordKey key,
                         std::vector<Slice> pieces);
  Task<Result<Slice>> read(Envelope envelope, RecordKey key, std::uint64_t offset,
                           std::uint32_t length);
  Task<Result<std::vector<bool>>> have(Envelope envelope, std::vector<RecordKey> keys);
  Task<Result<void>> quarantine(Envelope envelope, RecordKey key);
  Task<Result<peer::CarriedPage>> carried(Envelope envelope, std::optional<RecordKey> after);
  Task<Result<layout::Layout>> layout(Envelope envelope);
  Task<Result<membership::Identity>> ping();
  Task<Result<membership::Identity>> probe(PodId from, std::string target, Duration timeout);

 private:
  [[nodiscard]] Result<void> admit(const Envelope& envelope) const;
  [[nodiscard]] bool is_known(const PodId& pod) const;

  const PodId self_;
  const membership::ViewBoard& board_;
  peer::PeerTransport& own_;
  membership::Prober& prober_;
};

// PeerTransport of the pod on host `self`; its own store is asked without the network, as the
// design has it.
class PeerLink final : public peer::PeerTransport {
 public:
  struct Place {
    Network& network;
    Life& life;
    HostIndex host;
    PodId self;
  };
  // `own`: the pod's store as member 0.
  PeerLink(Place place, const membership::ViewBoard& board, peer::PeerTransport& own)
      : place_(std::move(place)), resolve_(peer::resolver_of(board)), own_(own) {}

  Task<Result<void>> put(layout::MemberIndex member, std::uint64_t layout_version, RecordKey key,
                         std::vector<Slice> pieces) override;
  Task<Result<Slice>> read(layout::MemberIndex member, RecordKey key, std::uint64_t offset,
                           std::uint32_t length) override;
  Task<Result<std::vector<bool>>> have(layout::MemberIndex member,
                                       std::vector<RecordKey> keys) override;
  Task<Result<void>> quarantine(layout::MemberIndex member, RecordKey key) override;
  Task<Result<peer::CarriedPage>> carried(layout::MemberIndex member,
                                          std::optional<RecordKey> after) override;
  // The layout that another member goes by.
  Task<Result<layout::Layout>> layout_of(layout::MemberIndex member);

 private:
  struct Target {
    HostIndex host;
    bool is_self;
    Envelope envelope;
  };
  [[nodiscard]] Result<Target> find(layout::MemberIndex member) const;
  template <class T>
  Task<Result<T>> ask(HostIndex host, PeerCall<T> what);

  const Place place_;
  const peer::Resolver resolve_;
  peer::PeerTransport& own_;
};

// Asks the pod at an address, or has another one ask it.
class ProbeLink final : public membership::Prober {
 public:
  explicit ProbeLink(PeerLink::Place place) : place_(std::move(place)) {}
  Task<Result<membership::Identity>> ping(std::string address, Duration timeout) override;
  Task<Result<membership::Identity>> ping_through(std::string via, std::string target,
                                                  Duration timeout) override;

 private:
  Task<Result<membership::Identity>> ask(std::string address, Duration timeout,
                                         PeerCall<membership::Identity> what);

  const PeerLink::Place place_;
};

// MetaStore from host `self`: `server`, which runs on host `to`, behind the network.
class MetaLink final : public test::MetaCalls<MetaLink> {
 public:
  MetaLink(Network& network, Life& life, HostIndex self, HostIndex to, meta::MetaStore& server)
      : MetaCalls(server), network_(network), life_(life), self_(self), to_(to) {}

  template <class T>
  Task<Result<T>> run(Task<Result<T>> call);

 private:
  Network& network_;
  Life& life_;
  const HostIndex self_;
  const HostIndex to_;
};

template <class T>
Task<Result<T>> MetaLink::run(Task<Result<T>> call) {
  // Begun on the server, if it ever gets there.
  auto kept = std::make_shared<Task<Result<T>>>(std::move(call));
  Request<T> request = [kept](Services&, Life&) { return std::move(*kept); };
  kept.reset();
  Result<T> answer =
      co_await network_.call<T>(life_, self_, to_, std::chrono::seconds(5), std::move(request));
  if (answer.has_value()) co_return answer;
  const Code code = answer.error().code();
  if (code != Code::closed && code != Code::timeout) co_return answer;
  Error error(Code::metadata_unavailable, answer.error().message());
  if (answer.error().maybe_happened()) error.mark_maybe_happened();
  co_return error;
}

}  // namespace mas::sim
