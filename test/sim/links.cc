#include "sim/links.h"

#include <algorithm>

#include "mas/membership/leavers.h"

namespace mas::sim {
namespace {

using membership::Identity;

constexpr Duration kPatience = std::chrono::seconds(10);

template <class T>
Task<Result<T>> refuse(Code code, std::string sentence) {
  co_return Error(code, std::move(sentence));
}

// `what` asks the pod's peer port, if it has one open.
template <class T>
Request<T> to_peers(PeerCall<T> what) {
  return [what = std::move(what)](Services& services, Life&) {
    return services.peers == nullptr ? refuse<T>(Code::closed, "The peer port is not open.")
                                     : what(*services.peers);
  };
}

// As app::ServedStore: who has left gives out shards and nothing else.
Result<void> may_go_beyond_shards(const membership::ViewBoard& board) {
  if (!membership::has_returned(*board.current())) return {};
  return Error(Code::refused, "This pod has left the layout and only gives out shards.");
}

}  // namespace

// ---- PeerPort ----

bool PeerPort::is_known(const PodId& pod) const {
  const auto view = board_.current();
  const auto& members = view->layout.members;
  return std::any_of(members.begin(), members.end(), [&](const layout::Member& member) {
    return member.slot == pod.slot && member.incarnation == pod.incarnation;
  });
}

Result<void> PeerPort::admit(const Envelope& envelope) const {
  if (envelope.to != self_) return Error(Code::refused, "This is not the pod this was meant for.");
  if (is_known(envelope.from)) return {};
  return Error(Code::refused, "The layout does not name these data of " + envelope.from.slot + ".");
}

Task<Result<void>> PeerPort::put(Envelope envelope, std::uint64_t layout_version, RecordKey key,
                                 std::vector<Slice> pieces) {
  MAS_CO_CHECK(admit(envelope));
  MAS_CO_CHECK(may_go_beyond_shards(board_));
  if (layout_version < board_.current()->layout.version) {
    co_return Error(Code::stale_layout, "The layout is at a higher version.");
  }
  co_return co_await own_.put(0, layout_version, key, std::move(pieces));
}

Task<Result<Slice>> PeerPort::read(Envelope envelope, RecordKey key, std::uint64_t offset,
                                   std::uint32_t length) {
  MAS_CO_CHECK(admit(envelope));
  if (key.kind != RecordKind::shard) MAS_CO_CHECK(may_go_beyond_shards(board_));
  co_return co_await own_.read(0, key, offset, length);
}

Task<Result<std::vector<bool>>> PeerPort::have(Envelope envelope, std::vector<RecordKey> keys) {
  MAS_CO_CHECK(admit(envelope));
  MAS_CO_TRY(std::vector<bool> held, co_await own_.have(0, keys));
  const bool returned = membership::has_returned(*board_.current());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (returned && keys[i].kind != RecordKind::shard) held[i] = false;
  }
  co_return held;
}

Task<Result<void>> PeerPort::quarantine(Envelope envelope, RecordKey key) {
  MAS_CO_CHECK(admit(envelope));
  MAS_CO_CHECK(may_go_beyond_shards(board_));
  co_return co_await own_.quarantine(0, key);
}

Task<Result<peer::CarriedPage>> PeerPort::carried(Envelope envelope,
                                                  std::optional<RecordKey> after) {
  MAS_CO_CHECK(admit(envelope));
  MAS_CO_CHECK(may_go_beyond_shards(board_));
  co_return co_await own_.carried(0, after);
}

Task<Result<layout::Layout>> PeerPort::layout(Envelope envelope) {
  MAS_CO_CHECK(admit(envelope));
  layout::Layout layout = board_.current()->layout;
  if (layout.rows.empty()) co_return Error(Code::not_found, "This pod knows no layout.");
  co_return layout;
}

Task<Result<Identity>> PeerPort::ping() {
  co_return Identity{board_.current()->layout.cluster, self_.slot, self_.incarnation};
}

Task<Result<Identity>> PeerPort::probe(PodId from, std::string target, Duration timeout) {
  if (!is_known(from)) co_return Error(Code::refused, "The layout does not name this pod.");
  co_return co_await prober_.ping(std::move(target), timeout);
}

// ---- PeerLink ----

Result<PeerLink::Target> PeerLink::find(layout::MemberIndex member) const {
  const auto address = resolve_(member);
  const Error away(Code::closed, "The pod cannot be reached.");
  if (!address) return away;
  PodId to{address->slot, address->incarnation};
  if (to == place_.self) return Target{place_.host, true, {}};
  const auto host = host_at(address->address);
  if (!host) return away;
  return Target{*host, false, {place_.self, std::move(to)}};
}

template <class T>
Task<Result<T>> PeerLink::ask(HostIndex host, PeerCall<T> what) {
  Request<T> request = to_peers<T>(std::move(what));
  co_return co_await place_.network.call<T>(place_.life, place_.host, host, kPatience,
                                            std::move(request), true);
}

Task<Result<void>> PeerLink::put(layout::MemberIndex member, std::uint64_t layout_version,
                                 RecordKey key, std::vector<Slice> pieces) {
  MAS_CO_TRY(const Target to, find(member));
  if (to.is_self) co_return co_await own_.put(0, layout_version, key, std::move(pieces));
  // What is sent is a copy: the sender may use its memory again while this is on its way.
  std::vector<Slice> sent;
  for (const Slice& piece : pieces) sent.push_back(Slice::copy_of(piece.view()));
  pieces.clear();
  PeerCall<void> what = [=](PeerPort& port) {
    return port.put(to.envelope, layout_version, key, sent);
  };
  co_return co_await ask<void>(to.host, std::move(what));
}

Task<Result<Slice>> PeerLink::read(layout::MemberIndex member, RecordKey key, std::uint64_t offset,
                                   std::uint32_t length) {
  MAS_CO_TRY(const Target to, find(member));
  if (to.is_self) co_return co_await own_.read(0, key, offset, length);
  PeerCall<Slice> what = [=](PeerPort& port) {
    return port.read(to.envelope, key, offset, length);
  };
  co_return co_await ask<Slice>(to.host, std::move(what));
}

Task<Result<std::vector<bool>>> PeerLink::have(layout::MemberIndex member,
                                               std::vector<RecordKey> keys) {
  MAS_CO_TRY(const Target to, find(member));
  if (to.is_self) co_return co_await own_.have(0, std::move(keys));
  PeerCall<std::vector<bool>> what = [=](PeerPort& port) { return port.have(to.envelope, keys); };
  co_return co_await ask<std::vector<bool>>(to.host, std::move(what));
}

Task<Result<void>> PeerLink::quarantine(layout::MemberIndex member, RecordKey key) {
  MAS_CO_TRY(const Target to, find(member));
  if (to.is_self) co_return co_await own_.quarantine(0, key);
  PeerCall<void> what = [=](PeerPort& port) { return port.quarantine(to.envelope, key); };
  co_return co_await ask<void>(to.host, std::move(what));
}

Task<Result<peer::CarriedPage>> PeerLink::carried(layout::MemberIndex member,
                                                  std::optional<RecordKey> after) {
  MAS_CO_TRY(const Target to, find(member));
  if (to.is_self) co_return co_await own_.carried(0, after);
  PeerCall<peer::CarriedPage> what = [=](PeerPort& port) {
    return port.carried(to.envelope, after);
  };
  co_return co_await ask<peer::CarriedPage>(to.host, std::move(what));
}

Task<Result<layout::Layout>> PeerLink::layout_of(layout::MemberIndex member) {
  MAS_CO_TRY(const Target to, find(member));
  PeerCall<layout::Layout> what = [=](PeerPort& port) { return port.layout(to.envelope); };
  co_return co_await ask<layout::Layout>(to.host, std::move(what));
}

// ---- ProbeLink ----

Task<Result<Identity>> ProbeLink::ask(std::string address, Duration timeout,
                                      PeerCall<Identity> what) {
  const auto host = host_at(address);
  if (!host) co_return Error(Code::closed, "There is no such address.");
  Request<Identity> request = to_peers<Identity>(std::move(what));
  co_return co_await place_.network.call<Identity>(place_.life, place_.host, *host, timeout,
                                                   std::move(request));
}

Task<Result<Identity>> ProbeLink::ping(std::string address, Duration timeout) {
  PeerCall<Identity> what = [](PeerPort& port) { return port.ping(); };
  co_return co_await ask(std::move(address), timeout, std::move(what));
}

Task<Result<Identity>> ProbeLink::ping_through(std::string via, std::string target,
                                               Duration timeout) {
  PeerCall<Identity> what = [from = place_.self, target = std::move(target), timeout](
                                PeerPort& port) { return port.probe(from, target, timeout / 2); };
  co_return co_await ask(std::move(via), timeout, std::move(what));
}

}  // namespace mas::sim
