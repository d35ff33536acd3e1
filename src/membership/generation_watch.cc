#include "mas/membership/membership.h"

namespace mas::membership {
namespace {

Error not_believed() {
  return {Code::metadata_unavailable,
          "The metadata store is older than what this pod has seen; nothing is changed before `mas "
          "rebuild-metadata` has run."};
}

}  // namespace

Task<Result<std::uint64_t>> take_generations(meta::MetaStore& meta, GenerationWatch* watch,
                                             std::uint32_t count) {
  if (watch == nullptr) co_return co_await meta.next_generation(count);
  if (watch->doubts_metadata()) co_return not_believed();
  const std::uint64_t known = watch->highest_generation();
  auto taking = meta.next_generation_after(known, count);
  Result<std::uint64_t> first = co_await std::move(taking);
  if (first.has_error() && first.error().code() == Code::refused) {
    watch->doubt_metadata(known);
    co_return not_believed();
  }
  if (first.has_value()) watch->note_generation(*first + count - 1);
  co_return first;
}

}  // namespace mas::membership
