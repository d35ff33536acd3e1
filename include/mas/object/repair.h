// Keeping stored data whole: which shards are where they belong, making anew those that are not,
// and what readers and scrub found wrong.
//
// A repair is counted only after the new shard was read back and compared. All of it may be done by
// two pods at once: a shard's key and bytes follow from its stripe. Memory is a share of
// config::Object::buffer_budget that nobody else uses, so no request ever waits for a repair.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mas/core/ids.h"
#include "mas/meta/records.h"
#include "mas/runtime/task.h"

namespace mas::object {

// One stripe of a stored extent.
struct StripeRef {
  meta::Extent extent;
  std::uint64_t number = 0;
};

[[nodiscard]] std::uint64_t stripe_count(const meta::Extent& extent);
// Such an object may carry its record in the headers of its shards, and then has no manifests.
[[nodiscard]] bool has_one_stripe(const meta::Object& object);
// Plain bytes of stripe `number`; only the last may be shorter than the stripe size.
[[nodiscard]] std::uint32_t stripe_length(const meta::Extent& extent, std::uint64_t number);

// Where the shards of a stripe, or the copies of a manifest, are; held + absent + away = meant.
struct Standing {
  int meant = 0;
  int needed = 0;  // k, or 1
  int held = 0;    // with their row's holder
  int absent = 0;  // their row's holder answers and does not have them: to be made anew
  int away = 0;    // their row's holder is down or does not answer, or the row is too narrow

  [[nodiscard]] int lost() const noexcept { return meant - held; }
  [[nodiscard]] int spare() const noexcept { return held - needed; }
};

enum class Care : std::uint8_t {
  quick,     // believes holders that say they have a shard
  thorough,  // reads every shard
};

struct Mended {
  Standing standing;          // as it is now
  int rebuilt = 0;            // shards put and verified
  std::uint64_t bytes = 0;    // of them
  bool unreferenced = false;  // nothing refers to it any more: nothing was done
  // Fewer good shards than needed, and every member has answered. What there was has been put in
  // its place.
  bool beyond_repair = false;
};

// Something a reader or scrub found missing or wrong.
struct Hint {
  RecordKey key;                            // of a shard of the stripe, or of a manifest
  std::optional<meta::Extent> extent = {};  // of a shard, where it is known
};

// Of one call.
inline constexpr std::size_t kMostInspected = 512;

// Thread-safe.
class Upkeep {
 public:
  virtual ~Upkeep() = default;

  // Asks the rows' holders, each once; one Standing for each of at most kMostInspected, in order.
  virtual Task<std::vector<Standing>> inspect(std::vector<StripeRef> stripes) = 0;
  // The same of the manifests of live objects and of deletions.
  virtual Task<std::vector<Standing>> inspect_manifests(std::vector<meta::Object> objects) = 0;

  // Rebuilds what is absent out of any k shards, wherever they are. Errors: too_few_pods_read
  // (fewer than k found, and somebody did not answer), those of holders that do not store, and
  // metadata_unavailable. With an error some shards may have been rebuilt.
  virtual Task<Result<Mended>> repair(StripeRef stripe, Care care) = 0;
  // Writes the copies that are absent, from the record. An object of one stripe needs none if its
  // shards carry it: then the standing is whole.
  virtual Task<Result<Mended>> repair_manifest(meta::Object object) = 0;
  // The stripe that a shard belongs to, from the header of any other shard of it; nullopt if there
  // is none to be found.
  virtual Task<std::optional<StripeRef>> stripe_of(RecordKey shard) = 0;

  // Sets or clears the mark of an object that is still of this generation. Fine if it is not.
  virtual Task<Result<void>> mark(meta::Object object, bool damaged) = 0;
  // Reads the whole of it, verified. Errors: damaged, too_few_pods_read.
  virtual Task<Result<void>> read_through(meta::Object object) = 0;

  // A queue of what was found, each stripe once. When it is full, hints are forgotten: the walk
  // over everything finds them too.
  virtual void report(Hint hint) = 0;
  [[nodiscard]] virtual std::optional<Hint> next_hint() = 0;

  // How much longer than usual the slowest hundredth of requests' reads and writes take at present;
  // 1 as usual, or with too few to tell.
  [[nodiscard]] virtual double strain() = 0;
};

}  // namespace mas::object
