#include "sim/audit.h"

#include <algorithm>

#include "mas/codec/stripe.h"
#include "mas/layout/leavers.h"
#include "mas/object/repair.h"
#include "sim/at_once.h"

namespace mas::sim {
namespace {

// Something that has to be there `width` times; `needed` of them make it readable.
struct Subject {
  std::string what;
  int width = 0;
  int needed = 0;
  bool excused = false;
  int good = 0;
  // Where the record stands in the shards' headers instead: these count, too.
  bool carried = false;
  std::optional<Id128> of_upload = {};  // the extent
};

struct Question {
  RecordKey key;
  std::size_t subject;
  // Of an object of one stripe: the subject that is its manifest.
  std::optional<std::size_t> manifest = {};
};

struct Look {
  Cluster& cluster;
  AuditReport report;
  std::function<void(AuditReport)> done;
  std::vector<Subject> subjects;
  std::map<std::size_t, std::vector<Question>> questions;  // by pod
  std::size_t open = 0;
  bool disturbed = false;
};

void fail(Look& look, const std::string& what) {
  if (look.report.missing.empty()) look.report.missing = what;
}

// The shard's header if its bytes are those it was written with.
Task<std::optional<codec::ShardHeader>> good_shard(store::Store& store, RecordKey key) {
  Result<Slice> record = co_await store.read(key, 0, UINT32_MAX);
  if (record.has_error() || record->size() < codec::kHeaderPrefix) co_return std::nullopt;
  Result<std::size_t> size = codec::header_size(record->view());
  if (size.has_error() || *size > record->size()) co_return std::nullopt;
  Result<codec::ShardHeader> header = codec::parse_header(record->view().first(*size));
  if (header.has_error()) co_return std::nullopt;
  Result<void> fine = codec::verify_blocks(*header, 0, record->view().subspan(*size));
  if (fine.has_error()) co_return std::nullopt;
  co_return *std::move(header);
}

Task<bool> good_manifest(store::Store& store, RecordKey key) {
  Result<Slice> record = co_await store.read(key, 0, UINT32_MAX);
  if (record.has_error()) co_return false;
  Result<meta::Object> object = meta::decode_object(as_text(record->view()));
  co_return object.has_value() && object->generation == key.major;
}

void conclude(Look& look) {
  if (look.disturbed) fail(look, "a pod went down meanwhile");
  for (const Subject& subject : look.subjects) {
    if (subject.good == subject.width || subject.carried) continue;
    if (subject.excused && subject.good < subject.needed) {
      if (subject.of_upload) look.report.lost_of_uploads.push_back(*subject.of_upload);
      continue;
    }
    fail(look, subject.what + ": " + std::to_string(subject.good) + " of " +
                   std::to_string(subject.width) + " are good");
  }
  look.report.whole = look.report.missing.empty();
  look.done(std::move(look.report));
}

Task<void> ask_pod(std::shared_ptr<Look> look, Life* life, store::Store* store, std::size_t pod) {
  for (const Question& question : look->questions[pod]) {
    Subject& subject = look->subjects[question.subject];
    if (question.key.kind == RecordKind::manifest) {
      const bool good = co_await good_manifest(*store, question.key);
      subject.good += good ? 1 : 0;
      continue;
    }
    const auto header = co_await good_shard(*store, question.key);
    if (!header) continue;
    ++subject.good;
    if (question.manifest && !header->manifest.empty()) {
      look->subjects[*question.manifest].carried = true;
    }
  }
  look->disturbed |= life->is_over();
  if (--look->open > 0) co_return;
  auto end = [look] { conclude(*look); };
  look->cluster.world().soon(end);
}

// ---- What to ask ----

class Planner {
 public:
  Planner(Look& look, layout::Layout layout) : look_(look), layout_(std::move(layout)) {}

  void add(const meta::Object& object) {
    look_.report.objects.push_back(object);
    const bool excused = look_.cluster.losses().is_excused(object);
    const std::string name = "file " + object.hash.hex().substr(0, 8);
    const Profile profile = look_.cluster.profile();
    const std::size_t manifest = subject(name + "'s manifest", profile.m + 1, 1, excused);
    for (int copy = 0; copy <= profile.m; ++copy) {
      const auto number = static_cast<std::uint16_t>(copy);
      ask(layout::partition_of(object.hash), number,
          {RecordKey::manifest(object.hash, object.generation, number), manifest});
    }
    for (const meta::Extent& extent : object.extents) {
      const bool one = object::has_one_stripe(object);
      add(name, extent, excused, one ? std::optional(manifest) : std::nullopt);
    }
  }

  void add_upload(const meta::Extent& extent) {
    const Losses& losses = look_.cluster.losses();
    const bool excused = !losses.open().empty() || losses.is_lost_for_good(extent.id) ||
                         losses.is_known_lost(extent.id);
    const std::size_t first = look_.subjects.size();
    add("an upload", extent, excused, std::nullopt);
    for (std::size_t i = first; i < look_.subjects.size(); ++i) {
      look_.subjects[i].of_upload = extent.id;
    }
  }

  void add(const std::string& name, const meta::Extent& extent, bool excused,
           std::optional<std::size_t> manifest) {
    for (std::uint64_t stripe = 0; stripe < object::stripe_count(extent); ++stripe) {
      const std::size_t about =
          subject(name + ", extent " + extent.id.hex().substr(0, 8) + ", stripe " +
                      std::to_string(stripe) + ", profile " + extent.profile.text(),
                  extent.profile.width(), extent.profile.k, excused);
      for (int shard = 0; shard < extent.profile.width(); ++shard) {
        const auto number = static_cast<std::uint16_t>(shard);
        ask(layout::partition_of(extent.id, stripe), number,
            {RecordKey::shard(extent.id, stripe, number), about, manifest});
      }
    }
  }

 private:
  std::size_t subject(std::string what, int width, int needed, bool excused) {
    look_.subjects.push_back({std::move(what), width, needed, excused});
    return look_.subjects.size() - 1;
  }

  void ask(std::uint32_t partition, std::uint16_t position, Question question) {
    const auto& row = layout_.row(partition);
    Pod* pod = position < row.size() ? look_.cluster.pod_of(layout_, row[position]) : nullptr;
    if (pod == nullptr || !pod->is_serving()) {
      look_.disturbed = true;
      return;
    }
    look_.questions[pod->index()].push_back(std::move(question));
  }

  Look& look_;
  const layout::Layout layout_;
};

void plan(Look& look) {
  Cluster& cluster = look.cluster;
  layout::Layout layout = cluster.layout();
  if (layout.rows.empty() || !layout.is_settled()) fail(look, "the layout is not settled");
  if (layout.rows.empty()) return;
  Planner planner(look, std::move(layout));
  for (const meta::Object& object : cluster.objects()) {
    if (object.state == meta::ObjectState::live) planner.add(object);
  }
  for (const meta::Extent& extent : cluster.uploading()) planner.add_upload(extent);
}

}  // namespace

void begin_audit(Cluster& cluster, std::function<void(AuditReport)> done) {
  auto look = std::make_shared<Look>(Look{cluster, {}, std::move(done), {}, {}});
  look->report.begun = cluster.world().now();
  plan(*look);
  look->open = look->questions.size();
  if (look->open == 0) {
    auto end = [look] { conclude(*look); };
    cluster.world().soon(end);
    return;
  }
  for (const auto& [index, asked] : look->questions) {
    Pod& pod = cluster.pod(index);
    spawn(pod.life().executor(), pod.life().serving(),
          ask_pod(look, &pod.life(), &pod.store(), index), "audit");
  }
}

void check_settled(Cluster& cluster, const layout::Layout& before) {
  const auto has = [&](layout::MemberIndex member, const RecordKey& key) -> std::optional<bool> {
    if (!layout::is_present(before.members[member])) return std::nullopt;
    Pod* pod = cluster.pod_of(before, member);
    if (pod == nullptr || !pod->is_serving()) return std::nullopt;
    return at_once(pod->store().stat(key)).has_value();
  };
  for (const meta::Object& object : cluster.objects()) {
    if (object.state != meta::ObjectState::live || object.damaged) continue;
    for (const meta::Extent& extent : object.extents) {
      for (std::uint64_t stripe = 0; stripe < object::stripe_count(extent); ++stripe) {
        const std::uint32_t partition = layout::partition_of(extent.id, stripe);
        const auto& previous = before.previous_row(partition);
        const auto& row = before.row(partition);
        const std::size_t width = std::min(
            {previous.size(), row.size(), static_cast<std::size_t>(extent.profile.width())});
        for (std::size_t shard = 0; shard < width; ++shard) {
          const auto key = RecordKey::shard(extent.id, stripe, static_cast<std::uint16_t>(shard));
          if (row[shard] == previous[shard] || has(row[shard], key) != false) continue;
          if (has(previous[shard], key) != true) continue;
          cluster.world().violate("the layout settles while shard " + std::to_string(shard) +
                                  " of " + extent.id.hex() + " is only with its previous holder");
          return;
        }
      }
    }
  }
}

AuditReport audit(World& world, Cluster& cluster) {
  auto report = std::make_shared<std::optional<AuditReport>>();
  auto keep = [report](AuditReport found) { *report = std::move(found); };
  begin_audit(cluster, keep);
  const auto done = [&] { return report->has_value(); };
  MAS_ASSERT(world.run_until(done, std::chrono::hours(1), true));
  return **std::move(report);
}

bool has_manifest(Cluster& cluster, const meta::Object& deleted) {
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    if (!cluster.pod(i).is_up()) continue;
    for (std::uint16_t copy = 0; copy < layout::kMaxWidth; ++copy) {
      const auto key = RecordKey::manifest(deleted.hash, deleted.generation, copy);
      if (at_once(cluster.pod(i).store().stat(key)).has_value()) return true;
    }
  }
  return false;
}

}  // namespace mas::sim
