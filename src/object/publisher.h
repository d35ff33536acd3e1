// Makes an object out of extents that are durable: its generation, its manifest, its record.
#pragma once

#include "object/context.h"
#include "object/placement.h"
#include "object/presence.h"

namespace mas::object {

// How an object's manifest becomes durable before the record is committed.
class ManifestStep {
 public:
  virtual ~ManifestStep() = default;
  // `object` has its generation. May be called again with a later one.
  virtual Task<Result<void>> store(const meta::Object& object) = 0;
  // The commit of `object` certainly did not happen: what store() left of it is for nothing.
  virtual Task<void> give_up(const meta::Object& object) = 0;
};

// As records of their own, beside the shards.
class ManifestRecords final : public ManifestStep {
 public:
  explicit ManifestRecords(Context& context) : context_(context) {}
  Task<Result<void>> store(const meta::Object& object) override;
  Task<void> give_up(const meta::Object& object) override;

 private:
  Context& context_;
};

struct Published {
  meta::Object object;  // what stands under the hash now
  bool ours = false;    // false: another live record won; our extents are for nothing
  Presence presence;    // of the other's content, which is enough
};

// Commits `object` (all but its generations filled in) in place of whatever may be replaced: a
// deleted record, a damaged one, or one whose content is not known to be there in full, for then
// nothing may be thrown away that was sent.
// `upload`: the one its extents are registered with, if any. If it fails, the caller may give its
// extents up: should the commit have taken effect after all, they have an owner and stay.
// Errors: metadata_unavailable, busy, those of the step; too_few_pods_write (an empty file whose
// manifest can be neither found nor written).
Task<Result<Published>> publish(Context& context, meta::Object object, std::optional<Id128> upload,
                                ManifestStep& manifest);

// Live and not damaged: content that need not be stored again, if it is there.
[[nodiscard]] bool is_usable(const std::optional<meta::Object>& record);
// The usable record of `hash`, nullopt if there is none; whether its content is there is another
// question. A metadata store that was set back is not believed, for what it has may be deleted.
// Errors: metadata_unavailable.
Task<Result<std::optional<meta::Object>>> find_usable(Context& context, Hash hash);
// The same of content that need not be sent: enough of it is there, or was a moment ago.
Task<Result<std::optional<meta::Object>>> find_stored(Context& context, Hash hash);

}  // namespace mas::object
