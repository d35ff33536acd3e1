#include "sim/checker.h"

#include <algorithm>
#include <map>

#include "sim/audit.h"

namespace mas::sim {
namespace {

std::string describe(const Error& error) {
  return std::string(code_name(error.code())) + " (" + error.message() + ")";
}

// ---- Objects ----

void check_records(Workload& workload) {
  for (const meta::Object& object : workload.cluster.objects()) {
    if (workload.model->find(object.hash) < workload.model->size()) continue;
    workload.world.violate("a record of bytes that nobody ever had: " + object.hash.hex());
  }
}

void check_download(Workload& workload, Client& client, std::size_t content, std::size_t pod) {
  Cluster& cluster = workload.cluster;
  const Result<void> got = cluster.ask(cluster.clients(), client.get(pod, content, true, true));
  if (got.has_value() || got.error().code() == Code::no_such_file) return;
  const auto record =
      cluster.ask(cluster.clients(), cluster.meta().find(workload.model->content(content).hash));
  if (record.has_value() && *record && cluster.losses().is_excused(**record)) return;
  workload.world.violate("content " + std::to_string(content) +
                         " cannot be read though everything works: " + describe(got.error()));
}

// ---- Garbage ----

Task<Result<std::vector<RecordKey>>> records_in(store::Store& store) {
  std::vector<RecordKey> records;
  std::optional<RecordKey> after;
  for (;;) {
    MAS_CO_TRY(auto page, co_await store.list(after, 1000));
    if (page.empty()) co_return records;
    for (const store::RecordInfo& record : page) records.push_back(record.key);
    after = page.back().key;
  }
}

// A removal that rotted away, or what came late, is left to an operator's word.
bool may_stay(Cluster& cluster, const Pod& pod) {
  if (cluster.settings().maintain.collect_unexplained) return false;
  return cluster.losses().ever(pod.index()) || cluster.settings().short_grace;
}

void check_manifests(Workload& workload, Pod& pod, const std::vector<RecordKey>& records) {
  Cluster& cluster = workload.cluster;
  std::map<Hash, std::uint64_t> known;
  for (const meta::Object& object : cluster.objects()) known[object.hash] = object.generation;
  const bool orphans_stay = !cluster.settings().maintain.collect_unexplained;
  for (const RecordKey& key : records) {
    if (key.kind != RecordKind::manifest) continue;
    const auto record = known.find(key.hash());
    if (record != known.end() && record->second == key.major) continue;
    // What a commit left whose outcome was never known is left to an operator's word.
    const bool orphaned = record == known.end() || key.major > record->second;
    if ((orphaned && orphans_stay) || may_stay(cluster, pod)) continue;
    workload.world.violate(pod.name() + " keeps a manifest that no record refers to: " +
                           key.hash().hex().substr(0, 8) + ", generation " +
                           std::to_string(key.major));
    return;
  }
}

// Whether the row gives this shard to the pod.
bool belongs_to(Cluster& cluster, const layout::Layout& layout, const RecordKey& key, Pod& pod) {
  const auto& row = layout.row(layout::partition_of(key.extent(), key.major));
  return key.minor < row.size() && cluster.pod_of(layout, row[key.minor]) == &pod;
}

void check_shards(Workload& workload, const layout::Layout& layout, Pod& pod,
                  std::vector<RecordKey> shards) {
  Cluster& cluster = workload.cluster;
  std::erase_if(shards, [](const RecordKey& key) { return key.kind != RecordKind::shard; });
  std::vector<Id128> asked;
  for (const RecordKey& key : shards) asked.push_back(key.extent());
  const auto referenced = cluster.ask(cluster.clients(), cluster.meta().referenced(asked));
  for (std::size_t at = 0; at < asked.size(); ++at) {
    const RecordKey& key = shards[at];
    if (!(*referenced)[at]) {
      const bool unknown = !cluster.losses().was_known(asked[at]) &&
                           !cluster.settings().maintain.collect_unexplained;
      if (unknown || may_stay(cluster, pod)) continue;
      workload.world.violate(pod.name() +
                             " keeps a shard that nothing refers to: " + asked[at].hex());
      return;
    }
    if (belongs_to(cluster, layout, key, pod)) continue;
    workload.world.violate(pod.name() + " keeps shard " + std::to_string(key.minor) + " of " +
                           asked[at].hex() + ", which is another pod's");
    return;
  }
}

}  // namespace

void check_objects(Workload& workload) {
  World& world = workload.world;
  Client client(workload);
  for (std::size_t content = 0; content < workload.model->size(); ++content) {
    const std::size_t first = world.rand().below(workload.cluster.size());
    for (std::size_t i = 0; i < std::min<std::size_t>(2, workload.cluster.size()); ++i) {
      check_download(workload, client, content, (first + i) % workload.cluster.size());
      if (!world.violations().empty()) return;
    }
  }
  check_records(workload);
  for (std::size_t i = 0; i < workload.cluster.size(); ++i) {
    Pod& pod = workload.cluster.pod(i);
    if (!workload.cluster.losses().ever(i) && pod.store().usage().quarantined > 0) {
      world.violate(pod.name() + " took good records for damaged");
    }
  }
}

void check_service(Workload& workload) {
  Cluster& cluster = workload.cluster;
  Client client(workload);
  const auto must = [&](const char* what, const Pod& pod, const Result<void>& done) {
    if (done.has_value()) return;
    workload.world.violate(pod.name() + ": " + what +
                           " fails though everything works: " + describe(done.error()));
  };
  for (std::size_t i = 0; i < cluster.size() && workload.world.violations().empty(); ++i) {
    const std::size_t content = i + 1;
    const Pod& pod = cluster.pod(i);
    // Its body may break off, as any client's.
    Result<void> stored = Error(Code::body_unreadable, "");
    for (int attempt = 0;
         attempt < 10 && stored.has_error() && stored.error().code() == Code::body_unreadable;
         ++attempt) {
      stored = cluster.ask(cluster.clients(), client.put(i, content, false));
    }
    must("an upload", pod, stored);
    must("a download", pod, cluster.ask(cluster.clients(), client.get(i, content, true, true)));
    must("a deletion", pod, cluster.ask(cluster.clients(), client.remove(i, content)));
  }
}

void check_settles(Workload& workload) {
  constexpr Duration kBound = std::chrono::minutes(5);
  Cluster& cluster = workload.cluster;
  World& world = workload.world;
  // Who is refused, or has lost its metadata, waits for an operator.
  const auto ready = [&] {
    return !cluster.restorer().is_lost() && cluster.not_serving_because().empty();
  };
  const bool crawls = workload.habits.crawlers > 0 || workload.habits.abandon > 0;
  if (!crawls) return;
  const auto settled = [&] { return ready() && cluster.layout().is_settled(); };
  if (world.run_until(settled, kBound)) {
    world.count("settled while bodies crawl");
    return;
  }
  // Who does not come back at all is judged later.
  if (cluster.restorer().is_lost() || cluster.any_refused() || !cluster.all_up()) return;
  world.violate("the layout does not settle while bodies arrive slowly and uploads stay open: " +
                cluster.not_serving_because() + cluster.awaited());
}

void check_whole(Workload& workload) {
  constexpr Duration kPatience = std::chrono::minutes(15);
  constexpr Duration kPause = std::chrono::seconds(10);
  Cluster& cluster = workload.cluster;
  World& world = workload.world;
  const Instant end = world.now() + kPatience;
  for (;;) {
    const AuditReport report = audit(world, cluster);
    const bool whole = report.whole && cluster.losses().seen_whole(
                                           report.objects, report.lost_of_uploads, report.begun);
    if (whole) return;
    if (world.now() > end) {
      world.violate("not everything is whole long after the faults: " + report.missing);
      return;
    }
    world.run_for(kPause);
  }
}

void check_ledgers(Workload& workload) {
  Cluster& cluster = workload.cluster;
  bool excused = false;
  for (const meta::Object& object : cluster.objects()) {
    excused |= cluster.losses().is_excused(object);
  }
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    Pod& pod = cluster.pod(i);
    const maintain::LedgerPicture picture = pod.ledger().picture();
    const bool lost = std::any_of(picture.rows.begin(), picture.rows.end(),
                                  [](const auto& row) { return row.lost > 0; });
    if (picture.complete && (excused || (!lost && picture.beyond_repair == 0))) continue;
    workload.world.violate(pod.name() + "'s ledger " +
                           (picture.complete ? "shows losses" : "is not complete") +
                           " though everything is whole");
  }
}

void check_garbage(Workload& workload) {
  Cluster& cluster = workload.cluster;
  const auto freed = cluster.ask(cluster.clients(), cluster.meta().freed(0, 100'000));
  if (!freed->empty()) {
    workload.world.violate(std::to_string(freed->size()) +
                           " entries of the freed list are not collected long after the grace");
    return;
  }
  const layout::Layout layout = cluster.layout();
  for (std::size_t i = 0; i < cluster.size() && workload.world.violations().empty(); ++i) {
    Pod& pod = cluster.pod(i);
    const auto records = cluster.ask(pod.life(), records_in(pod.store()));
    check_shards(workload, layout, pod, *records);
    check_manifests(workload, pod, *records);
  }
}

}  // namespace mas::sim
