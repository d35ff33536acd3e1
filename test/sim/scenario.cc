#include "sim/scenario.h"

#include <algorithm>

#include "sim/checker.h"
#include "sim/injector.h"

namespace mas::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kFaults = seconds(200);
// Longer than a slot that was given up takes to be emptied, and a newcomer to be taken in.
constexpr Duration kRecovery = minutes(15);
constexpr std::size_t kContents = 24;
constexpr std::size_t kClients = 6;

// What mas counts of itself, by the name under which a batch counts it.
constexpr std::pair<const char*, const char*> kCounters[] = {
    {"mas_object_degraded_reads_total", "degraded read"},
    {"mas_object_shards_bad_total", "bad shard found"},
    {"mas_collect_shards_total", "shard collected"},
    {"mas_segments_compacted_total", "segment compacted"},
    {"mas_object_deduplicated_total", "upload of what was there"},
    {"mas_repaired_total", "repaired"},
    {"mas_strays_removed_total", "stray removed"},
};

std::size_t pods_of(const RunOptions& options, World& world) {
  constexpr std::size_t kSizes[] = {1, 2, 3, 3, 4, 4, 6, 7};
  const std::size_t drawn = kSizes[world.rand().below(std::size(kSizes))];
  return options.pods != 0 ? options.pods : drawn;
}

// Faults have stopped: every pod is back, every request answered, every outcome settled.
void calm_down(Workload& workload, Gate& clients) {
  World& world = workload.world;
  const auto back = [&] { return workload.cluster.not_serving_because().empty(); };
  if (!world.run_until(back, kRecovery)) {
    const std::string& needed = workload.cluster.whoever_runs_it().needs_refused();
    world.violate("a pod does not come back though nothing is wrong any more: " +
                  workload.cluster.not_serving_because() +
                  (needed.empty() ? "" : "; what was given up is needed: " + needed));
    return;
  }
  const auto rebuilt = [&] { return !workload.cluster.restorer().is_lost(); };
  if (!world.run_until(rebuilt, kRecovery)) {
    world.violate("the metadata cannot be rebuilt though nothing is wrong any more");
    return;
  }
  const auto left = [&] { return clients.inside() == 0; };
  if (!world.run_until(left, kRecovery)) {
    world.violate("a client's request is never answered");
    return;
  }
  // Views are told, uploads that nobody finishes are taken up or left.
  world.run_for(minutes(1));
  workload.model->end_lingering();
  world.run_for(seconds(40));
  if (!workload.model->is_settled()) world.violate("a request goes on for ever");
}

// Long enough for what was deleted or given up to be gone.
void let_collect(Workload& workload) {
  const Settings& settings = workload.cluster.settings();
  // Uploads that were left open expire first. Clocks that are wrong make nothing later.
  workload.world.run_for(settings.limits.session + minutes(3));
  // What is deleted waits for the grace twice: what the file was, and then the manifest that says
  // so.
  workload.world.run_for(4 * settings.maintain.grace + 20 * settings.maintain.collect_interval);
  // Neither leaves the list before a census that began after it has ended, at the latest the
  // second; they are six intervals of repair apart.
  workload.world.run_for(4 * 6 * settings.maintain.repair_interval);
}

class Play {
 public:
  Play(World& world, const RunOptions& options, std::size_t pods)
      : world_(world),
        cluster_(std::make_unique<Cluster>(world, pods, options.bug)),
        workload_{world, *cluster_,
                  std::make_shared<Model>(world, make_contents(world.rand(), kContents)),
                  Habits(world.rand().fork()), History(world)},
        options_(options) {}
  // The cluster ends first, and with it what the clients are at.
  ~Play() { cluster_.reset(); }
  Play(const Play&) = delete;
  Play& operator=(const Play&) = delete;

  [[nodiscard]] const std::vector<std::string>& history() { return workload_.history.lines(); }

  void run() {
    // Some grow while they are used.
    const bool grows = world_.rand().chance(0.4);
    cluster_->start(grows ? 1 + world_.rand().below(cluster_->size()) : cluster_->size());
    if (!world_.run_until([this] { return cluster_->not_serving_because().empty(); }, minutes(1))) {
      world_.violate("the cluster does not start");
      return;
    }
    start_clients();
    cluster_->restorer().listen([this](bool lost) { on_metadata(lost); });
    const auto on_lost = [this](const Hash& hash) {
      const std::size_t content = workload_.model->find(hash);
      if (content < workload_.model->size()) workload_.lost.push_back(content);
    };
    Injector injector(world_, *cluster_, on_lost, options_);
    injector.start();
    world_.run_for(kFaults);
    injector.stop();
    workload_.stopping = true;
    if (is_fine()) check_settles(workload_);
    *workload_.hurry = true;
    if (is_fine()) calm_down(workload_, running_);
    if (is_fine()) check_objects(workload_);
    if (is_fine()) check_whole(workload_);
    if (is_fine()) check_service(workload_);
    if (is_fine()) let_collect(workload_);
    if (is_fine()) check_objects(workload_);
    if (is_fine()) check_whole(workload_);
    if (is_fine()) check_ledgers(workload_);
    if (is_fine()) check_garbage(workload_);
    for (const auto& [name, as] : kCounters) {
      for (std::size_t i = 0; i < cluster_->size(); ++i) {
        world_.count(as, static_cast<std::uint64_t>(cluster_->pod(i).counter(name)));
      }
    }
  }

 private:
  void start_clients() {
    const auto start = [this](std::size_t count, Task<void> (*begin)(Client&)) {
      for (std::size_t i = 0; i < count; ++i) {
        clients_.push_back(std::make_unique<Client>(workload_));
        spawn(cluster_->clients().executor(), running_, begin(*clients_.back()), "client");
      }
    };
    const Habits& habits = workload_.habits;
    start(kClients, [](Client& client) { return client.run(); });
    start(habits.patient, [](Client& client) { return client.be_patient(); });
    start(habits.streams, [](Client& client) { return client.stream(false); });
    start(habits.crawlers, [](Client& client) { return client.stream(true); });
  }

  // What has no whole content any more is not in metadata that are rebuilt.
  void on_metadata(bool lost) {
    if (lost) stored_ = cluster_->objects();
    if (lost) ++workload_.metadata_losses;
    for (std::size_t i = 0; lost && i < workload_.model->size(); ++i) {
      workload_.history.lose(workload_.model->content(i).hash);
    }
    workload_.model->set_clouded(lost);
    // A deletion has no receipt: its manifest may have been on one disk only.
    if (!cluster_->losses().open().empty()) workload_.model->may_return();
    for (const meta::Object& object : stored_) {
      const std::size_t content = workload_.model->find(object.hash);
      if (content == workload_.model->size()) continue;
      if (lost) {
        // Nor does it wait for a manifest where nobody can store one.
        const bool deleted = object.state != meta::ObjectState::live;
        if (deleted && !has_manifest(*cluster_, object)) workload_.model->may_return(content);
      } else if (cluster_->losses().is_excused(object) || is_lost_empty(object)) {
        workload_.model->may_be_gone(content);
      }
    }
  }
  // An empty file is its manifest, and is gone with as many disks as had a copy.
  [[nodiscard]] bool is_lost_empty(const meta::Object& object) {
    return object.extents.empty() &&
           static_cast<int>(cluster_->losses().open().size()) > cluster_->profile().m;
  }
  [[nodiscard]] bool is_fine() const { return world_.violations().empty(); }

  World& world_;
  std::unique_ptr<Cluster> cluster_;
  Workload workload_;
  const RunOptions& options_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<meta::Object> stored_;  // when the metadata was lost
  Gate running_;
};

}  // namespace

Outcome run(const RunOptions& options) {
  World world(options.seed, options.verbose);
  Outcome outcome;
  outcome.pods = pods_of(options, world);
  {
    Play play(world, options, outcome.pods);
    play.run();
    outcome.history = play.history();
  }
  outcome.trace = world.trace();
  outcome.counts = world.counts();
  outcome.violations = world.violations();
  return outcome;
}

std::vector<std::string> expected_counts() {
  std::vector<std::string> names = Injector::kinds(6);
  for (const char* what :
       {"crowded session", "done: long upload", "what was lost is sent again", "patient session"}) {
    names.emplace_back(what);
  }
  for (const auto& [name, as] : kCounters) names.emplace_back(as);
  for (const char* what : {"download", "upload", "part", "finish", "delete", "instant upload"}) {
    names.push_back(std::string("done: ") + what);
    if (std::string(what) != "part") names.push_back(std::string("failed: ") + what);
  }
  names.emplace_back("done: abort");
  names.emplace_back("done: crawling upload");
  names.emplace_back("session left open");
  names.emplace_back("settled while bodies crawl");
  names.emplace_back("restart");
  return names;
}

}  // namespace mas::sim
