#include "api/full_disk.h"

#include <algorithm>

#include "mas/core/units.h"

namespace mas::api {
namespace {

using std::chrono::seconds;

// Seconds. The first: an operator may have made room meanwhile; the last: so that it is tried again
// on the same day.
constexpr std::int64_t kSoonest = 30;
constexpr std::int64_t kLatest = 3600;
constexpr Duration kJustBefore = seconds(1);

std::string in(Duration wait) {
  if (wait < std::chrono::minutes(1)) return "now";
  const auto minutes = std::chrono::ceil<std::chrono::minutes>(wait);
  if (minutes < std::chrono::minutes(120)) {
    return "in " + std::to_string(minutes.count()) + " minutes";
  }
  return "in " + std::to_string(std::chrono::ceil<std::chrono::hours>(wait).count()) + " hours";
}

void wake_collection(const Dependencies& deps) {
  (void)deps.workers.wake(std::string(kCollection));
}

}  // namespace

bool is_collection_paused(const maintain::Scheduler& workers) {
  const std::vector<maintain::WorkerStatus> all = workers.status();
  return std::any_of(all.begin(), all.end(), [](const maintain::WorkerStatus& worker) {
    return worker.name == kCollection && worker.paused;
  });
}

void look_what_waits(const Dependencies& deps) {
  if (deps.freed != nullptr && deps.freed->outlook_age() >= kJustBefore) wake_collection(deps);
}

void note_full_disk(const Dependencies& deps) {
  if (deps.freed == nullptr) return;
  // Before the first time it looks seldom, so that what it has just seen is not enough.
  const bool is_known = deps.freed->note_full();
  if (!is_known || deps.freed->outlook_age() >= kJustBefore) wake_collection(deps);
}

void explain_full_disk(Reply& reply, const maintain::FreedBoard* freed) {
  if (freed == nullptr) return;
  const maintain::FreedOutlook outlook = freed->outlook();
  if (outlook.bytes == 0) {
    reply.message += " Nothing that was deleted waits to be freed on this pod.";
    return;
  }
  const Duration next = freed->until(outlook.next);
  reply.message += " On this pod about " + describe_size(outlook.bytes) +
                   " of what was deleted waits to be freed: the first of it " + in(next) +
                   ", all of it " + in(freed->until(outlook.all)) + ".";
  const std::int64_t wait = std::chrono::ceil<seconds>(next).count();
  reply.headers.set("Retry-After", std::to_string(std::clamp(wait, kSoonest, kLatest)));
}

}  // namespace mas::api
