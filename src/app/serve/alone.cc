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

// Of a pod whose metadata is about what another data directory holds. What it says would be taken
// for lost here.
membership::ClusterView view_elsewhere(const layout::Member& stored, layout::Member self,
                                       Rng& rng) {
  const std::string slot = self.slot;
  membership::ClusterView view = view_of(layout::found(rng.id(), {std::move(self)}));
  view.confirmed = false;
  view.distrusted = true;
  view.halted_why =
      "The metadata is about files in another data directory (" + stored.incarnation.hex() +
      "), of which nobody has a second copy, and this one does not hold them. Nothing is read, "
      "stored or removed: bring that data directory back, or give its data up with "
      "`mas cluster give-up " +
      slot + "`.";
  return view;
}

// Whether anything depends on what a data directory holds.
Task<Result<bool>> knows_content(meta::MetaStore& meta) {
  meta::ListQuery query;
  query.limit = 1;
  MAS_CO_TRY(meta::ObjectPage page, co_await meta.list(query));
  if (!page.objects.empty()) co_return true;
  MAS_CO_TRY(std::vector<meta::Upload> uploads, co_await meta.uploads(std::nullopt, 1));
  co_return !uploads.empty();
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
                                                 Rng& rng, bool given_up) {
  MAS_CO_TRY(auto stored, co_await meta.current_layout());
  if (stored && stored->members.size() > 1) {
    co_return Error(Code::refused,
                    "The metadata belongs to a cluster of several pods; this one is set up alone.");
  }
  if (stored && stored->members.front() == self) co_return view_of(std::move(*stored));
  const bool same = !stored || stored->members.front().incarnation == self.incarnation;
  if (!same && !given_up) {
    MAS_CO_TRY(const bool needed, co_await knows_content(meta));
    if (needed) co_return view_elsewhere(stored->members.front(), std::move(self), rng);
  }
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
