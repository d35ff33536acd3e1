#include "sim/injector.h"

#include <algorithm>
#include <utility>

namespace mas::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kDown = seconds(25);  // at most

}  // namespace

struct Injector::Kind {
  const char* name;
  void (Injector::*inject)();
  std::size_t least_pods = 1;
};

const std::vector<Injector::Kind>& Injector::all() {
  static const std::vector<Kind> kinds{
      {"killed", &Injector::kill},
      {"power lost", &Injector::lose_power},
      {"power lost soon", &Injector::lose_power_in_write},
      {"black-out", &Injector::black_out},
      {"stopped in order", &Injector::restart},
      {"away for long", &Injector::stay_away, 2},
      {"pod started late", &Injector::start_another, 2},
      {"clock jump", &Injector::jump_clock},
      {"sync to fail", &Injector::fail_sync},
      {"slow disk", &Injector::slow_disk},
      {"full disk", &Injector::fill_disk},
      {"disk replaced", &Injector::replace_disk, 2},
      {"bit rot", &Injector::rot},
      {"bad sectors for a while", &Injector::read_errors},
      {"bad sectors", &Injector::spoil_sectors},
      {"bad segment header", &Injector::spoil_header},
      {"segment gone", &Injector::lose_segment},
      {"disk not mounted", &Injector::unmount_disk},
      {"file lost for good", &Injector::lose_file},
      {"upload lost for good", &Injector::lose_upload},
      {"partition", &Injector::partition, 2},
      {"one-way link", &Injector::cut_one_way, 2},
      {"lossy links", &Injector::lose_messages, 2},
      {"slow links", &Injector::slow_links, 2},
      {"broker stopped", &Injector::stop_broker},
      {"broker cut off", &Injector::cut_broker},
      {"slow broker", &Injector::slow_broker},
      {"metadata cut off", &Injector::cut_meta},
      {"metadata answers lost", &Injector::lose_meta_answers},
      {"slow metadata", &Injector::slow_meta},
      {"slow metadata for one", &Injector::slow_meta_for_one},
      {"metadata calls stall", &Injector::stall_meta},
      {"metadata lost", &Injector::lose_meta},
  };
  return kinds;
}

std::vector<std::string> Injector::kinds(std::size_t pods) {
  std::vector<std::string> names{"power lost within a write",
                                 "failed sync",
                                 "read error",
                                 "lost message",
                                 "message into a cut link",
                                 "bits rotted",
                                 "metadata emptied",
                                 "metadata rolled back",
                                 "metadata rebuilt",
                                 "file restored",
                                 "upload lost",
                                 "read of a spoiled sector",
                                 "file lost",
                                 "stalled call"};
  for (const char* kind : {"repeated request", "disk lost", "slot taken over", "slot left",
                           "slot joined", "layout settled", "seen whole"}) {
    if (pods > 1) names.emplace_back(kind);
  }
  for (const Kind& kind : all()) {
    if (pods >= kind.least_pods) names.emplace_back(kind.name);
  }
  return names;
}

// Some kinds not at all, some often: what hides behind others shows where those are away.
Injector::Injector(World& world, Cluster& cluster, std::function<void(const Hash&)> lost,
                   const RunOptions& options)
    : world_(world),
      cluster_(cluster),
      lost_(std::move(lost)),
      rand_(world.rand().fork()),
      pace_(rand_.between(seconds(2), seconds(15))) {
  constexpr std::size_t kTimes[] = {0, 1, 1, 1, 1, 4};
  for (const Kind& kind : all()) {
    const std::size_t times = kTimes[rand_.below(std::size(kTimes))];
    const auto is_in = [&kind](const std::vector<std::string>& names) {
      return std::find(names.begin(), names.end(), kind.name) != names.end();
    };
    const bool wanted = options.only.empty() || is_in(options.only);
    if (!wanted || is_in(options.without)) continue;
    deck_.insert(deck_.end(), options.only.empty() ? times : 1, &kind);
  }
  if (deck_.empty()) deck_.push_back(&all().front());
}

void Injector::start() {
  next();
  start_soon();
}

// Who starts small has grown before long.
void Injector::start_soon() {
  later(rand_.between(seconds(10), seconds(30)), [this] {
    if (stopped_) return;
    if (cluster_.start_another()) world_.count("pod started late");
    start_soon();
  });
}

void Injector::next() {
  later(rand_.between(Duration(0), 2 * pace_), [this] {
    if (stopped_) return;
    const Kind& kind = *rand_.pick(deck_);
    if (cluster_.size() >= kind.least_pods) {
      world_.note(std::string("fault: ") + kind.name);
      world_.count(kind.name);
      (this->*kind.inject)();
    }
    next();
  });
}

void Injector::later(Duration d, std::function<void()> undo) {
  world_.after(d, [running = running_, undo = std::move(undo)] {
    if (*running) undo();
  });
}

void Injector::stop() {
  // What rots last nobody writes over, nor reads all of.
  constexpr std::uint64_t kMany = 200;
  const auto rots = [](const Kind* kind) { return kind->inject == &Injector::rot; };
  if (std::any_of(deck_.begin(), deck_.end(), rots)) rot_bits(kMany);
  *running_ = false;
  stopped_ = true;
  cluster_.network().heal();
  cluster_.set_meta_stalls(false);
  while (cluster_.start_another()) {
  }
  for (std::size_t i = 0; i < cluster_.size(); ++i) {
    Pod& pod = cluster_.pod(i);
    if (!pod.is_mounted()) cluster_.mount(pod);
    pod.disk().heal();
    // A volume that had an error of its disk writes again only after a start.
    if (pod.is_up() && !pod.store().usage().writable) pod.crash(Ending::killed, seconds(1));
  }
}

bool Injector::may_lose(const Pod& pod) {
  Losses& losses = cluster_.losses();
  if (losses.open().contains(pod.index())) return true;
  // Without metadata nobody knows what there is to be lost, or repaired.
  if (cluster_.restorer().is_lost()) return false;
  const auto most = static_cast<std::size_t>(std::max<int>(cluster_.profile().m, 1));
  if (losses.open().size() < most) return true;
  if (auditing_ || world_.now() - losses.last() < kInFlight) return false;
  auditing_ = true;
  begin_audit(cluster_, [this, running = running_](const AuditReport& report) {
    if (!*running) return;
    auditing_ = false;
    if (!report.whole) return;
    const bool seen =
        cluster_.losses().seen_whole(report.objects, report.lost_of_uploads, report.begun);
    if (seen) world_.count("seen whole");
  });
  return false;
}

Pod& Injector::any_pod() { return cluster_.pod(rand_.below(cluster_.size())); }

Duration Injector::a_while() { return rand_.between(seconds(1), seconds(15)); }

// ---- Pods ----

void Injector::kill() { any_pod().crash(Ending::killed, rand_.between(milliseconds(100), kDown)); }

void Injector::lose_power() {
  any_pod().crash(Ending::power_lost, rand_.between(milliseconds(100), kDown));
}

void Injector::lose_power_in_write() {
  any_pod().lose_power_after(rand_.below(6), rand_.between(milliseconds(100), kDown));
}

void Injector::black_out() {
  for (std::size_t i = 0; i < cluster_.size(); ++i) {
    cluster_.pod(i).crash(Ending::power_lost, rand_.between(milliseconds(100), seconds(10)));
  }
}

void Injector::restart() { any_pod().stop_and_start(rand_.between(seconds(1), seconds(20))); }

// Until its slot leaves, if there are pods to spare.
void Injector::stay_away() {
  Pod& pod = any_pod();
  if (cluster_.restorer().is_lost() || !may_lose(pod)) return;
  cluster_.losses().away(pod.index());
  const Duration down = cluster_.settings().cluster.leave_after + seconds(25);
  pod.crash(rand_.chance(0.5) ? Ending::killed : Ending::power_lost, down);
}

void Injector::start_another() { cluster_.start_another(); }

void Injector::jump_clock() {
  const Duration most = cluster_.settings().clock_error;
  any_pod().wall_offset() = rand_.between(-most, most);
}

// ---- Disks ----

void Injector::fail_sync() {
  Pod& pod = any_pod();
  pod.disk().fail_next_sync();
  const Ending ending = rand_.chance(0.5) ? Ending::killed : Ending::power_lost;
  later(rand_.between(seconds(5), seconds(20)), [&pod, ending] { pod.crash(ending, seconds(1)); });
}

void Injector::slow_disk() {
  Disk& disk = any_pod().disk();
  disk.slowness = 300;
  later(a_while(), [&disk] { disk.slowness = 1; });
}

void Injector::fill_disk() {
  Disk& disk = any_pod().disk();
  disk.set_room(rand_.below(600'000));
  later(a_while(), [&disk] { disk.set_room(std::nullopt); });
}

void Injector::replace_disk() {
  Pod& pod = any_pod();
  if (!pod.incarnation() || !may_lose(pod)) return;
  world_.count("disk lost");
  cluster_.losses().add(pod.index(), LossKind::known);
  pod.lose_disk(rand_.between(milliseconds(100), kDown));
}

void Injector::rot() { rot_bits(1 + rand_.below(4)); }

void Injector::rot_bits(std::uint64_t bits) {
  Pod& pod = any_pod();
  if (!may_lose(pod)) return;
  bool any = false;
  for (std::uint64_t i = 0; i < bits; ++i) any |= pod.disk().rot();
  if (!any) return;
  world_.count("bits rotted");
  cluster_.losses().add(pod.index(), LossKind::hidden);
}

void Injector::read_errors() {
  Pod& pod = any_pod();
  if (!pod.incarnation() || !may_lose(pod)) return;
  cluster_.losses().add(pod.index(), LossKind::hidden);
  pod.disk().set_read_errors(0.1);
  later(a_while(), [&pod] { pod.disk().set_read_errors(0); });
}

void Injector::spoil_sectors() {
  Pod& pod = any_pod();
  if (!pod.incarnation() || !may_lose(pod) || !pod.disk().spoil_sectors(false)) return;
  cluster_.losses().add(pod.index(), LossKind::hidden);
}

void Injector::spoil_header() {
  Pod& pod = any_pod();
  if (!pod.incarnation() || !may_lose(pod) || !pod.disk().spoil_sectors(true)) return;
  cluster_.losses().add(pod.index(), LossKind::hidden);
  if (rand_.chance(0.5)) pod.crash(Ending::killed, seconds(1));
}

// The process that runs has it open; the next one does not find it.
void Injector::lose_segment() {
  Pod& pod = any_pod();
  if (!pod.incarnation() || !may_lose(pod) || !pod.disk().lose_segment()) return;
  cluster_.losses().add(pod.index(), LossKind::hidden);
  if (rand_.chance(0.5)) pod.crash(Ending::killed, seconds(1));
}

// It starts on the empty directory below, once. Nobody deletes that disk, so it comes back.
void Injector::unmount_disk() {
  Pod& pod = any_pod();
  if (!pod.incarnation() || !pod.is_mounted() || cluster_.restorer().is_lost()) return;
  if (!may_lose(pod)) return;
  cluster_.losses().away(pod.index());
  cluster_.unmount(pod, rand_.between(milliseconds(100), seconds(5)));
  later(rand_.between(seconds(5), seconds(40)), [this, &pod] {
    if (!pod.is_mounted()) cluster_.mount(pod);
  });
}

// ---- Beyond what is survived ----

void Injector::take_away(const meta::Extent& extent) {
  const std::uint64_t stripe = rand_.below(object::stripe_count(extent));
  for (std::size_t i = 0; i < cluster_.size(); ++i) {
    Pod& pod = cluster_.pod(i);
    if (!pod.is_up()) continue;
    std::vector<RecordKey> keys;
    // One shard fewer than is needed is left.
    for (int shard = extent.profile.k - 1; shard < extent.profile.width(); ++shard) {
      keys.push_back(RecordKey::shard(extent.id, stripe, static_cast<std::uint16_t>(shard)));
    }
    auto remove = [](store::Store& store, std::vector<RecordKey> gone) -> Task<void> {
      (void)co_await store.remove(std::move(gone));
    };
    cluster_.losses().touched(i);
    spawn(pod.life().executor(), pod.life().serving(), remove(pod.store(), std::move(keys)),
          "take away");
  }
}

void Injector::lose_file() {
  if (cluster_.restorer().is_lost()) return;
  std::vector<meta::Object> live = cluster_.objects();
  std::erase_if(live, [](const meta::Object& object) {
    return object.state != meta::ObjectState::live || object.damaged || object.extents.empty();
  });
  if (live.empty()) return;
  const meta::Object& object = rand_.pick(live);
  world_.note("file lost", object.generation);
  world_.count("file lost");
  cluster_.losses().lose_for_good(object.extents);
  take_away(rand_.pick(object.extents));
  lost_(object.hash);
}

void Injector::lose_upload() {
  if (cluster_.restorer().is_lost()) return;
  const std::vector<meta::Extent> extents = cluster_.uploading();
  if (extents.empty()) return;
  const meta::Extent& extent = rand_.pick(extents);
  world_.count("upload lost");
  cluster_.losses().lose_for_good({extent});
  take_away(extent);
}

}  // namespace mas::sim
