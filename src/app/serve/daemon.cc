#include "app/serve/daemon.h"

#include <algorithm>
#include <array>

#include "app/serve/alone.h"
#include "app/serve/connections.h"
#include "mas/core/error.h"
#include "mas/membership/kept_layout.h"
#include "mas/meta/embedded.h"
#include "mas/meta/hand_over.h"
#include "mas/observe/log.h"

namespace mas::app {
namespace {

std::size_t cores_if_zero(std::uint32_t threads) { return threads == 0 ? online_cores() : threads; }

std::unique_ptr<Pool> make_pool(const char* name, std::size_t threads,
                                const config::Config& config) {
  return make_thread_pool(name, threads, config.node.pool_queue);
}

// Keeps the first error of several closings.
void keep_first(Result<void>& kept, const Result<void>& next, std::string_view what) {
  if (!next.has_error()) return;
  log::error("stop.failed", {{"what", what}, {"error", next.error()}});
  if (!kept.has_error()) kept = next;
}

// Workers that end or remove something by what the metadata says.
constexpr std::array kErasing{"collect", "expiry", "census"};

}  // namespace

Daemon::Daemon(config::Config config, std::vector<std::string> accept_lost)
    : accept_lost_(std::move(accept_lost)),
      config_(std::move(config)),
      clock_(make_system_clock()),
      rng_(make_system_rng()),
      fs_(fs::make_real_fs()),
      process_metrics_(metrics_, *fs_, *clock_),
      io_(cores_if_zero(config_.node.io_threads)),
      disk_(make_pool("disk", config_.node.disk_threads, config_)),
      cpu_(make_pool("cpu", cores_if_zero(config_.node.cpu_threads), config_)),
      driver_(make_pool("driver", config_.node.driver_threads, config_)) {}

Daemon::~Daemon() = default;

std::string Daemon::below_data(std::string_view name) const {
  return config_.node.data.front() + "/" + std::string(name);
}

membership::ViewBoard& Daemon::board() { return node_ ? node_->board() : *view_; }

BackendDependencies Daemon::backend_deps() {
  return {*fs_, *driver_, io_, *clock_, *rng_, metrics_};
}

Task<Result<void>> Daemon::start() {
  MAS_CO_CHECK(resolve_backends(config_, *fs_));
  // The store takes the directories' lock: nothing is touched before.
  MAS_CO_CHECK(open_store());
  MAS_CO_CHECK(open_meta());
  MAS_CO_CHECK(open_tokens());
  io_.start();
  if (is_clustered(config_)) {
    MAS_CO_CHECK(prepare_cluster());
  } else {
    MAS_CO_CHECK(co_await stand_alone());
  }
  build_service();
  MAS_CO_CHECK(listen());
  MAS_CO_CHECK(co_await join());
  log::info("serve.ready", {{"address", server_->address()},
                            {"data", config_.node.data.front()},
                            {"records", store_->usage().records}});
  co_return Result<void>();
}

Result<void> Daemon::open_store() {
  for (const std::string& directory : config_.node.data) {
    auto made = fs_->make_directories(directory);
    if (made.has_error()) return made.error().with_context(directory);
  }
  store::Dependencies deps{*fs_, *disk_, *clock_, *rng_, metrics_};
  const store::Directories directories{config_.node.data, on_emptied(), accept_lost_};
  auto opened = store::open(config_.store, directories, deps);
  if (opened.has_error() && opened.error().code() == Code::busy) {
    return Error(Code::busy, opened.error().message() + "; is another mas running on it?");
  }
  MAS_TRY(store_, std::move(opened));
  return {};
}

// Only where other pods can make anew what it held is an emptied directory as good as a new disk.
store::OnEmptied Daemon::on_emptied() {
  if (!is_clustered(config_)) return store::OnEmptied::leave_out;
  auto profile = Profile::parse(config_.object.erasure);
  if (!profile) {
    // The layout is not known before the store is open: the one that this pod saw last is.
    auto members = membership::kept_members(*fs_, below_data("cluster"));
    profile = layout::profile_for(members.has_value() ? *members : 0);
  }
  return profile->m > 0 ? store::OnEmptied::take : store::OnEmptied::leave_out;
}

Result<void> Daemon::open_meta() {
  MAS_TRY(meta_, open_metadata(config_, below_data("meta"), backend_deps()));
  return {};
}

Result<void> Daemon::open_tokens() {
  MAS_TRY(secrets_, auth::load_secrets(config_.auth, config_.node.data.front(), *fs_, *rng_));
  MAS_TRY(ledger_, open_ledger(config_, below_data("tokens"), backend_deps()));
  authority_ = auth::make_authority(config_.token, secrets_, *ledger_.tokens, *clock_, *rng_);
  return {};
}

Task<Result<void>> Daemon::stand_alone() {
  layout::Member self{config_.node.name, store_->incarnation(), "", 1};
  MAS_CO_TRY(auto stored, co_await meta_->current_layout());
  if (!stored && store_->usage().records > 0) {
    membership::ClusterView view = view_without_metadata(self, *rng_);
    log::error("cluster.halted", {{"why", view.halted_why}});
    view_ = std::make_unique<membership::ViewBoard>(std::move(view));
  } else {
    MAS_CO_TRY(auto view, co_await view_alone(*meta_, self, *rng_));
    if (view.halted()) log::error("cluster.halted", {{"why", view.halted_why}});
    view_ = std::make_unique<membership::ViewBoard>(std::move(view));
  }
  halted_gauge().set(view_->current()->halted() ? 1 : 0);
  bus_ = membership::join_hub(membership::make_in_process_hub());
  stores_.assign(view_->current()->layout.members.size(), nullptr);
  stores_[view_->current()->self] = store_.get();
  transport_ = peer::make_in_process_transport(stores_);
  co_return Result<void>();
}

Result<void> Daemon::prepare_cluster() {
  NodeDependencies deps{config_, *store_, *meta_,   io_,         *fs_,  *disk_,
                        *clock_, *rng_,   metrics_, redundancy_, freed_};
  MAS_TRY(node_, make_cluster_node(deps));
  return {};
}

// Alone: what a crash left is finished, then the pod is there. In a cluster that waits until the
// pod has a layout; until then it answers that it is not ready.
Task<Result<void>> Daemon::join() {
  if (node_) {
    MAS_CO_CHECK(co_await hand_over_metadata());
    co_return co_await node_->start(*objects_, *workers_, server_->address());
  }
  if (!view_->current()->halted()) MAS_CO_CHECK(co_await begin_work_alone());
  auto announced = announce(*bus_, *view_, server_->address());
  co_return co_await std::move(announced);
}

Task<Result<void>> Daemon::begin_work_alone() {
  if (working_alone_) co_return Result<void>();
  MAS_CO_CHECK(co_await objects_->recover());
  workers_->start(io_.executor(0));
  working_alone_ = true;
  co_return Result<void>();
}

void Daemon::build_rebuild(peer::PeerTransport& transport) {
  maintain::RebuildDependencies deps{*meta_, transport, board(), *clock_, objects_.get()};
  maintain::RebuildHooks hooks;
  hooks.before = [this] { return before_rebuild(); };
  hooks.after = [this](bool done) { return after_rebuild(done); };
  rebuild_ = maintain::make_rebuild_service(deps, std::move(hooks), io_.executor(0));
}

observe::Gauge& Daemon::halted_gauge() {
  return metrics_.gauge("mas_cluster_halted",
                        "1 while this pod must not collect, publish or join.");
}

// Nothing is ended or removed here while records are put together.
Task<Result<void>> Daemon::before_rebuild() {
  for (const char* worker : kErasing) (void)workers_->pause(worker);
  if (!node_) co_return Result<void>();
  auto finding = node_->find_newest_layout();
  co_return co_await std::move(finding);
}

Task<Result<void>> Daemon::after_rebuild(bool done) {
  for (const char* worker : kErasing) (void)workers_->resume(worker);
  if (!done) co_return Result<void>();
  if (node_) {
    auto looking = node_->look_again();
    co_await std::move(looking);
    co_return Result<void>();
  }
  auto looking = look_again_alone(false);
  co_return co_await std::move(looking);
}

Task<Result<void>> Daemon::look_again_alone(bool given_up) {
  layout::Member self = view_->current()->layout.members.front();
  auto reading = view_alone(*meta_, std::move(self), *rng_, given_up);
  MAS_CO_TRY(membership::ClusterView view, co_await std::move(reading));
  const bool was_halted = view_->current()->halted();
  view.distrusts = view_->current()->distrusts + 1;
  view.pods.front().last = view_->current()->pods.front().last;
  view.pods.front().last.layout_version = view.layout.version;
  const bool is_halted = view.halted();
  view_->publish(std::move(view));
  halted_gauge().set(is_halted ? 1 : 0);
  if (is_halted) co_return Result<void>();
  if (was_halted) log::info("cluster.resumed");
  co_return co_await begin_work_alone();
}

struct Daemon::Word {
  Event said;
  Result<std::uint64_t> result = std::uint64_t{0};
};

// On io thread 0, as all that changes the view of a pod alone.
Task<void> Daemon::give_up_alone(std::shared_ptr<Word> word) {
  auto looking = look_again_alone(true);
  Result<void> done = co_await std::move(looking);
  if (done.has_error()) {
    word->result = done.error();
  } else {
    word->result = view_->current()->layout.version;
  }
  word->said.set();
}

Task<Result<std::uint64_t>> Daemon::give_up(std::string slot) {
  if (node_) co_return co_await node_->give_up(std::move(slot));
  auto view = view_->current();
  MAS_CO_TRY(auto stored, co_await meta_->current_layout());
  const bool waits = view->halted() && stored && slot == view->layout.members.front().slot;
  if (!waits) {
    co_return Error(Code::refused, "This pod is alone, and waits for no data of " + slot + ".");
  }
  auto word = std::make_shared<Word>();
  auto giving_up = give_up_alone(word);
  const bool begun = spawn(io_.executor(0), alone_, std::move(giving_up), "give up");
  if (!begun) co_return Error(Code::closed, "The pod is stopping.");
  co_await word->said.wait();
  co_return word->result;
}

// A pod that was alone before brings its records along.
Task<Result<void>> Daemon::hand_over_metadata() {
  std::string directory = below_data("meta");
  MAS_CO_TRY(const bool was_alone, fs_->exists(directory));
  if (!was_alone) co_return Result<void>();
  auto opened = meta::open_embedded(config_.meta, directory, *fs_, *driver_, *clock_, metrics_);
  if (opened.has_error()) co_return opened.error().with_context(directory);
  auto from = *std::move(opened);
  auto carrying = meta::hand_over(*from, *meta_);
  Result<meta::HandedOver> done = co_await std::move(carrying);
  co_await from->close_store();
  if (done.has_error()) co_return done.error().with_context("handing the metadata over");
  if (!done->already) {
    log::info("metadata.handed_over", {{"objects", done->objects},
                                       {"uploads", done->uploads},
                                       {"parts", done->parts},
                                       {"freed", done->freed}});
  }
  co_return Result<void>();
}

void Daemon::build_service() {
  peer::PeerTransport& transport = node_ ? node_->transport() : *transport_;
  object::Dependencies deps{
      *meta_, transport, board(),         Pools{*disk_, *cpu_, *driver_},   *clock_,
      *rng_,  metrics_,  io_.executor(0), node_ ? &node_->watch() : nullptr};
  objects_ =
      object::make_objects(config_.object, config_.limits, deps, config_.write, config_.read);
  workers_ = maintain::make_scheduler(*clock_, metrics_);
  maintain::Dependencies worker_deps{*meta_,  *store_,  board(),
                                     *clock_, metrics_, node_ ? &node_->watch() : nullptr};
  maintain::MarksFile idle{*fs_, below_data("idle-uploads"), *driver_};
  workers_->add(maintain::make_expiry_worker(config_.maintain, worker_deps, config_.limits.session,
                                             std::move(idle)));
  workers_->add(maintain::make_take_over_worker(worker_deps, *objects_));
  maintain::MarksFile freed{*fs_, below_data("freed-marks"), *driver_};
  maintain::FreedWords words{freed_, node_ ? node_->ledger_of() : nullptr,
                             [this] { objects_->forget_records(); }};
  workers_->add(maintain::make_collect_worker(config_.maintain, worker_deps, &redundancy_,
                                              std::move(freed), std::move(words)));
  workers_->add(maintain::make_compact_worker(config_.maintain, worker_deps));
  object::Upkeep& upkeep = objects_->upkeep();
  workers_->add(maintain::make_scrub_worker(config_.maintain, worker_deps, &upkeep));
  maintain::RepairDependencies repair_deps{worker_deps, upkeep, transport, redundancy_};
  workers_->add(maintain::make_repair_worker(config_.maintain, repair_deps));
  workers_->add(maintain::make_census_worker(config_.maintain, repair_deps));
  auto ask = node_ ? node_->ledger_of() : nullptr;
  cluster_ledger_ = std::make_unique<maintain::ClusterLedger>(redundancy_, board(), *clock_, ask);
  build_rebuild(transport);
  api::Dependencies api_deps{
      *objects_,      *authority_,
      *store_,        *workers_,
      *meta_,         *ledger_.tokens,
      board(),        metrics_,
      *clock_,        *cluster_ledger_,
      rebuild_.get(), [this](std::string slot) { return give_up(std::move(slot)); },
      &freed_};
  api_ = api::make_api(config_, api_deps);
}

Result<void> Daemon::listen() {
  http::ServerDependencies deps{io_, *clock_, *rng_, metrics_};
  server_ = http::make_server(config_.http, config_.tls, *api_, deps);
  MAS_CHECK(server_->start());
  if (config_.metrics.listen.empty()) return {};
  config::Http options = config_.http;
  options.listen = config_.metrics.listen;
  options.max_connections = std::min(options.max_connections, config_.metrics.max_connections);
  deps.surface = "metrics";
  metrics_handler_ = api::make_metrics_handler(metrics_, *api_);
  // Plain HTTP: what scrapes it is inside, and it holds no secret.
  metrics_server_ = http::make_server(options, config::Tls{}, *metrics_handler_, deps);
  return metrics_server_->start();
}

Task<Result<void>> Daemon::stop() {
  co_await stop_serving();
  Result<void> result = co_await close_data();
  // Nothing runs any more: the threads end here, not in the destructor, so that no member is
  // destroyed under a handler that is still on its way out.
  io_.stop();
  co_return result;
}

Task<void> Daemon::stop_serving() {
  if (server_) co_await server_->stop(config_.node.shutdown_timeout);
  if (metrics_server_) co_await metrics_server_->stop(Duration(0));
  if (rebuild_) co_await rebuild_->close();
  co_await alone_.close();
  if (workers_) co_await workers_->close();
  if (objects_) co_await objects_->close();
  if (authority_) co_await authority_->close();
  if (node_) co_await node_->stop();
}

Task<Result<void>> Daemon::close_data() {
  Result<void> result;
  if (ledger_.tokens) {
    auto closed = co_await ledger_.close();
    keep_first(result, closed, "token ledger");
  }
  if (meta_) co_await meta_->close_store();
  if (store_) {
    auto closed = co_await store_->close();
    keep_first(result, closed, "store");
  }
  co_return result;
}

std::string Daemon::address() const { return server_->address(); }

std::string Daemon::token_file() const {
  if (!config_.auth.system_token_files.empty()) return config_.auth.system_token_files.front();
  return below_data("system-token");
}

}  // namespace mas::app
