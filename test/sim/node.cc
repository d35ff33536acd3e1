#include "sim/node.h"

#include <algorithm>

#include "app/serve/layout_search.h"
#include "mas/core/bytes.h"
#include "sim/bus.h"
#include "sim/disk.h"

namespace mas::sim {
namespace {

// What a pod says of its room changes with every write, and each change is a new view for all
// others: here it is told roughly.
constexpr std::uint64_t kRoomStep = 16 * kMiB;

membership::ClusterView empty_view() {
  membership::ClusterView view;
  view.self = layout::kNobody;
  return view;
}

}  // namespace

Node::Node(const NodeDependencies& deps)
    : deps_(deps),
      self_{deps.slot, deps.store.incarnation()},
      board_(empty_view()),
      link_(std::make_unique<PeerLink>(place(), board_, deps.own)),
      transport_(plant_in_client(deps.bug, std::make_unique<PeerLink>(place(), board_, deps.own))),
      refreshing_(app::make_refreshing_transport(*transport_, deps.life.executor())),
      prober_(place()),
      port_(self_, board_, deps.own, prober_) {}

PeerLink::Place Node::place() const { return {deps_.network, deps_.life, deps_.host, self_}; }

membership::Self Node::who() const {
  membership::Self self;
  self.slot = self_.slot;
  self.incarnation = self_.incarnation;
  self.api_address = address_of(deps_.host);
  self.peer_address = address_of(deps_.host);
  self.software = "mas sim";
  self.room = [this] {
    const store::Usage usage = deps_.store.usage();
    return membership::Room{round_up(usage.capacity, kRoomStep), round_up(usage.live, kRoomStep)};
  };
  self.profile = layout::profile_for;
  if (const auto fixed = Profile::parse(deps_.erasure)) {
    self.profile = [profile = *fixed](std::size_t) { return profile; };
  }
  if (deps_.bug == Bug::leavers_let_go) {
    // A lone pod, too: it takes its own place over as if there were another copy.
    self.profile = [inner = self.profile](std::size_t members) {
      Profile profile = inner(members);
      profile.m = std::max<std::uint8_t>(profile.m, 1);
      return profile;
    };
  }
  return self;
}

Task<Result<void>> Node::start(object::Objects& objects, maintain::Scheduler& workers) {
  deps_.network.host(deps_.host).services.peers = &port_;
  walk_ = maintain::make_settle_walk(
      {deps_.meta, objects.upkeep(), board_, deps_.clock, deps_.life.executor()});
  look_ = maintain::make_leavers_look(
      {deps_.meta, objects.upkeep(), board_, deps_.clock, deps_.life.executor(), *refreshing_});
  duties_ = plant(deps_.bug, app::make_layout_duties(objects, *walk_, board_));
  bus_ = make_bus(deps_.network, deps_.life, deps_.host, deps_.broker);
  membership::Dependencies parts{*bus_,
                                 deps_.meta,
                                 prober_,
                                 *duties_,
                                 board_,
                                 deps_.fs,
                                 deps_.disk,
                                 deps_.clock,
                                 deps_.rng,
                                 deps_.metrics,
                                 kDataDirectory + "/cluster"};
  membership::WithLeavers made =
      membership::make_membership_with_leavers(deps_.options, who(), parts, look_.get());
  membership_ = std::move(made.membership);
  leavers_ = made.leavers;
  refreshing_->refresh_with(membership_.get());
  watch_.watch_with(membership_.get());
  MAS_CO_CHECK(co_await membership_->start(deps_.life.executor()));
  (void)spawn(deps_.life.executor(), gate_, begin_work(workers), "begin work");
  co_return Result<void>();
}

Task<Result<void>> Node::find_newest_layout() {
  app::LayoutOf ask = [this](layout::MemberIndex member) { return link_->layout_of(member); };
  auto finding = app::find_newer_layout(board_, std::move(ask));
  MAS_CO_TRY(std::optional<layout::Layout> newest, co_await std::move(finding));
  if (!newest) co_return Result<void>();
  co_return co_await membership_->take_over(*std::move(newest));
}

// What is wrong shows on the board.
Task<void> Node::look_again() { (void)co_await membership_->refresh(); }

Task<Result<std::uint64_t>> Node::give_up(std::string slot) {
  if (leavers_ != nullptr) co_return co_await leavers_->give_up(std::move(slot));
  co_return Error(Code::busy, "The pod is starting.");
}

Task<void> Node::begin_work(maintain::Scheduler& workers) {
  const bool member = co_await app::becomes_member(board_);
  if (!member) co_return;
  workers.start(deps_.life.executor());
  is_working_ = true;
}

Task<void> Node::stop() {
  co_await refreshing_->close();
  board_.close();
  co_await gate_.close();
  if (walk_) co_await walk_->close();
  if (look_) co_await look_->close();
  if (membership_) co_await membership_->close();
  // After the end of a life the host is another process's.
  if (!deps_.life.is_over()) deps_.network.host(deps_.host).services = {};
}

}  // namespace mas::sim
