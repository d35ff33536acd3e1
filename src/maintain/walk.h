// One pass over everything stored in some slices: live objects, the parts of open and sealed
// uploads and what is durable of bodies on their way, and the manifests of deletions, as batches of
// stripes and manifests.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "mas/maintain/ledger.h"
#include "mas/meta/meta_store.h"
#include "mas/object/repair.h"

namespace mas::maintain {

// What a stripe belongs to.
struct Subject {
  std::size_t slice = 0;
  // Without its extents; nullopt: an upload.
  std::optional<meta::Object> object;
  bool short_of_shards = false;  // a stripe of it has fewer than k
};

struct WalkBatch {
  std::vector<object::StripeRef> stripes;          // at most object::kMostInspected
  std::vector<std::shared_ptr<Subject>> subjects;  // for each stripe
  // Of the objects that begin here, and of deletions.
  std::vector<meta::Object> manifests;
};

class Walk {
 public:
  enum class Contents : std::uint8_t { all, objects, uploads };

  Walk(meta::MetaStore& meta, const SliceSet& slices, Contents contents = Contents::all)
      : meta_(meta), slices_(slices), contents_(contents) {}

  // nullopt at the end. After an error the next call goes on where this one stopped.
  Task<Result<std::optional<WalkBatch>>> next();
  // Share of the slices that are done.
  [[nodiscard]] double progress() const;

 private:
  struct Entry {
    std::shared_ptr<Subject> subject;
    std::vector<meta::Extent> extents;
  };

  // Adds stripes of the entry in front; drops it when it is through.
  void take_stripes();
  // Reads more entries, or goes on to the next slice.
  Task<Result<void>> load();
  Task<Result<void>> load_objects();
  void end_objects();
  Task<Result<void>> load_uploads();
  void end_slice();
  Task<Result<std::vector<meta::Extent>>> extents_of(Id128 upload);

  meta::MetaStore& meta_;
  const SliceSet slices_;
  const Contents contents_;
  WalkBatch batch_;  // being filled
  std::deque<Entry> entries_;
  std::size_t extent_ = 0;  // of the entry in front
  std::uint64_t stripe_ = 0;

  std::size_t slice_ = 0;
  bool objects_done_ = false;
  std::optional<Hash> after_object_;
  std::optional<Id128> after_upload_;
};

}  // namespace mas::maintain
