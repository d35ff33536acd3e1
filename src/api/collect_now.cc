// The operator's word that what was deleted is to be freed now, without the grace: for good.
#include <algorithm>

#include "api/endpoints.h"
#include "api/params.h"
#include "mas/layout/leavers.h"
#include "mas/object/holders.h"
#include "mas/observe/log.h"

namespace mas::api {
namespace {

constexpr std::string_view kWorker = "collect";

// While any of this holds, less is known than such a word needs.
Result<void> may_free_now(const membership::ClusterView& view) {
  if (view.halted()) return Error(Code::busy, "Nothing is freed now: " + view.halted_why);
  if (view.frozen()) return Error(Code::busy, "Nothing is freed now: " + view.frozen_why);
  if (!view.is_member()) return Error(Code::busy, "This pod is not a member of the cluster yet.");
  for (std::size_t i = 0; i < view.layout.members.size(); ++i) {
    const auto member = static_cast<layout::MemberIndex>(i);
    if (member == view.self || !layout::is_present(view.layout.members[i])) continue;
    if (object::is_down(view, member)) {
      return Error(Code::busy, "Nothing is freed now: " + view.layout.members[i].slot +
                                   " is down, and may be reading what was deleted.");
    }
  }
  return {};
}

Result<void> collects(const maintain::Scheduler& workers) {
  for (const maintain::WorkerStatus& worker : workers.status()) {
    if (worker.name == kWorker && worker.paused) {
      return Error(Code::busy, "The worker collect is paused; resume it first.");
    }
  }
  return {};
}

}  // namespace

Task<Result<Reply>> collect_now(Call& call) {
  const Dependencies& deps = call.services.deps;
  MAS_CO_TRY(std::optional<Hash> hash, optional_hash(call.query, "hash"));
  if (deps.freed == nullptr) co_return Error(Code::busy, "This pod collects nothing.");
  MAS_CO_CHECK(may_free_now(*deps.view.current()));
  MAS_CO_CHECK(collects(deps.workers));
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
  // Wakes it.
  (void)deps.workers.resume(std::string(kWorker));
  const maintain::FreedOutlook outlook = deps.freed->outlook();
  boost::json::object data;
  data["hash"] = hash ? hash->hex() : std::string();
  data["entries"] = outlook.entries;
  data["bytes"] = outlook.bytes;
  co_return success(std::move(data));
}

}  // namespace mas::api
