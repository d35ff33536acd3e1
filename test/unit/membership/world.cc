#include "world.h"

namespace mas::membership::test {

CutBus::CutBus(World& world, int number)
    : world_(world), number_(number), inner_(join_hub(world.hub)) {}

Task<Result<void>> CutBus::publish(Heartbeat beat) {
  if (!world_.broker_up) co_return Error(Code::broker_unavailable, "The broker is down.");
  if (world_.broker_swallows) co_return Result<void>();
  if (world_.older.contains(number_)) beat.settling.reset();
  co_return co_await inner_->publish(std::move(beat));
}

void CutBus::listen(Listener listener) {
  auto filtered = [this, listener = std::move(listener)](const Heartbeat& beat) {
    if (world_.hears(world_.at_address(beat.peer_address), number_)) listener(beat);
  };
  inner_->listen(std::move(filtered));
}

bool CutBus::connected() const { return world_.broker_up; }

Task<Result<Identity>> CutProber::ping(std::string address, Duration) {
  co_return world_.answer(number_, address);
}

Task<Result<Identity>> CutProber::ping_through(std::string via, std::string target, Duration) {
  Result<Identity> helper = world_.answer(number_, via);
  if (helper.has_error()) co_return helper.error();
  co_return world_.answer(world_.at_address(via), target);
}

PodOfWorld::PodOfWorld(World& world, int at, std::string name, Id128 id)
    : number(at),
      slot(std::move(name)),
      incarnation(id),
      address("10.0.0." + std::to_string(at) + ":7081"),
      disk(fs::make_fault_fs(static_cast<std::uint64_t>(at))),
      prober(world, at),
      answers(world.clock) {
  must(disk->make_directories("/data/cluster"));
}

World::~World() {
  for (auto& [number, pod] : pods_) {
    if (pod->membership) kill(number);
  }
  bool done = false;
  auto close = [](Gate& gate, bool& out) -> Task<void> {
    co_await gate.close();
    out = true;
  };
  Gate own;
  spawn(io.get_executor(), own, close(gate_, done), "close");
  drain();
}

void World::start(int number) { must(try_start(number)); }

Result<void> World::try_start(int number) {
  auto at = pods_.find(number);
  if (at == pods_.end()) {
    make(number, slot(number), id(number));
    at = pods_.find(number);
  }
  PodOfWorld& pod = *at->second;
  pod.bus = std::make_unique<CutBus>(*this, number);
  pod.meta = std::make_unique<FailingMeta>(*meta, pod.faults);
  pod.board = std::make_unique<ViewBoard>(ClusterView{});
  Self self;
  self.slot = pod.slot;
  self.incarnation = pod.incarnation;
  self.api_address = pod.address;
  self.peer_address = pod.address;
  self.room = [] { return Room{10 * kGiB, kGiB}; };
  Dependencies deps{*pod.bus, *pod.meta, pod.prober, pod.answers, *pod.board,     *pod.disk,
                    pool,     clock,     *rng,       pod.metrics, "/data/cluster"};
  WithLeavers made =
      make_membership_with_leavers(options, std::move(self), std::move(deps), &pod.answers);
  pod.membership = std::move(made.membership);
  pod.leavers = made.leavers;
  Result<void> started = call(pod.membership->start(io.get_executor()));
  pod.running = started.has_value();
  if (started.has_error()) pod.membership.reset();
  return started;
}

void World::make(int number, std::string slot, Id128 incarnation) {
  pods_[number] = std::make_unique<PodOfWorld>(*this, number, std::move(slot), incarnation);
  pods_[number]->answers.walked = walked_;
  pods_[number]->answers.without = without_;
}

void World::copy(int number, int from, std::string slot) {
  make(number, std::move(slot), pod(from).incarnation);
  pod(number).disk = pod(from).disk->after_restart();
}

void World::kill(int number) {
  PodOfWorld& dead = pod(number);
  dead.running = false;
  auto close = [](Membership& membership) -> Task<bool> {
    co_await membership.close();
    co_return true;
  };
  call(close(*dead.membership));
  dead.membership.reset();
  dead.bus.reset();
}

void World::wipe(int number, Id128 incarnation) {
  PodOfWorld& pod = this->pod(number);
  pod.disk = fs::make_fault_fs(99);
  must(pod.disk->make_directories("/data/cluster"));
  pod.incarnation = incarnation;
}

void World::run(Duration duration) {
  for (Duration spent{}; spent < duration; spent += kStep) {
    clock.advance(kStep);
    drain();
  }
}

void World::set_walked(bool walked) {
  walked_ = walked;
  for (auto& [number, pod] : pods_) pod->answers.walked = walked;
}

void World::set_without(Look look) {
  without_ = look;
  for (auto& [number, pod] : pods_) pod->answers.without = look;
}

void World::grow_to(int count) {
  for (int i = 0; i < count; ++i) start(i);
  auto grown = [&] {
    auto found = must(call(meta->current_layout()));
    return found && found->active_count() == static_cast<std::size_t>(count) &&
           found->is_settled() && all_at(found->version);
  };
  REQUIRE(run_until(grown, minutes(5)));
}

Liveness World::sees(int by, int of) {
  PodKey wanted{pod(of).slot, pod(of).incarnation};
  auto shown = view(by);
  for (const Pod& pod : shown->pods) {
    if (PodKey{pod.last.slot, pod.last.incarnation} == wanted) {
      CHECK(pod.alive == (pod.liveness != Liveness::down));
      return pod.liveness;
    }
  }
  FAIL("pod " << by << " has never heard of pod " << of);
  return Liveness::down;
}

bool World::all_at(std::uint64_t version) {
  for (auto& [number, pod] : pods_) {
    if (pod->running && view(number)->layout.version != version) return false;
  }
  return true;
}

double World::proposals(int number, const std::string& outcome) {
  return pod(number)
      .metrics.counter("mas_layout_proposals_total", "", {{"outcome", outcome}})
      .value();
}

void World::cut_all(int alone) {
  for (auto& [number, pod] : pods_) {
    if (number == alone) continue;
    cut_beats(alone, number);
    cut_beats(number, alone);
    cut_probes(alone, number);
    cut_probes(number, alone);
  }
}

void World::heal() {
  cut_beats_.clear();
  cut_probes_.clear();
}

Result<Identity> World::answer(int asker, const std::string& address) {
  int number = at_address(address);
  auto at = pods_.find(number);
  bool there =
      at != pods_.end() && at->second->running && reaches(asker, number) && reaches(number, asker);
  if (!there) return Error(Code::timeout, "No answer.");
  return Identity{at->second->board->current()->layout.cluster, at->second->slot,
                  at->second->incarnation};
}

int World::at_address(const std::string& address) const {
  for (const auto& [number, pod] : pods_) {
    if (pod->address == address) return number;
  }
  return -1;
}

void World::start_task(Task<void> task) {
  spawn(io.get_executor(), gate_, std::move(task), "world");
  drain();
}

void World::drain() {
  io.restart();
  while (io.poll() > 0) {
  }
}

}  // namespace mas::membership::test
