#include "mas/membership/membership.h"

namespace mas::membership {

Result<void> judge_generation(GenerationWatch& watch, std::uint64_t known, std::uint64_t taken) {
  if (taken > known) {
    watch.note_generation(taken);
    return {};
  }
  watch.doubt_metadata();
  return Error(Code::metadata_unavailable,
               "The metadata store is older than what this pod has seen; nothing is changed before "
               "`mas rebuild-metadata` has run.");
}

Task<Result<void>> check_metadata(meta::MetaStore& meta, GenerationWatch* watch) {
  if (watch == nullptr) co_return Result<void>();
  const std::uint64_t known = watch->highest_generation();
  MAS_CO_TRY(std::uint64_t taken, co_await meta.next_generation(1));
  co_return judge_generation(*watch, known, taken);
}

}  // namespace mas::membership
