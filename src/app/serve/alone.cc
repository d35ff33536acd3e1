#include "app/serve/alone.h"

#include "app/version.h"
#include "mas/observe/log.h"

namespace mas::app {
namespace {

membership::ClusterView view_of(layout::Layout layout) {
  membership::Pod pod;
  pod.self = true;
  pod.last.slot = layout.members.front().slot;
  pod.last.incarnation = layout.members.front().incarnation;
  pod.last.layout_version = layout.version;
  membership::ClusterView view;
  view.layout = std::move(layout);
  view.confirmed = true;
  view.pods.push_back(std::move(pod));
  return view;
}

void take_heartbeat(membership::ViewBoard& board, const membership::Heartbeat& beat) {
  membership::ClusterView next = *board.current();
  for (membership::Pod& pod : next.pods) {
    if (pod.last.slot == beat.slot) pod.last = beat;
  }
  board.publish(std::move(next));
}

}  // namespace

membership::ClusterView view_without_metadata(layout::Member self, Rng& rng) {
  membership::ClusterView view = view_of(layout::found(rng.id(), {std::move(self)}));
  view.confirmed = false;
  view.distrusted = true;
  view.halted_why =
      "The metadata is empty, but this pod holds stored files. Nothing is read, stored or removed "
      "until then: restore it from a backup, or run `mas rebuild-metadata`.";
  return view;
}

Task<Result<membership::ClusterView>> view_alone(meta::MetaStore& meta, layout::Member self,
                                                 Rng& rng) {
  MAS_CO_TRY(auto stored, co_await meta.current_layout());
  if (stored && stored->members.size() > 1) {
    co_return Error(Code::refused,
                    "The metadata belongs to a cluster of several pods; this one is set up alone.");
  }
  if (stored && stored->members.front() == self) co_return view_of(std::move(*stored));
  std::uint64_t expected = stored ? stored->version : 0;
  layout::Layout next = layout::found(stored ? stored->cluster : rng.id(), {self});
  next.version = expected + 1;
  MAS_CO_CHECK(co_await meta.propose_layout(expected, next));
  log::info("layout.proposed",
            {{"version", next.version}, {"cluster", next.cluster.hex()}, {"pod", self.slot}});
  co_return view_of(std::move(next));
}

Task<Result<void>> announce(membership::HeartbeatBus& bus, membership::ViewBoard& board,
                            std::string api_address) {
  auto listener = [&board](const membership::Heartbeat& beat) { take_heartbeat(board, beat); };
  bus.listen(listener);
  membership::Heartbeat beat = board.current()->pods.front().last;
  beat.api_address = std::move(api_address);
  beat.state = membership::PodState::active;
  beat.software = "mas " + std::string(version());
  beat.sequence = 1;
  co_return co_await bus.publish(std::move(beat));
}

}  // namespace mas::app
