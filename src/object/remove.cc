#include "object/remove.h"

#include "mas/observe/log.h"
#include "object/find.h"
#include "object/stripe_writer.h"

namespace mas::object {
namespace {

constexpr int kAttempts = 5;

// The record as this call's condemnation left it, if an error hides that it took effect.
Task<Result<meta::Object>> settle(Context& context, const Hash& hash, std::uint64_t deletion,
                                  Error doubt) {
  if (!doubt.maybe_happened()) co_return doubt;
  Result<std::optional<meta::Object>> now = co_await context.deps.meta.find(hash);
  if (now.has_error() || !*now) co_return doubt;
  bool ours = (*now)->state == meta::ObjectState::condemned && (*now)->generation == deletion;
  if (!ours) co_return doubt;
  co_return **std::move(now);
}

Task<Result<meta::Object>> condemn(Context& context, const Hash& hash) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    MAS_CO_TRY(std::optional<meta::Object> current, co_await context.deps.meta.find(hash));
    if (!current || current->state != meta::ObjectState::live) co_return no_such_file();
    MAS_CO_TRY(std::uint64_t deletion, co_await context.generations.next());
    Result<meta::Object> condemned = co_await context.deps.meta.condemn(
        hash, current->generation, deletion, context.now_seconds());
    if (condemned.has_value()) co_return condemned;
    if (condemned.error().code() != Code::conflict) {
      co_return co_await settle(context, hash, deletion, condemned.error());
    }
  }
  co_return Error(Code::busy, "This file is being changed by others; try again shortly.");
}

}  // namespace

Task<Result<void>> remove_object(Context& context, Hash hash) {
  Result<meta::Object> condemned = co_await condemn(context, hash);
  // Whatever came of it, the next look-up asks the store.
  context.records.drop(hash);
  if (condemned.has_error()) co_return condemned.error();
  // The deletion stands in the metadata; its manifest only matters to a rebuild, and whoever finds
  // it missing writes it. A full disk must not keep anybody from deleting.
  Result<Durability> written = co_await write_manifest(context, *condemned);
  if (written.has_error()) {
    log::warn("deletion manifest not written", {{"hash", hash.hex()}, {"error", written.error()}});
  }
  co_return Result<void>();
}

}  // namespace mas::object
