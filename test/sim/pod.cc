#include "sim/pod.h"

#include "sim/bugs.h"
#include "sim/cluster.h"
#include "sim/links.h"

namespace mas::sim {
namespace {

// What mas counts of itself that a batch wants to see happen.
constexpr const char* kCounters[] = {
    "mas_object_degraded_reads_total", "mas_object_shards_bad_total", "mas_collect_shards_total",
    "mas_segments_compacted_total", "mas_object_deduplicated_total"};

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
  std::unique_ptr<peer::PeerTransport> transport;
  std::unique_ptr<meta::MetaStore> meta;
  std::unique_ptr<membership::ViewBoard> view;
  std::unique_ptr<object::Objects> objects;
  std::unique_ptr<maintain::Scheduler> workers;
  bool is_serving = false;
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

bool Pod::is_serving() const { return process_ && process_->is_serving; }
Life& Pod::life() { return process_->life; }
store::Store& Pod::store() { return *process_->store; }
membership::ViewBoard& Pod::board() { return *process_->view; }

double Pod::counter(const std::string& name) {
  const double now = process_ ? process_->metrics.counter(name, "").value() : 0;
  return now + counted_[name];
}

// ---- Starting ----

Result<void> Pod::open_store(Process& process) {
  const store::Dependencies needs{disk_.fs(),   process.disk_pool, process.clock,
                                  *process.rng, process.metrics,   store::IndexKind::memory};
  MAS_TRY(auto opened, store::open(place_.settings.store, {kDataDirectory}, needs));
  process.store = plant(place_.bug, std::move(opened));
  return {};
}

void Pod::open_only() {
  MAS_ASSERT(process_ == nullptr);
  const std::uint64_t refusals = disk_.refusals();
  process_ = std::make_unique<Process>(place_.world, name_, disk_, wall_offset_);
  const Result<void> opened = open_store(*process_);
  if (opened.has_error()) {
    place_.world.note(name_ + " cannot open its store: " + opened.error().message());
    // Only a disk that is out of order may refuse; then it is tried again.
    const bool excused = disk_.refusals() > refusals || disk_.is_full();
    if (!excused) {
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
  open_only();
  if (process_->store) join();
}

void Pod::start_later(Duration after) {
  if (starting_) place_.world.cancel(*starting_);
  starting_ = place_.world.after(after, [this] { start(); });
}

void Pod::build(Process& process) {
  process.view = std::make_unique<membership::ViewBoard>(place_.view(index_));
  process.stores = {process.store.get()};
  process.own =
      plant_in_server(place_.bug, process.life, peer::make_in_process_transport(process.stores));
  process.transport = plant_in_client(
      place_.bug, std::make_unique<PeerLink>(place_.network, process.life, index_, *process.own));
  process.meta = std::make_unique<MetaLink>(place_.network, process.life, index_, place_.meta_host,
                                            place_.meta);
  const object::Dependencies needs{
      *process.meta,   *process.transport,
      *process.view,   Pools{process.disk_pool, process.cpu_pool, process.driver_pool},
      process.clock,   *process.rng,
      process.metrics, process.life.executor()};
  process.objects = object::make_objects(place_.settings.object, place_.settings.limits, needs);
  process.workers = maintain::make_scheduler(process.clock, process.metrics);
}

// Membership and workers are wired here, as in src/app/serve/daemon.cc.
void Pod::join() {
  build(*process_);
  const config::Maintain& options = place_.settings.maintain;
  const maintain::Dependencies needs{*process_->meta, *process_->store, *process_->view,
                                     process_->clock, process_->metrics};
  maintain::Scheduler& workers = *process_->workers;
  workers.add(maintain::make_expiry_worker(options, needs));
  workers.add(maintain::make_collect_worker(options, needs));
  workers.add(maintain::make_compact_worker(options, needs));
  workers.add(maintain::make_scrub_worker(options, needs));
  if (auto worker = planted_worker(place_.bug, needs)) workers.add(std::move(worker));
  Host& host = place_.network.host(index_);
  host.life = &process_->life;
  host.services.shards = process_->own.get();
  spawn(process_->life.executor(), process_->life.serving(), serve(process_.get()), "start");
}

Task<void> Pod::serve(Process* process) {
  Result<void> recovered = co_await process->objects->recover();
  if (process->life.is_over() || process->is_stopping) co_return;
  if (recovered.has_error()) {
    end_soon();
    co_return;
  }
  process->is_serving = true;
  place_.network.host(index_).services.objects = process->objects.get();
  process->workers->start(process->life.executor());
  place_.world.note(name_ + " serves");
  place_.on_change(index_);
}

// ---- Ending ----

Task<void> Pod::shut_down(Process* process, bool in_order, std::shared_ptr<bool> done) {
  if (process->workers) co_await process->workers->close();
  if (process->objects) co_await process->objects->close();
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
  place_.on_change(index_);
  if (restart_after) start_later(*restart_after);
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
  if (!process_ || process_->is_stopping || !process_->is_serving) return;
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
