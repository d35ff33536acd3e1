#include "app/local/compare.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "mas/object/holders.h"
#include "mas/object/repair.h"

namespace mas::app {
namespace {

constexpr std::uint32_t kPage = 1000;
constexpr std::uint32_t kFreedPage = 1000;
constexpr std::size_t kReferencedPage = 256;
// Of each kind; beyond that only their number is said.
constexpr std::size_t kMostNamed = 1000;

class Comparing {
 public:
  Comparing(meta::MetaStore& meta, const std::vector<store::CheckedRecord>& inventory)
      : meta_(meta), inventory_(inventory) {}

  Task<Result<Comparison>> run() {
    MAS_CO_TRY(layout_, co_await meta_.current_layout());
    if (layout_ && layout_->members.size() > 1) {
      co_return Error(Code::refused, "The metadata is that of a cluster of several pods.");
    }
    MAS_CO_CHECK(co_await look_at_objects());
    MAS_CO_CHECK(co_await look_at_uploads());
    MAS_CO_CHECK(co_await look_for_orphans());
    look_for_twins();
    result_.compared = true;
    co_return std::move(result_);
  }

 private:
  // What of one file or part is not as it should be.
  struct Missing {
    std::uint64_t stripes = 0;  // in all
    std::uint64_t damaged = 0;  // of which some shard is there and not sound
    std::uint64_t gone = 0;     // of which some shard is not there
    [[nodiscard]] bool any() const { return damaged + gone > 0; }
  };

  const store::CheckedRecord* find(const RecordKey& key) const {
    auto at = std::lower_bound(inventory_.begin(), inventory_.end(), key,
                               [](const store::CheckedRecord& record, const RecordKey& wanted) {
                                 return record.key < wanted;
                               });
    return at != inventory_.end() && at->key == key ? &*at : nullptr;
  }

  // Whether shard or copy `position` of this partition belongs on this pod.
  bool is_meant_here(std::uint32_t partition, std::size_t position) const {
    return layout_ && object::row_holder(*layout_, partition, position).has_value();
  }

  void look_at_extents(const std::vector<meta::Extent>& extents, Missing& missing) const {
    for (const meta::Extent& extent : extents) {
      const std::uint64_t stripes = object::stripe_count(extent);
      for (std::uint64_t number = 0; number < stripes; ++number) {
        ++missing.stripes;
        const std::uint32_t partition = layout::partition_of(extent.id, number);
        bool is_gone = false;
        bool is_damaged = false;
        for (int shard = 0; shard < extent.profile.width(); ++shard) {
          const auto position = static_cast<std::uint16_t>(shard);
          if (!is_meant_here(partition, position)) continue;
          const auto* record = find(RecordKey::shard(extent.id, number, position));
          is_gone |= record == nullptr;
          is_damaged |= record != nullptr && !record->is_sound;
        }
        missing.gone += is_gone ? 1 : 0;
        missing.damaged += !is_gone && is_damaged ? 1 : 0;
      }
    }
  }

  Task<Result<void>> look_at_objects() {
    meta::ListQuery query;
    query.limit = kPage;
    query.include_condemned = true;
    do {
      MAS_CO_TRY(meta::ObjectPage page, co_await meta_.list(query));
      for (const meta::Object& object : page.objects) look_at(object);
      query.after = page.next;
    } while (query.after);
    co_return Result<void>();
  }

  void look_at(const meta::Object& object) {
    if (object.state != meta::ObjectState::live) return;
    ++result_.objects;
    const std::string who = "file " + object.hash.hex() + " (" + object.name + "): ";
    Missing missing;
    look_at_extents(object.extents, missing);
    if (missing.any()) problem(who + describe(missing));
    // An object of one stripe may carry its record in its shards.
    if (object::has_one_stripe(object)) return;
    if (!is_meant_here(layout::partition_of(object.hash), 0)) return;
    const auto* manifest = find(RecordKey::manifest(object.hash, object.generation, 0));
    if (manifest == nullptr) {
      problem(who + "its manifest is missing.");
    } else if (!manifest->is_sound) {
      problem(who + "its manifest is damaged.");
    }
  }

  static std::string describe(const Missing& missing) {
    std::string text = "of " + std::to_string(missing.stripes) + " stripes ";
    if (missing.gone > 0) text += std::to_string(missing.gone) + " are missing";
    if (missing.gone > 0 && missing.damaged > 0) text += " and ";
    if (missing.damaged > 0) text += std::to_string(missing.damaged) + " are damaged";
    return text + ".";
  }

  Task<Result<void>> look_at_uploads() {
    std::optional<Id128> after;
    for (;;) {
      MAS_CO_TRY(std::vector<meta::Upload> page, co_await meta_.uploads(after, kPage));
      for (const meta::Upload& upload : page) {
        ++result_.uploads;
        MAS_CO_CHECK(co_await look_at(upload));
        after = upload.id;
      }
      if (page.size() < kPage) co_return Result<void>();
    }
  }

  Task<Result<void>> look_at(meta::Upload upload) {
    std::uint32_t after = 0;
    for (;;) {
      MAS_CO_TRY(std::vector<meta::Part> page, co_await meta_.parts(upload.id, after, kPage));
      for (const meta::Part& part : page) {
        Missing missing;
        look_at_extents(part.extents, missing);
        if (missing.any()) {
          problem("upload of " + upload.hash.hex() + " (" + upload.name + "), part " +
                  std::to_string(part.number) + ": " + describe(missing));
        }
        after = part.number;
      }
      if (page.size() < kPage) co_return Result<void>();
    }
  }

  // Shards of one extent.
  struct Held {
    std::uint64_t shards = 0;
    bool is_one_stripe = true;
  };

  // Extents whose shards wait to be collected. Notes the manifests that do in freed_manifests_.
  Task<Result<std::set<Id128>>> freed_extents() {
    std::set<Id128> freed;
    std::uint64_t after = 0;
    for (;;) {
      MAS_CO_TRY(std::vector<meta::FreedEntry> page, co_await meta_.freed(after, kFreedPage));
      for (const meta::FreedEntry& one : page) {
        if (one.manifests) {
          freed_manifests_[one.manifests->hash].push_back(*one.manifests);
        } else {
          freed.insert(one.extent.id);
        }
        after = one.sequence;
      }
      if (page.size() < kFreedPage) co_return freed;
    }
  }

  Task<Result<void>> look_for_orphans() {
    MAS_CO_TRY(const std::set<Id128> freed, co_await freed_extents());
    std::vector<Id128> asked;
    std::vector<Held> held;  // of each
    for (std::size_t i = 0; i < inventory_.size(); ++i) {
      const RecordKey& key = inventory_[i].key;
      if (key.kind != RecordKind::shard) {
        MAS_CO_CHECK(co_await look_for_owner_of_manifest(key));
        continue;
      }
      if (asked.empty() || asked.back() != key.extent()) {
        if (asked.size() == kReferencedPage) {
          MAS_CO_CHECK(co_await look_for_owners(asked, held, freed));
          asked.clear();
          held.clear();
        }
        asked.push_back(key.extent());
        held.emplace_back();
      }
      ++held.back().shards;
      held.back().is_one_stripe &= key.major == 0;
    }
    if (!asked.empty()) MAS_CO_CHECK(co_await look_for_owners(asked, held, freed));
    co_return Result<void>();
  }

  Task<Result<void>> look_for_owners(const std::vector<Id128>& extents,
                                     const std::vector<Held>& held, const std::set<Id128>& freed) {
    MAS_CO_TRY(const std::vector<bool> referenced, co_await meta_.referenced(extents));
    for (std::size_t i = 0; i < extents.size(); ++i) {
      if (referenced.at(i) || freed.count(extents[i]) != 0) continue;
      // An upload of one stripe has no record before it is complete: a crash leaves its shards.
      const std::string sentence = "orphaned: " + std::to_string(held[i].shards) +
                                   " shards of extent " + extents[i].hex() +
                                   ", which no file, upload or deletion refers to.";
      if (held[i].is_one_stripe) {
        note(sentence);
      } else {
        problem(sentence);
      }
    }
    co_return Result<void>();
  }

  // Older generations than the record's are left by commits that replaced each other, and one
  // without a record by a crash before its commit.
  Task<Result<void>> look_for_owner_of_manifest(RecordKey key) {
    MAS_CO_TRY(const std::optional<meta::Object> object, co_await meta_.find(key.hash()));
    if (object && object->generation == key.major) co_return Result<void>();
    if (waits_to_be_collected(key, object)) co_return Result<void>();
    const std::string what =
        "manifest of " + key.hash().hex() + " of generation " + std::to_string(key.major);
    if (object && key.major < object->generation) {
      note(what + ": A later one has replaced it.");
    } else {
      note("orphaned: " + what + ", which no file or deletion refers to.");
    }
    co_return Result<void>();
  }

  // Listed as freed, or from before a deletion that lists it once the grace is over.
  bool waits_to_be_collected(const RecordKey& key,
                             const std::optional<meta::Object>& object) const {
    const bool deleted = object && object->state == meta::ObjectState::condemned;
    if (deleted && object->released == 0 && key.major < object->generation) return true;
    const auto ranges = freed_manifests_.find(key.hash());
    if (ranges == freed_manifests_.end()) return false;
    return std::any_of(
        ranges->second.begin(), ranges->second.end(),
        [&key](const meta::ManifestRange& range) { return range.covers(key.hash(), key.major); });
  }

  void look_for_twins() {
    for (const store::CheckedRecord& record : inventory_) {
      if (!record.is_twice) continue;
      const bool is_shard = record.key.kind == RecordKind::shard;
      problem("there twice: " +
              (is_shard ? "shard " + std::to_string(record.key.minor) + " of stripe " +
                              std::to_string(record.key.major) + " of extent " +
                              record.key.extent().hex()
                        : "manifest of " + record.key.hash().hex()) +
              ", in more than one data directory.");
    }
  }

  void problem(std::string sentence) { add(result_.problems, std::move(sentence)); }
  void note(std::string sentence) { add(result_.notes, std::move(sentence)); }
  static void add(std::vector<std::string>& list, std::string sentence) {
    if (list.size() < kMostNamed) {
      list.push_back(std::move(sentence));
    } else if (list.size() == kMostNamed) {
      list.emplace_back("There is more that is not named here.");
    }
  }

  meta::MetaStore& meta_;
  const std::vector<store::CheckedRecord>& inventory_;
  std::optional<layout::Layout> layout_;
  std::map<Hash, std::vector<meta::ManifestRange>> freed_manifests_;
  Comparison result_;
};

}  // namespace

Task<Result<Comparison>> compare(meta::MetaStore& meta,
                                 const std::vector<store::CheckedRecord>& inventory) {
  Comparing comparing(meta, inventory);
  co_return co_await comparing.run();
}

}  // namespace mas::app
