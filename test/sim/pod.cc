#include "sim/pod.h"

#include <utility>

#include "mas/layout/leavers.h"
#include "mas/maintain/repair.h"
#include "sim/bugs.h"
#include "sim/cluster.h"
#include "sim/links.h"
#include "sim/node.h"

namespace mas::sim {
namespace {

// What mas counts of itself that a batch wants to see happen.
constexpr const char* kCounters[] = {
    "mas_object_degraded_reads_total", "mas_object_shards_bad_total",   "mas_collect_shards_total",
    "mas_segments_compacted_total",    "mas_object_deduplicated_total", "mas_repaired_total",
    "mas_strays_removed_total"};

constexpr std::size_t kQueue = 256;  // of each pool

}  // namespace

struct Pod::Process {
  Process(World& world, const std::string& name, Disk& disk, const Duration& wall_offset)
      : life(world, name),
        clock(life, wall_offset),
        rng(make_seeded_rng(world.rand().next())),
        disk_pool(life, std::chrono::milliseconds(1), kQueue, disk.slowness),
        cpu_pool(life, std::chrono::microseconds(300), kQueue, unhurried),
        driver_pool(life, std::chrono::microseconds(300), kQueue, unhurried) {}

  const double unhurried = 1;
  observe::Metrics metrics;
  Life life;
  LifeClock clock;
  std::unique_ptr<Rng> rng;
  LifePool disk_pool;
  LifePool cpu_pool;
  LifePool driver_pool;
  std::unique_ptr<store::Store> store;
  std::vector<store::Store*> stores;
  std::unique_ptr<peer::PeerTransport> own;
  std::unique_ptr<meta::MetaStore> meta;
  std::unique_ptr<Node> node;
  std::unique_ptr<object::Objects> objects;
  maintain::Ledger redundancy{metrics};
  std::unique_ptr<maintain::RebuildService> rebuild;
  std::unique_ptr<object::Upkeep> planted;
  std::unique_ptr<maintain::Scheduler> workers;
  bool is_stopping = false;
  Gate ending;  // owns what closes the others
};

Pod::Pod(const PodPlace& place, std::size_t index)
    : place_(place),
      index_(index),
      name_("mas-" + std::to_string(index)),
      disk_(place.world, name_, place.bug) {}

Pod::~Pod() {
  if (starting_) place_.world.cancel(*starting_);
  if (process_) bury(Ending::killed);
}

bool Pod::is_up() const { return process_ && process_->node; }

bool Pod::is_stopping() const { return process_ && process_->is_stopping; }

bool Pod::is_serving() const {
  return process_ && process_->node && process_->node->is_working() && !process_->is_stopping;
}
std::string Pod::not_serving_because(std::size_t members) {
  if (!is_up()) return "it is not running";
  if (!is_serving()) return "its workers do not run; " + board().current()->halted_why;
  const auto view = board().current();
  for (std::size_t i = 0; i < view->layout.members.size(); ++i) {
    const layout::Member& member = view->layout.members[i];
    const auto* other = view->pod_of(static_cast<layout::MemberIndex>(i));
    if (!layout::is_present(member)) continue;
    if (other == nullptr) return "it has not heard of " + member.slot;
    if (other->liveness != membership::Liveness::alive) return member.slot + " is not alive to it";
  }
  const std::size_t active = view->layout.active_count();
  if (active == members) return "";
  std::string why =
      std::to_string(active) + " members of " + std::to_string(members) + " are active";
  for (const std::string& wait : view->waiting) why += "; " + wait;
  return why;
}

Life& Pod::life() { return process_->life; }
store::Store& Pod::store() { return *process_->store; }
const membership::ViewBoard& Pod::board() { return process_->node->board(); }

const maintain::Ledger& Pod::ledger() { return process_->redundancy; }

bool Pod::is_refused() {
  if (!process_ || !process_->node) return false;
  const auto view = board().current();
  return view->layout.version > 0 && view->halted() && !view->is_member() &&
         !membership::has_returned(*view);
}

double Pod::counter(const std::string& name) {
  const double now = process_ ? process_->metrics.counter(name, "").value() : 0;
  return now + counted_[name];
}

// ---- Starting ----

Result<void> Pod::open_store(Process& process) {
  const store::Dependencies needs{disk_.fs(),   process.disk_pool, process.clock,
                                  *process.rng, process.metrics,   store::IndexKind::memory};
  MAS_TRY(auto opened, store::open(place_.settings.store, {kDataDirectory}, needs));
  process.store = acknowledged_.follow(plant(place_.bug, std::move(opened)));
  return {};
}

// Only a disk that is out of order may refuse; then it is tried again.
bool Pod::is_excused() const { return disk_.refusals() > refusals_ || disk_.is_full(); }

void Pod::open() {
  refusals_ = disk_.refusals();
  process_ = std::make_unique<Process>(place_.world, name_, disk_, wall_offset_);
  const Result<void> opened = open_store(*process_);
  if (opened.has_error()) {
    place_.world.note(name_ + " cannot open its store: " + opened.error().message());
    if (!is_excused()) {
      place_.world.violate(name_ + " cannot open its store: " + opened.error().message());
    }
    end_soon();
    return;
  }
  const Id128 found = process_->store->incarnation();
  if (incarnation_ && *incarnation_ != found) {
    place_.world.violate(name_ + " came back without what it had stored");
  }
  incarnation_ = found;
  if (disk_.lost_something()) acknowledged_.give_up();
  const std::string missing = acknowledged_.missing_from(*process_->store);
  if (!missing.empty()) {
    place_.world.violate(name_ + " came back without a record that it had stored: " + missing);
  }
}

// The process gives up, and whoever runs it starts it again.
void Pod::end_soon() {
  auto end = [this, process = process_.get()] {
    if (process_.get() == process) crash(Ending::killed, std::chrono::seconds(2));
  };
  place_.world.soon(end);
}

void Pod::start() {
  starting_.reset();
  if (process_) return;
  place_.world.note(name_ + " starts");
  open();
  if (process_->store) join();
}

void Pod::start_later(Duration after) {
  if (starting_) place_.world.cancel(*starting_);
  starting_ = place_.world.after(after, [this] { start(); });
}

void Pod::build(Process& process) {
  process.stores = {process.store.get()};
  process.own =
      plant_in_server(place_.bug, process.life, peer::make_in_process_transport(process.stores));
  process.meta = std::make_unique<MetaLink>(place_.network, process.life, index_, place_.meta_host,
                                            place_.meta);
  const NodeDependencies parts{place_.network,
                               process.life,
                               index_,
                               place_.broker_host,
                               place_.settings.cluster,
                               place_.settings.object.erasure,
                               name_,
                               *process.store,
                               *process.own,
                               *process.meta,
                               disk_.fs(),
                               process.disk_pool,
                               process.clock,
                               *process.rng,
                               process.metrics,
                               place_.bug};
  process.node = std::make_unique<Node>(parts);
  const object::Dependencies needs{
      *process.meta,         process.node->transport(),
      process.node->board(), Pools{process.disk_pool, process.cpu_pool, process.driver_pool},
      process.clock,         *process.rng,
      process.metrics,       process.life.executor(),
      &process.node->watch()};
  process.objects = object::make_objects(place_.settings.object, place_.settings.limits, needs);
  process.workers = maintain::make_scheduler(process.clock, process.metrics);
}

// As in src/app/serve/daemon.cc.
void Pod::join() {
  Process& process = *process_;
  build(process);
  const config::Maintain& options = place_.settings.maintain;
  const maintain::Dependencies needs{*process.meta, *process.store,  process.node->board(),
                                     process.clock, process.metrics, &process.node->watch()};
  maintain::Scheduler& workers = *process.workers;
  maintain::MarksFile idle{disk_.fs(), kDataDirectory + "/idle-uploads", process.disk_pool};
  workers.add(maintain::make_expiry_worker(options, needs, place_.settings.limits.session,
                                           std::move(idle)));
  workers.add(maintain::make_take_over_worker(needs, *process.objects));
  maintain::MarksFile freed{disk_.fs(), kDataDirectory + "/freed-marks", process.disk_pool};
  workers.add(maintain::make_collect_worker(options, needs, &process.redundancy, std::move(freed)));
  workers.add(maintain::make_compact_worker(options, needs));
  object::Upkeep& upkeep = process.objects->upkeep();
  workers.add(maintain::make_scrub_worker(options, needs, &upkeep));
  process.planted = plant(place_.bug, upkeep);
  const maintain::RepairDependencies repair{needs, process.planted ? *process.planted : upkeep,
                                            process.node->transport(), process.redundancy};
  workers.add(maintain::make_repair_worker(options, repair));
  workers.add(maintain::make_census_worker(options, repair));
  if (auto worker = planted_worker(place_.bug, needs)) workers.add(std::move(worker));
  build_rebuild(process);
  Host& host = place_.network.host(index_);
  host.life = &process.life;
  host.services.objects = process.objects.get();
  spawn(process.life.executor(), process.life.serving(), serve(&process), "start");
}

void Pod::build_rebuild(Process& process) {
  const maintain::RebuildDependencies needs{*process.meta, process.node->transport(),
                                            process.node->board(), process.clock,
                                            process.objects.get()};
  constexpr const char* kErasing[] = {"collect", "expiry", "census"};
  maintain::RebuildHooks hooks;
  hooks.before = [&process, kErasing] {
    for (const char* worker : kErasing) (void)process.workers->pause(worker);
    return process.node->find_newest_layout();
  };
  hooks.after = [&process, kErasing](bool done) -> Task<Result<void>> {
    for (const char* worker : kErasing) (void)process.workers->resume(worker);
    auto look = [](Node& node, bool again) -> Task<Result<void>> {
      if (again) co_await node.look_again();
      co_return Result<void>();
    };
    return look(*process.node, done);
  };
  process.rebuild =
      maintain::make_rebuild_service(needs, std::move(hooks), process.life.executor());
}

Result<void> Pod::rebuild() {
  if (!process_ || !process_->rebuild) return Error(Code::closed, "The pod is down.");
  maintain::RebuildOptions options;
  options.profile = Profile::parse(place_.settings.object.erasure);
  return process_->rebuild->start(options);
}

void Pod::give_up(const std::string& slot) {
  if (!is_up() || is_stopping()) return;
  auto say = [](World& world, Node& node, Life& life, std::string lost) -> Task<void> {
    auto saying = node.give_up(std::move(lost));
    const Result<std::uint64_t> done = co_await std::move(saying);
    if (!life.is_over() && done.has_value()) world.count("data given up by a word");
  };
  Process& process = *process_;
  spawn(process.life.executor(), process.life.serving(),
        say(place_.world, *process.node, process.life, slot), "give up");
}

std::optional<maintain::RebuildReport> Pod::rebuild_report() {
  if (!process_ || !process_->rebuild) return std::nullopt;
  return process_->rebuild->report();
}

Task<void> Pod::serve(Process* process) {
  Result<void> started = co_await process->node->start(*process->objects, *process->workers);
  if (process->life.is_over() || process->is_stopping) co_return;
  if (started.has_value()) co_return;
  const std::string why = name_ + " cannot start: " + started.error().message();
  place_.world.note(why);
  if (!is_excused()) place_.world.violate(why);
  end_soon();
}

// ---- Ending ----

Task<void> Pod::shut_down(Process* process, bool in_order, std::shared_ptr<bool> done) {
  if (process->workers) co_await process->workers->close();
  if (process->rebuild) co_await process->rebuild->close();
  if (process->objects) co_await process->objects->close();
  if (process->node) co_await process->node->stop();
  co_await process->life.serving().close();
  if (in_order && process->store) (void)co_await process->store->close();
  *done = true;
}

// The process is moved out of the world, comes to its end there, and is destroyed.
void Pod::bury(Ending ending) {
  Host& host = place_.network.host(index_);
  host.life = nullptr;
  host.services = {};
  host.refuses = place_.world.rand().chance(0.5);
  Process& process = *process_;
  process.life.end();
  // As long as the process is there it keeps the disk it knew.
  const Disk::Remains remains = disk_.end_process(ending);
  auto done = std::make_shared<bool>(false);
  spawn(process.life.executor(), process.ending, shut_down(&process, false, done), "end");
  if (!process.life.drain(*done)) {
    place_.world.violate(name_ + " does not come to an end when all that it asks fails");
    // What still waits in there refers to it: it is kept for ever.
    static_cast<void>(process_.release());
    return;
  }
  for (const char* name : kCounters) {
    counted_[name] += process.metrics.counter(name, "").value();
  }
  process_.reset();
}

void Pod::crash(Ending ending, std::optional<Duration> restart_after) {
  if (!process_) return;
  place_.world.note(name_ + (ending == Ending::killed ? " is killed" : " loses power"));
  bury(ending);
  if (restart_after) start_later(*restart_after);
}

void Pod::lose_disk(Duration down) {
  place_.world.note(name_ + " loses its disk");
  if (process_) bury(Ending::power_lost);
  disk_.replace();
  acknowledged_ = {};
  incarnation_.reset();
  start_later(down);
}

void Pod::unmount(Duration down, std::set<RecordKey> held) {
  place_.world.note(name_ + " starts without its disk");
  set_aside_ = std::move(held);
  if (process_) bury(Ending::power_lost);
  disk_.unmount();
  acknowledged_aside_ = std::exchange(acknowledged_, {});
  unmounted_ = std::exchange(incarnation_, std::nullopt);
  start_later(down);
}

void Pod::mount(Duration down) {
  place_.world.note(name_ + " has its disk again");
  if (process_) bury(Ending::power_lost);
  disk_.mount();
  acknowledged_ = std::exchange(acknowledged_aside_, {});
  incarnation_ = std::exchange(unmounted_, std::nullopt);
  start_later(down);
}

void Pod::lose_power_after(std::uint64_t changes, Duration restart_after) {
  auto died = [this, restart_after] {
    auto crash_now = [this, restart_after] { crash(Ending::power_lost, restart_after); };
    place_.world.count("power lost within a write");
    place_.world.soon(crash_now);
  };
  disk_.lose_power_after(changes, died);
}

void Pod::stop_and_start(Duration down) {
  if (!is_serving()) return;
  Process* process = process_.get();
  process->is_stopping = true;
  place_.network.host(index_).services.objects = nullptr;
  place_.world.note(name_ + " stops");
  auto done = std::make_shared<bool>(false);
  spawn(process->life.executor(), process->ending, shut_down(process, true, done), "stop");
  place_.world.after(down, [this, process, done] {
    if (process_.get() != process) return;
    place_.world.count(*done ? "restart" : "restart cut short");
    crash(Ending::killed, std::chrono::milliseconds(1));
  });
}

}  // namespace mas::sim
