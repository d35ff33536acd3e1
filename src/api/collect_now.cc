// The operator's word that what was deleted is to be freed now, without the grace: for good.
#include "api/endpoints.h"
#include "api/full_disk.h"
#include "api/params.h"
#include "mas/meta/reads_only.h"
#include "mas/observe/log.h"

namespace mas::api {

Task<Result<Reply>> collect_now(Call& call) {
  const Dependencies& deps = call.services.deps;
  MAS_CO_TRY(std::optional<Hash> hash, optional_hash(call.query, "hash"));
  if (deps.freed == nullptr) co_return Error(Code::busy, "This pod collects nothing.");
  if (std::string why = maintain::why_not_freed_now(*deps.view.current()); !why.empty()) {
    co_return Error(Code::busy, "Nothing is freed now: " + why);
  }
  const store::Usage usage = deps.store.usage();
  if (!usage.writable && !usage.full) {
    co_return Error(Code::busy, "Nothing is freed now: " + usage.not_writable_reason);
  }
  if (meta::reads_only(deps.meta) != nullptr) {
    co_return Error(Code::metadata_unavailable,
                    "Nothing is freed now: this pod's metadata can only be read.");
  }
  if (is_collection_paused(deps.workers)) {
    co_return Error(Code::busy, "The worker collect is paused; resume it first.");
  }
  if (hash) {
    MAS_CO_TRY(std::optional<meta::Object> record, co_await deps.meta.find(*hash));
    if (!record) {
      co_return Error(Code::no_such_file, "Nothing that this file left waits to be freed.");
    }
    if (record->state == meta::ObjectState::live) {
      co_return Error(Code::parameter_malformed, "This file is stored; delete it first.");
    }
  }
  if (!deps.freed->ask_now(hash)) {
    co_return Error(Code::busy, "Too many files are asked for at once; try again shortly.");
  }
  log::warn("collect.now", {{"hash", hash ? hash->hex() : std::string("all")}});
  const Result<void> woken = deps.workers.wake(std::string(kCollection));
  if (woken.has_error() && woken.error().code() == Code::busy) {
    co_return Error(Code::busy,
                    "The worker collect was paused meanwhile; it frees this once it is resumed.");
  }
  const maintain::FreedOutlook outlook = deps.freed->outlook();
  boost::json::object data;
  data["hash"] = hash ? hash->hex() : std::string();
  data["entries"] = outlook.entries;
  data["bytes"] = outlook.bytes;
  co_return success(std::move(data));
}

}  // namespace mas::api
