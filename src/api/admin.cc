// What operators and probes ask: live pods, the state of the cluster, health, metrics.
#include <algorithm>
#include <boost/json/array.hpp>

#include "api/endpoints.h"
#include "api/params.h"
#include "mas/api/api.h"
#include "mas/layout/leavers.h"
#include "mas/membership/leavers.h"
#include "mas/meta/reads_only.h"
#include "mas/observe/log.h"
#include "mas/store/directories.h"

namespace mas::api {
namespace {

using boost::json::array;
using boost::json::object;

constexpr std::size_t kMaxWorkerName = 64;
constexpr std::size_t kMaxSlot = 255;

std::string_view state_name(membership::PodState state) {
  switch (state) {
    case membership::PodState::joining:
      return "joining";
    case membership::PodState::active:
      return "active";
    case membership::PodState::draining:
      return "draining";
  }
  return state == membership::kReturned ? "returned" : "unknown";
}

// Whether a pod that was a member when it last said so is none any more: it was given up, or
// another directory has its name. It stays silent, so that nothing later is heard of it.
bool is_refused(const membership::ClusterView& view, const membership::Pod& pod) {
  const bool was_placed = pod.last.state == membership::PodState::active ||
                          pod.last.state == membership::PodState::draining;
  if (!was_placed || pod.last.layout_version > view.layout.version) return false;
  const layout::MemberIndex member = view.layout.find(pod.last.slot);
  if (member >= view.layout.members.size()) return true;
  const layout::Member& placed = view.layout.members[member];
  return !layout::is_present(placed) || placed.incarnation != pod.last.incarnation;
}

std::string_view state_of(const membership::ClusterView& view, const membership::Pod& pod) {
  if (!pod.alive) return "down";
  return is_refused(view, pod) ? "refused" : state_name(pod.last.state);
}

// An emptied directory's earlier life is over: nobody waits for it.
bool was_replaced(const membership::ClusterView& view, const membership::Pod& pod) {
  layout::MemberIndex member = view.layout.find(pod.last.slot);
  return !pod.alive && member < view.layout.members.size() &&
         view.layout.members[member].incarnation != pod.last.incarnation;
}

// `own`: of this pod, which knows better than what it last told the others.
array describe_pods(const membership::ClusterView& view, const store::Usage& own) {
  array pods;
  for (const membership::Pod& pod : view.pods) {
    if (was_replaced(view, pod)) continue;
    object item;
    item["name"] = pod.last.slot;
    item["state"] = state_of(view, pod);
    item["self"] = pod.self;
    item["api"] = pod.last.api_address;
    item["peer"] = pod.last.peer_address;
    item["zone"] = pod.last.zone;
    item["incarnation"] = pod.last.incarnation.hex();
    item["layout_version"] = pod.last.layout_version;
    item["version"] = pod.last.software;
    item["capacity"] = pod.self ? own.capacity : pod.last.capacity;
    item["used"] = pod.self ? own.live : pod.last.used;
    pods.emplace_back(std::move(item));
  }
  return pods;
}

// Who has left with data that may still be needed.
array describe_leavers(const membership::ClusterView& view) {
  array leavers;
  for (layout::MemberIndex source : layout::sources(view.layout)) {
    const layout::Member& member = view.layout.members[source];
    const membership::Pod* pod = view.pod_of(source);
    leavers.emplace_back(object{{"name", member.slot},
                                {"incarnation", member.incarnation.hex()},
                                {"there", pod != nullptr && pod->alive}});
  }
  return leavers;
}

object describe_worker(const maintain::WorkerStatus& worker) {
  object item;
  item["name"] = worker.name;
  item["paused"] = worker.paused;
  item["running"] = worker.running;
  item["progress"] = worker.progress;
  item["rate"] = worker.rate;
  item["rate_unit"] = worker.rate_unit;
  item["done"] = worker.done;
  item["last_error"] = worker.last_error;
  item["next_run"] = worker.next_run;
  return item;
}

array describe_workers(const std::vector<maintain::WorkerStatus>& workers) {
  array list;
  for (const maintain::WorkerStatus& worker : workers) list.emplace_back(describe_worker(worker));
  return list;
}

array sentences(const std::vector<std::string>& all) {
  array list;
  for (const std::string& sentence : all) list.emplace_back(sentence);
  return list;
}

object describe_capacity(const store::Store& store, const store::Usage& usage) {
  object item;
  item["total"] = usage.capacity;
  item["free"] = usage.free;
  item["stored"] = usage.stored;
  item["live"] = usage.live;
  item["records"] = usage.records;
  item["segments"] = usage.segments;
  item["writable"] = usage.writable;
  item["not_writable_reason"] = usage.not_writable_reason;
  item["absent"] = sentences(store::absent_directories(store));
  item["stopped"] = sentences(usage.stopped);
  return item;
}

// What was deleted and is not given back yet.
object describe_freeing(const maintain::FreedBoard& freed) {
  const maintain::FreedOutlook outlook = freed.outlook();
  auto seconds = [&](Instant due) {
    return std::chrono::ceil<std::chrono::seconds>(freed.until(due)).count();
  };
  object item;
  item["entries"] = outlook.entries;
  item["bytes"] = outlook.bytes;
  item["next"] = seconds(outlook.next);
  item["all"] = seconds(outlook.all);
  item["now"] = freed.told();
  return item;
}

// By number of lost shards, how many stripes, as all pods' last walks of their slices found them.
array describe_redundancy(const maintain::LedgerPicture& picture) {
  array ledger;
  auto add = [&](const maintain::LedgerRow& row) {
    ledger.emplace_back(object{{"lost", row.lost}, {"stripes", row.stripes}, {"bytes", row.bytes}});
  };
  // What is whole is always named, even if it is nothing.
  if (picture.rows.empty() || picture.rows.front().lost > 0) add({});
  for (const maintain::LedgerRow& row : picture.rows) add(row);
  return ledger;
}

object describe_census(const maintain::LedgerSum& sum) {
  object item;
  item["walked"] = sum.picture.walked_at;
  item["beyond_repair"] = sum.picture.beyond_repair;
  item["unexplained"] = sum.unexplained.shards;
  item["strays"] = sum.unexplained.strays;
  item["partial"] = !sum.partial.empty();
  item["partial_because"] = sum.partial;
  return item;
}

Profile current_profile(const Services& services, const membership::ClusterView& view) {
  auto fixed = Profile::parse(services.config.object.erasure);
  return fixed ? *fixed : layout::profile_for(std::max<std::size_t>(view.layout.active_count(), 1));
}

// Pods that may be lost now: the parity less the members that are away already, and no more than
// the worst stripe that the last walk saw.
int survives(const Profile& profile, const membership::ClusterView& view,
             const maintain::LedgerPicture& picture) {
  std::size_t members = std::max<std::size_t>(view.layout.active_count(), 1);
  std::size_t there = 0;
  for (std::size_t i = 0; i < view.layout.members.size(); ++i) {
    const membership::Pod* pod = view.pod_of(static_cast<layout::MemberIndex>(i));
    const bool active = view.layout.members[i].state == layout::MemberState::active;
    there += active && pod != nullptr && pod->alive ? 1 : 0;
  }
  std::size_t away = members - std::min(members, there);
  int left = profile.m - static_cast<int>(away);
  if (picture.survives) left = std::min(left, *picture.survives);
  return std::max(left, 0);
}

std::string summary(int count) {
  return "survives " + std::to_string(count) + (count == 1 ? " pod loss" : " pod losses");
}

// A full disk takes no uploads, but gives out what it has and takes deletions: a pod that was left
// out for it could not even be emptied.
Result<void> store_ready(const store::Usage& usage) {
  if (usage.writable || usage.full) return {};
  return Error(Code::busy, "The store does not write: " + usage.not_writable_reason);
}

Result<void> cluster_ready(const membership::ClusterView& view) {
  if (view.halted()) return Error(Code::busy, view.halted_why);
  if (!view.confirmed || !view.is_member()) {
    return Error(Code::busy, view.waiting.empty() ? "This pod is not a member of the cluster yet."
                                                  : view.waiting.front());
  }
  // What it has not heard of it cannot reach, and what is down it does not wait for.
  for (std::size_t i = 0; i < view.layout.members.size(); ++i) {
    if (!layout::is_present(view.layout.members[i]) || i == view.self) continue;
    const membership::Pod* pod = view.pod_of(static_cast<layout::MemberIndex>(i));
    if (pod != nullptr && (!pod->alive || !pod->last.peer_address.empty())) continue;
    return Error(Code::busy,
                 "This pod has not heard from " + view.layout.members[i].slot + " yet.");
  }
  return {};
}

boost::json::string reads_only_because(const Error& error) {
  return boost::json::string("reads only: " + error.message());
}

}  // namespace

Task<Result<Reply>> server_signal(Call& call) {
  auto view = call.services.deps.view.current();
  array addresses;
  for (const membership::Pod& pod : view->pods) {
    const bool serves =
        pod.alive && pod.last.state != membership::kReturned && !is_refused(*view, pod);
    if (serves) addresses.emplace_back(pod.last.api_address);
  }
  object data;
  data["ip"] = std::move(addresses);
  co_return success(std::move(data));
}

Task<Result<Reply>> cluster_status(Call& call) {
  const Dependencies& deps = call.services.deps;
  auto view = deps.view.current();
  store::Usage usage = deps.store.usage();
  Profile profile = current_profile(call.services, *view);
  maintain::LedgerSum sum = co_await deps.redundancy.sum();
  const maintain::LedgerPicture& picture = sum.picture;
  int count = survives(profile, *view, picture);
  object layout;
  layout["version"] = view->layout.version;
  layout["members"] = view->layout.active_count();
  layout["partitions"] = layout::kPartitions;
  object data;
  data["pods"] = describe_pods(*view, usage);
  data["layout"] = std::move(layout);
  data["left"] = describe_leavers(*view);
  data["profile"] = profile.text();
  data["redundancy"] = describe_redundancy(picture);
  data["ledger"] = describe_census(sum);
  data["workers"] = describe_workers(deps.workers.status());
  object capacity = describe_capacity(deps.store, usage);
  if (deps.freed != nullptr) capacity["freeing"] = describe_freeing(*deps.freed);
  data["capacity"] = std::move(capacity);
  data["survives"] = count;
  data["summary"] = summary(count);
  data["halted"] = view->halted_why;
  data["frozen"] = view->frozen_why;
  data["waiting"] = sentences(view->waiting);
  co_return success(std::move(data));
}

Task<Result<Reply>> cluster_worker(Call& call) {
  maintain::Scheduler& workers = call.services.deps.workers;
  MAS_CO_TRY(std::string name, optional_text(call.query, "name", kMaxWorkerName));
  if (name.empty()) co_return Error(Code::parameter_missing, "Name a worker in name.");
  MAS_CO_TRY(std::optional<bool> paused, optional_flag(call.query, "paused"));
  if (!paused) co_return Error(Code::parameter_missing, "Say paused=1 or paused=0.");
  Result<void> done = *paused ? workers.pause(name) : workers.resume(name);
  if (done.has_error()) {
    co_return Error(Code::parameter_malformed,
                    "There is no worker of this name; /api/cluster/status lists them.");
  }
  log::info("worker.set", {{"worker", name}, {"paused", *paused}});
  for (const maintain::WorkerStatus& worker : workers.status()) {
    if (worker.name == name) co_return success(describe_worker(worker));
  }
  co_return Error(Code::internal, "The worker has gone.");
}

Task<Result<Reply>> cluster_give_up(Call& call) {
  MAS_CO_TRY(std::string name, optional_text(call.query, "name", kMaxSlot));
  if (name.empty()) co_return Error(Code::parameter_missing, "Name a pod in name.");
  if (!call.services.deps.give_up) {
    co_return Error(Code::parameter_malformed, "This pod is alone: nothing is waited for.");
  }
  auto giving_up = call.services.deps.give_up(name);
  Result<std::uint64_t> version = co_await std::move(giving_up);
  if (version.has_error() && version.error().code() == Code::refused) {
    co_return Error(Code::parameter_malformed, version.error().message());
  }
  if (version.has_error()) co_return version.error();
  log::warn("cluster.given_up", {{"pod", name}, {"layout", *version}});
  object data;
  data["name"] = std::move(name);
  data["layout_version"] = *version;
  co_return success(std::move(data));
}

Task<Result<Reply>> healthz(Call&) { co_return success("alive"); }

Task<Result<Reply>> readyz(Call& call) {
  const Dependencies& deps = call.services.deps;
  auto view = deps.view.current();
  Result<void> stores = store_ready(deps.store.usage());
  // A pod alone is ready for what it can still do: nobody else has what it has.
  const bool is_alone = view->layout.members.size() == 1;
  if (stores.has_error() && !is_alone) co_return stores.error();
  MAS_CO_CHECK(cluster_ready(*view));
  const BackendHealth::Answers behind = co_await call.services.backends.check();
  const bool reads_on = is_alone && meta::reads_only(deps.meta) != nullptr;
  if (behind.records.has_error() && !reads_on) co_return behind.records.error();
  if (behind.tokens.has_error()) co_return behind.tokens.error();
  const Result<void>& failed = behind.records.has_error() ? behind.records : stores;
  if (failed.has_error()) co_return success(reads_only_because(failed.error()));
  co_return success("ready");
}

Task<Result<Reply>> metrics_text(Call& call) {
  Reply reply;
  reply.raw = {"text/plain; version=0.0.4; charset=utf-8", call.services.deps.metrics.text()};
  co_return reply;
}

Task<Result<Reply>> openapi(Call&) {
  Reply reply;
  reply.raw = {"application/json", std::string(openapi_document())};
  co_return reply;
}

}  // namespace mas::api
