#include "maintain/freed_remover.h"

#include "maintain/own_records.h"
#include "mas/observe/log.h"

namespace mas::maintain {

FreedRemover::FreedRemover(const Dependencies& deps)
    : deps_(deps),
      shards_(deps.metrics.counter("mas_collect_shards_total", "Shards removed as garbage.")),
      manifests_(deps.metrics.counter("mas_collect_manifests_total",
                                      "Manifests removed that nothing needs any more.")),
      refused_(deps.metrics.counter("mas_collect_refused_total",
                                    "Freed extents and manifests found to be needed; none should "
                                    "ever be.")) {}

Task<Result<void>> FreedRemover::remove(meta::FreedEntry freed) {
  if (freed.manifests) co_return co_await remove_range(*freed.manifests);
  co_return co_await remove_extent(freed.extent.id);
}

// All manifests this pod has of `range`, but for the one that the record goes by.
Task<Result<void>> FreedRemover::remove_range(meta::ManifestRange range) {
  std::vector<Hash> asked{range.hash};
  MAS_CO_TRY(auto versions, co_await deps_.meta.versions(std::move(asked)));
  const std::uint64_t kept = versions.at(0).generation;
  std::vector<meta::ManifestRange> ranges{range};
  if (kept > 0 && range.covers(range.hash, kept)) {
    refused_.add();
    log::warn("collect.manifest_needed", {{"hash", range.hash.hex()}, {"generation", kept}});
    ranges.clear();
    if (kept > range.first) ranges.push_back({range.hash, range.first, kept - 1});
    if (kept < range.last) ranges.push_back({range.hash, kept + 1, range.last});
  }
  for (const meta::ManifestRange& one : ranges) {
    MAS_CO_TRY(std::uint64_t removed, co_await remove_manifests(deps_.store, one));
    manifests_.add(static_cast<double>(removed));
  }
  co_return Result<void>();
}

// All shards this pod has of `extent`, if the metadata agrees that nothing refers to it.
Task<Result<void>> FreedRemover::remove_extent(Id128 extent) {
  std::vector<Id128> asked{extent};
  MAS_CO_TRY(auto referenced, co_await deps_.meta.referenced(std::move(asked)));
  if (referenced.at(0)) {
    refused_.add();
    log::error("a freed extent is referred to; collection stops", {{"extent", extent.hex()}});
    co_return Error(Code::internal, "A freed extent is still referred to; nothing is collected.");
  }
  MAS_CO_TRY(std::uint64_t removed, co_await remove_shards(deps_.store, extent));
  shards_.add(static_cast<double>(removed));
  co_return Result<void>();
}

}  // namespace mas::maintain
