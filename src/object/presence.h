// What the holders of stored content have of it right now. Publishing, deduplication, instant
// upload, finishing and receipts all go by this one question; none of them by what was written.
#pragma once

#include <vector>

#include "mas/object/objects.h"
#include "mas/runtime/clock.h"
#include "object/placement.h"

namespace mas::object {

struct Context;

// How old a look at an object's shards may be when it is acknowledged.
inline constexpr Duration kFreshLook = std::chrono::seconds(1);

struct Presence {
  enum class Verdict : std::uint8_t {
    enough,   // of every stripe write_minimum() shards of its extent's own profile are there
    too_few,  // of some stripe fewer are, whatever those would say who are silent
    unknown,  // else: those who are silent decide it
  };
  Verdict verdict = Verdict::enough;
  Durability worst;  // of what was looked at
  std::vector<std::size_t>
      too_few;                  // indices of extents with a stripe that has too few for certain
  std::vector<StripeRef> weak;  // readable ones below their minimum; at most kMostWeak

  static constexpr std::size_t kMostWeak = 1024;
  [[nodiscard]] bool enough() const noexcept { return verdict == Verdict::enough; }
};

enum class LookUntil : std::uint8_t {
  end,   // to know the worst
  lack,  // until it is clear that it is not enough
};

// Asks the holders of every stripe, in batches; where a row changes, its previous holders too if
// the minimum needs them. Never fails. Holders that are silent are waited for only where the
// minimum needs them. Without extents nothing is asked, and the worst is that of a whole manifest.
Task<Presence> check_presence(Context& context, std::vector<meta::Extent> extents,
                              LookUntil until = LookUntil::end);
// The same of an object; an empty file is there if its manifest is.
Task<Presence> check_presence(Context& context, meta::Object object,
                              LookUntil until = LookUntil::end);
// The same after weak stripes were repaired, as far as they can be now, and what was repaired was
// looked at again.
Task<Presence> secure_presence(Context& context, std::vector<meta::Extent> extents);
// Of an object; an empty file's manifest is written again where it is missing.
Task<Presence> secure_presence(Context& context, meta::Object object);

// The receipt of an object that was published just now, whose stripes had at least `stood` at some
// time from `since` on. Where that is more than a moment ago, as after a standstill, its holders
// are asked again. Errors: too_few_pods_write (too much of it was lost meanwhile, or may have
// been).
Task<Result<Receipt>> fresh_receipt(Context& context, meta::Object object, Durability stood,
                                    Instant since);
[[nodiscard]] Receipt make_receipt(meta::Object object, const Presence& presence);
// What a caller is told whose content is not known to be there. Errors: too_few_pods_write.
[[nodiscard]] Error holders_silent();

}  // namespace mas::object
