// How a pod reaches the others and the metadata store: the seams of mas over the simulated network.
#pragma once

#include "sim/network.h"
#include "support/meta_calls.h"

namespace mas::sim {

// PeerTransport from host `self`. Members of the layout are the hosts of the same numbers; its own
// store is asked without the network, as the design has it.
class PeerLink final : public peer::PeerTransport {
 public:
  PeerLink(Network& network, Life& life, HostIndex self, peer::PeerTransport& own)
      : network_(network), life_(life), self_(self), own_(own) {}

  Task<Result<void>> put(layout::MemberIndex member, std::uint64_t layout_version, RecordKey key,
                         std::vector<Slice> pieces) override;
  Task<Result<Slice>> read(layout::MemberIndex member, RecordKey key, std::uint64_t offset,
                           std::uint32_t length) override;
  Task<Result<std::vector<bool>>> have(layout::MemberIndex member,
                                       std::vector<RecordKey> keys) override;
  Task<Result<void>> quarantine(layout::MemberIndex member, RecordKey key) override;
  Task<Result<peer::CarriedPage>> carried(layout::MemberIndex member,
                                          std::optional<RecordKey> after) override;

 private:
  Network& network_;
  Life& life_;
  const HostIndex self_;
  peer::PeerTransport& own_;
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
