// The loops that keep a pod's picture of its cluster up to date: beating, watching, keeping the
// layout. Each waits only for its own partner (bus, peers, metadata store), so that one that hangs
// does not stop the others.
#include <algorithm>

#include "mas/membership/leavers.h"
#include "mas/membership/membership.h"
#include "mas/observe/log.h"
#include "mas/runtime/contain.h"
#include "membership/clock_watch.h"
#include "membership/freeze.h"
#include "membership/inbox.h"
#include "membership/layout_keeper.h"
#include "membership/probe_round.h"
#include "membership/pulse.h"
#include "membership/state.h"

namespace mas::membership {
namespace {

constexpr Duration kProbeTimeout = std::chrono::seconds(2);
constexpr std::size_t kProbesAtOnce = 32;

struct Gauges {
  explicit Gauges(observe::Metrics& metrics)
      : frozen(metrics.gauge("mas_cluster_frozen",
                             "1 while nothing is moved or removed, because the broker is out of "
                             "reach or too many pods vanished together.")),
        halted(metrics.gauge("mas_cluster_halted",
                             "1 while this pod must not collect, publish or join.")),
        blind(metrics.gauge("mas_cluster_broker_lost", "1 while heartbeats do not come through.")),
        version(metrics.gauge("mas_layout_version", "Version of the layout this pod goes by.")),
        settled(metrics.gauge("mas_layout_settled", "1 while no row of the layout changes.")),
        alive(metrics.gauge("mas_cluster_pods", "Pods by liveness.", {{"liveness", "alive"}})),
        suspect(metrics.gauge("mas_cluster_pods", "Pods by liveness.", {{"liveness", "suspect"}})),
        down(metrics.gauge("mas_cluster_pods", "Pods by liveness.", {{"liveness", "down"}})),
        strange(metrics.counter("mas_heartbeats_ignored_total",
                                "Messages from the broker that are not taken for heartbeats.",
                                {{"reason", "other_cluster"}})) {}

  void show(const ClusterView& view, bool is_blind) {
    frozen.set(view.frozen() ? 1 : 0);
    halted.set(view.halted() ? 1 : 0);
    blind.set(is_blind ? 1 : 0);
    version.set(static_cast<double>(view.layout.version));
    settled.set(view.layout.is_settled() ? 1 : 0);
    auto count = [&](Liveness liveness) {
      auto is = [liveness](const Pod& pod) { return pod.liveness == liveness; };
      return static_cast<double>(std::count_if(view.pods.begin(), view.pods.end(), is));
    };
    alive.set(count(Liveness::alive));
    suspect.set(count(Liveness::suspect));
    down.set(count(Liveness::down));
  }

  observe::Gauge& frozen;
  observe::Gauge& halted;
  observe::Gauge& blind;
  observe::Gauge& version;
  observe::Gauge& settled;
  observe::Gauge& alive;
  observe::Gauge& suspect;
  observe::Gauge& down;
  observe::Counter& strange;
};

// What nobody can have recorded earlier: no two processes of a pod begin in the same microsecond.
Id128 boot_of(const Self& self, WallTime now) {
  Id128 boot = self.boot;
  if (!boot.is_zero()) return boot;
  boot = self.incarnation;
  for (std::size_t i = 0; i < 8; ++i) {
    boot.bytes[i] = static_cast<std::uint8_t>(boot.bytes[i] ^ (now.unix_micros >> (8 * i)));
  }
  return boot;
}

class Service final : public Membership, public Leavers {
 public:
  Service(const config::Cluster& options, Self self, Dependencies deps, LeaversLook* look)
      : deps_(std::move(deps)),
        state_(options, std::move(self)),
        pulse_(state_.self.peer_address, 0, boot_of(state_.self, deps_.clock.wall())),
        keeper_(state_, deps_, look, [this] { changed(); }),
        gauges_(deps_.metrics),
        clocks_(deps_.prober, deps_.clock, deps_.metrics),
        started_(deps_.clock.now()) {}

  Task<Result<void>> start(Executor executor) override;
  Task<Result<void>> refresh() override;
  Task<Result<void>> take_over(layout::Layout layout) override;
  Task<Result<std::uint64_t>> give_up(std::string slot) override;
  std::uint64_t highest_generation() const override { return state_.generation.load(); }
  void note_generation(std::uint64_t generation) override { raise(state_.generation, generation); }
  void doubt_metadata(std::uint64_t known) override {
    state_.doubted_at = known;
    state_.doubted = true;
  }
  bool doubts_metadata() const override { return state_.doubted; }
  Task<void> close() override;

 private:
  Task<void> beat_loop();
  Task<void> watch_loop();
  Task<void> keep_loop();
  Task<void> beat();
  void hear();
  [[nodiscard]] bool is_of_other_cluster(const Heartbeat& beat) const;
  void look();
  void tell_frozen(Instant now);
  void start_probes();
  void watch_clocks();
  Task<void> probe_one(PodKey pod);
  void changed();

  Dependencies deps_;
  State state_;
  Pulse pulse_;
  LayoutKeeper keeper_;
  Gauges gauges_;
  ClockWatch clocks_;
  Instant started_;
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  Executor executor_;
  std::unique_ptr<Timer> beat_timer_;
  std::unique_ptr<Timer> watch_timer_;
  std::unique_ptr<Timer> keep_timer_;
  std::size_t probes_ = 0;
  std::uint64_t shown_revision_ = 0;
  bool was_thawed_ = false;   // ever
  bool told_frozen_ = false;  // what the log said last
  std::string told_why_;      // the same, of why this pod is refused
  bool stopping_ = false;
  Gate gate_;
};

Task<Result<void>> Service::start(Executor executor) {
  executor_ = executor;
  MAS_CO_CHECK(co_await keeper_.load());
  pulse_ = Pulse(state_.self.peer_address, state_.sequence, pulse_.boot());
  beat_timer_ = deps_.clock.make_timer(executor);
  watch_timer_ = deps_.clock.make_timer(executor);
  keep_timer_ = deps_.clock.make_timer(executor);
  look();
  changed();
  auto listener = [inbox = inbox_, clock = &deps_.clock](const Heartbeat& heard) {
    inbox->put(heard, clock->now());
  };
  deps_.bus.listen(std::move(listener));
  spawn(executor_, gate_, beat_loop(), "membership beats");
  spawn(executor_, gate_, watch_loop(), "membership watch");
  spawn(executor_, gate_, keep_loop(), "membership layout");
  co_return Result<void>();
}

Task<Result<void>> Service::refresh() {
  auto pass = gate_.try_enter();
  if (!pass) co_return Error(Code::closed, "The pod is stopping.");
  co_return co_await keeper_.read();
}

Task<Result<void>> Service::take_over(layout::Layout layout) {
  auto pass = gate_.try_enter();
  if (!pass) co_return Error(Code::closed, "The pod is stopping.");
  co_return co_await keeper_.take_over(std::move(layout));
}

Task<Result<std::uint64_t>> Service::give_up(std::string slot) {
  auto pass = gate_.try_enter();
  if (!pass) co_return Error(Code::closed, "The pod is stopping.");
  co_return co_await keeper_.give_up(std::move(slot));
}

Task<void> Service::close() {
  stopping_ = true;
  for (Timer* timer : {beat_timer_.get(), watch_timer_.get(), keep_timer_.get()}) {
    if (timer != nullptr) timer->cancel();
  }
  auto nobody = [](const Heartbeat&) {};
  deps_.bus.listen(std::move(nobody));
  co_await gate_.close();
  deps_.board.close();
}

Task<void> Service::beat_loop() {
  while (!stopping_) {
    auto beating = contain(beat(), "membership beat");
    (void)co_await std::move(beating);
    if (!stopping_) co_await beat_timer_->wait(state_.options.heartbeat);
  }
}

Task<void> Service::watch_loop() {
  while (!stopping_) {
    hear();
    look();
    start_probes();
    watch_clocks();
    if (shown_revision_ != state_.pods.revision()) changed();
    if (!stopping_) co_await watch_timer_->wait(state_.options.heartbeat / 2);
  }
}

Task<void> Service::keep_loop() {
  while (!stopping_) {
    auto keeping = contain(keeper_.tick(), "membership layout");
    (void)co_await std::move(keeping);
    if (!stopping_) co_await keep_timer_->wait(state_.options.heartbeat);
  }
}

Task<void> Service::beat() {
  // Who does not know the layout yet may find that it is not welcome.
  bool knows = state_.confirmed || state_.kept.knows_cluster();
  const bool placed = state_.is_member() || state_.standing.role == Role::returned;
  const bool silent =
      !knows || state_.standing.role == Role::silent || (!placed && !state_.halted_why().empty());
  if (silent) {
    pulse_.rest();
    co_return;
  }
  Heartbeat beat = state_.beat();
  beat.sequence = pulse_.next(deps_.clock.now());
  state_.sequence = beat.sequence + 1;
  beat.boot = pulse_.boot();
  beat.twin = pulse_.twin();
  // A beat that is lost shows in that it does not come back.
  Result<void> sent = co_await deps_.bus.publish(std::move(beat));
  // That the broker has gone is said once, by the bus.
  const bool odd = sent.has_error() && deps_.bus.connected();
  if (odd && log::once_a_minute("heartbeat")) {
    log::warn("heartbeat.lost", {{"error", sent.error()}});
  }
}

void Service::hear() {
  for (const HeardBeat& heard : inbox_->take()) {
    PodKey key{heard.beat.slot, heard.beat.incarnation};
    if (key == state_.key) {
      pulse_.hear(heard.beat, heard.at);
      continue;
    }
    if (is_of_other_cluster(heard.beat)) {
      gauges_.strange.add();
      continue;
    }
    state_.pods.hear(heard.beat, heard.at);
    // Strangers are not believed: one from another cluster could stop this one.
    const PodEntry* entry = state_.pods.find(key);
    if (entry != nullptr && entry->member) raise(state_.generation, heard.beat.generation);
  }
  if (state_.pods.highest_layout() > state_.kept.version()) keep_timer_->cancel();
}

// Two clusters may share a broker, a name and a secret by mistake.
bool Service::is_of_other_cluster(const Heartbeat& beat) const {
  return state_.kept.knows_cluster() && !beat.cluster.is_zero() &&
         beat.cluster != state_.layout().cluster;
}

void Service::look() {
  const Instant now = deps_.clock.now();
  state_.blind = !deps_.bus.connected() || pulse_.unheard(now, state_.options.suspect_after);

  state_.has_elder = pulse_.has_elder();
  Standing standing = state_.judge();
  if (pulse_.has_younger() && log::once_a_minute("twin")) {
    log::error("cluster.twin", {{"why",
                                 "Another pod was started with this pod's data directory or a copy "
                                 "of it; it has to stop."}});
  }
  bool other = standing.role != state_.standing.role || standing.reason != state_.standing.reason ||
               standing.index != state_.standing.index;
  // A layout that was adopted meanwhile may have changed it already.
  const bool told = told_why_ == standing.reason;
  told_why_ = standing.reason;
  if (!told && standing.role == Role::returned) {
    log::warn("cluster.returned", {{"why", standing.reason}});
  } else if (!told && !standing.reason.empty()) {
    log::error("cluster.refused", {{"why", standing.reason}});
  }
  state_.standing = std::move(standing);

  std::string frozen = frozen_reason(state_.layout(), state_.pods, state_.blind, state_.together());
  if (frozen != state_.frozen_why) other = true;
  state_.frozen_why = std::move(frozen);
  tell_frozen(now);
  if (other) changed();
}

// Once when it begins and once when it ends. Every start is frozen until the broker is reached,
// which is worth a line only if it takes long.
void Service::tell_frozen(Instant now) {
  const bool frozen = !state_.frozen_why.empty();
  const bool starting = !was_thawed_ && now - started_ < state_.options.suspect_after;
  was_thawed_ = was_thawed_ || !frozen;
  if (frozen == told_frozen_ || starting) return;
  told_frozen_ = frozen;
  if (told_frozen_) {
    log::warn("cluster.frozen", {{"why", state_.frozen_why}});
  } else {
    log::info("cluster.thawed");
  }
}

void Service::start_probes() {
  const Instant now = deps_.clock.now();
  for (const PodKey& pod : state_.pods.due(now, state_.blind, kProbesAtOnce - probes_)) {
    ++probes_;
    spawn(executor_, gate_, probe_one(pod), "membership probe");
  }
}

void Service::watch_clocks() {
  auto pod = clocks_.due(state_.pods, deps_.clock.now());
  if (!pod) return;
  std::string address = state_.pods.find(*pod)->last.peer_address;
  spawn(executor_, gate_, clocks_.ask(*pod, std::move(address), kProbeTimeout), "clock watch");
}

Task<void> Service::probe_one(PodKey pod) {
  const Instant begun = deps_.clock.now();
  ProbePlan plan = plan_probe(pod, state_.pods, state_.layout().cluster);
  bool answered = co_await probe(deps_.prober, std::move(plan), kProbeTimeout);
  --probes_;
  const PodEntry* before = state_.pods.find(pod);
  bool was_down = before != nullptr && before->liveness == Liveness::down;
  state_.pods.probed(pod, answered, begun, deps_.clock.now(), state_.blind);
  if (!was_down && state_.pods.is_down(pod)) log::warn("pod.down", {{"pod", pod.slot}});
  if (was_down && !state_.pods.is_down(pod)) log::info("pod.back", {{"pod", pod.slot}});
}

void Service::changed() {
  std::uint64_t before = deps_.board.current()->layout.version;
  ClusterView view = state_.view(started_);
  gauges_.show(view, state_.blind);
  shown_revision_ = state_.pods.revision();
  deps_.board.publish(std::move(view));
  // Others hear at once that there is a newer layout.
  if (state_.kept.version() > before && beat_timer_) beat_timer_->cancel();
}

}  // namespace

std::unique_ptr<Membership> make_membership(const config::Cluster& options, Self self,
                                            Dependencies deps) {
  return std::make_unique<Service>(options, std::move(self), std::move(deps), nullptr);
}

WithLeavers make_membership_with_leavers(const config::Cluster& options, Self self,
                                         Dependencies deps, LeaversLook* look) {
  auto service = std::make_unique<Service>(options, std::move(self), std::move(deps), look);
  Leavers* leavers = service.get();
  return {std::move(service), leavers};
}

}  // namespace mas::membership
