#include "meta/mongo/intents.h"

#include <algorithm>
#include <iterator>

#include "meta/mongo/ids.h"
#include "meta/mongo/intent_format.h"

namespace mas::meta::mongo {
namespace {

using Kind = Step::Kind;

constexpr std::string_view kPending = "pending", kCommitted = "committed", kDone = "done";
constexpr int kRounds = 8;
constexpr int kFlips = 3;  // tries of the deciding write
constexpr std::size_t kMostSeen = 4096;

Step locking(const Change& change, const std::string& lock) {
  Step step{
      change.match.empty() ? Kind::insert : Kind::lock, change.id, change.match, {}, {}, lock};
  return step;
}

// Every one of these is without effect once it was done, however late it comes.
Step carrying_out(const Change& change, const std::string& lock) {
  if (change.guarded) {
    if (!change.value) return Step{Kind::remove, change.id, change.match, {}, {}, {}};
    return Step{Kind::replace, change.id, change.match, lock, *change.value, {}};
  }
  if (!change.value) return Step{Kind::settle_gone, change.id, lock, {}, {}, {}};
  return Step{Kind::settle, change.id, lock, lock, *change.value, {}};
}

Step unlocking(const Document& found) {
  Kind kind = found.stamp.empty() ? Kind::settle_gone : Kind::unlock;
  return Step{kind, found.id, found.lock, found.stamp, {}, {}};
}

// The value before the intent that locks it.
Settled before(Document found) {
  if (found.stamp.empty()) return {};
  found.lock.clear();
  return {std::move(found), false};
}

// Guarded documents first: while one may still be undone its guard is locked.
std::vector<Step> all_steps(const std::vector<Change>& changes, const std::string& lock) {
  std::vector<Step> steps;
  for (bool guarded : {true, false}) {
    for (const Change& change : changes) {
      if (change.guarded == guarded) steps.push_back(carrying_out(change, lock));
    }
  }
  return steps;
}

Error certain(const Error& error) { return Error(error.code(), error.message()); }

}  // namespace

Result<std::optional<Document>> Intents::read_one(const std::string& id) {
  MAS_TRY(auto found, documents_.get({id}, Reading::linearizable));
  if (found.empty()) return std::optional<Document>();
  return std::optional<Document>(std::move(found.front()));
}

Result<Settled> Intents::settle(Document found, Purpose purpose) {
  std::string id = found.id, dead;
  std::optional<Document> now = std::move(found);
  for (int round = 0; round < kRounds; ++round) {
    if (!now || now->lock.empty()) return Settled{std::move(now), false};
    MAS_TRY(auto intent, read_one(intent_id(now->lock)));
    std::string_view state = intent ? std::string_view(intent->stamp) : kDone;
    if (state == kCommitted) {
      MAS_CHECK(finish(*intent));
    } else if (state == kPending) {
      if (purpose == Purpose::read) return before(std::move(*now));
      if (!overdue(*intent)) return Settled{std::nullopt, true};
      MAS_CHECK(documents_.write({{Kind::remove, intent->id, std::string(kPending), {}, {}, {}}}));
    } else if (now->lock == dead) {
      // Looked at again after its intent was gone: nobody will carry anything out here.
      if (purpose == Purpose::read) return before(std::move(*now));
      MAS_CHECK(documents_.write({unlocking(*now)}));
    } else {
      dead = now->lock;
    }
    MAS_TRY(now, read_one(id));
  }
  return Settled{std::nullopt, true};
}

Result<void> Intents::finish(const Document& intent) {
  MAS_TRY(IntentBody body, decode_intent(intent.value));
  MAS_CHECK(documents_.write(all_steps(body.changes, lock_of(intent.id))));
  // Its owner may be waiting to learn the outcome: the record of it stays.
  MAS_CHECK(documents_.write({{Kind::replace,
                               intent.id,
                               std::string(kCommitted),
                               std::string(kDone),
                               encode_intent({body.written, {}}),
                               {}}}));
  return {};
}

bool Intents::overdue(const Document& intent) {
  // A long one takes long to prepare: a millisecond for some ten changes.
  return seen_for(lock_of(intent.id),
                  kPatience + std::chrono::microseconds(3 * intent.value.size()));
}

bool Intents::seen_for(const std::string& name, Duration patience) {
  std::lock_guard guard(mutex_);
  if (first_seen_.size() > kMostSeen) first_seen_.clear();
  auto [seen, fresh] = first_seen_.try_emplace(name, clock_.now());
  if (fresh || clock_.now() - seen->second < patience) return false;
  first_seen_.erase(seen);
  return true;
}

Result<bool> Intents::holds(const std::map<std::string, std::string>& stamps,
                            const std::string& own) {
  std::vector<std::string> ids;
  ids.reserve(stamps.size());
  for (const auto& [id, stamp] : stamps) ids.push_back(id);
  MAS_TRY(auto found, documents_.get(ids, Reading::linearizable));
  std::map<std::string, std::string> now;
  for (const Document& document : found) {
    if (!document.lock.empty() && document.lock != own) return false;
    now[document.id] = document.stamp;
  }
  return std::all_of(stamps.begin(), stamps.end(),
                     [&](const auto& entry) { return now[entry.first] == entry.second; });
}

Result<Carried> Intents::carry_out_one(const Change& change) {
  std::string stamp = rng_.id().hex();
  Step step{change.match.empty() ? Kind::insert : Kind::replace,
            change.id,
            change.match,
            stamp,
            *change.value,
            {}};
  auto written = documents_.write({step});
  if (written.has_value()) return *written == 1 ? Carried::done : Carried::again;
  if (!written.error().maybe_happened()) return written.error();
  auto now = read_one(change.id);
  if (now.has_value() && *now && (*now)->stamp == stamp) return Carried::done;
  return written.error();
}

Result<Carried> Intents::carry_out(const std::vector<Change>& changes,
                                   const std::map<std::string, std::string>& unchanged) {
  const Instant since = clock_.now();
  std::string lock = rng_.id().hex();
  std::string key = intent_id(lock);
  std::int64_t now = clock_.wall().unix_seconds();
  std::string body = encode_intent({now, changes});
  if (body.size() > kMostIntentBytes) {
    return Error(Code::invalid_argument, "This change is larger than the metadata server takes.");
  }
  std::vector<Step> steps{{Kind::insert, key, {}, std::string(kPending), std::move(body), {}}};
  for (const Change& change : changes) {
    if (!change.guarded) steps.push_back(locking(change, lock));
  }
  auto locked = documents_.write(steps);
  Result<bool> ready = locked.has_value() && *locked == steps.size();
  if (locked.has_value() && *ready && !unchanged.empty()) ready = holds(unchanged, lock);
  if (locked.has_error() || ready.has_error() || !*ready) {
    withdraw(key, changes);
    if (locked.has_error()) return certain(locked.error());
    if (ready.has_error()) return certain(ready.error());
    return Carried::again;
  }
  MAS_TRY(Carried decided, decide(key, since));
  if (decided == Carried::again) {
    withdraw(key, changes);
    return Carried::again;
  }
  // Done, whatever comes of this: whoever meets a lock carries on.
  auto rest = all_steps(changes, lock);
  std::vector<std::string> finished;
  {
    std::lock_guard guard(mutex_);
    finished.swap(finished_);
  }
  for (const std::string& id : finished) rest.push_back({Kind::remove_named, id, {}, {}, {}, {}});
  if (documents_.write(rest).has_value()) {
    std::lock_guard guard(mutex_);
    finished_.push_back(key);
  }
  return Carried::done;
}

Result<Carried> Intents::decide(const std::string& key, Instant since) {
  const Step flip{Kind::mark, key, std::string(kPending), std::string(kCommitted), {}, {}};
  Error doubt(Code::metadata_unavailable,
              "The metadata server does not say what became of a change.");
  for (int round = 0; round < kFlips; ++round) {
    auto flipped = documents_.write({flip});
    if (flipped.has_value() && *flipped == 1) return Carried::done;
    if (flipped.has_error()) doubt = flipped.error();
    // Others removed it, or an earlier round, whose answer was lost, arrived late.
    auto now = read_one(key);
    if (now.has_error()) continue;
    // Others remove a pending intent, or long afterwards one that is done.
    if (!*now && clock_.now() - since > kKeep / 2) break;
    if (!*now) return Carried::again;
    if ((*now)->stamp != kPending) return Carried::done;
  }
  return doubt.mark_maybe_happened();
}

void Intents::withdraw(const std::string& key, const std::vector<Change>& changes) {
  // Without its intent a lock means nothing: what fails here costs others a look.
  std::string lock = lock_of(key);
  std::vector<Step> steps{{Kind::remove, key, std::string(kPending), {}, {}, {}}};
  for (const Change& change : changes) {
    if (change.guarded) continue;
    Kind kind = change.match.empty() ? Kind::settle_gone : Kind::unlock;
    steps.push_back({kind, change.id, lock, change.match, {}, {}});
  }
  (void)documents_.write(steps);
}

Result<void> Intents::see_to(const Document& intent) {
  if (intent.stamp == kCommitted) return finish(intent);
  if (intent.stamp == kPending) {
    if (!overdue(intent)) return {};
    const std::vector<Step> removal{{Kind::remove, intent.id, std::string(kPending), {}, {}, {}}};
    MAS_TRY(std::size_t removed, documents_.write(removal));
    // Decided since it was listed, or removed by others: then its locks are not this one's to take.
    if (removed == 0) return {};
    MAS_TRY(IntentBody body, decode_intent(intent.value));
    withdraw(intent.id, body.changes);
    return {};
  }
  if (!seen_for(intent.id, kKeep)) return {};
  MAS_CHECK(documents_.write({{Kind::remove_named, intent.id, {}, {}, {}, {}}}));
  return {};
}

Result<void> Intents::sweep() {
  std::string after = kIntentsBegin;
  while (true) {
    MAS_TRY(auto page, documents_.range(after, kIntentsEnd, 100));
    for (const Document& intent : page) MAS_CHECK(see_to(intent));
    if (page.size() < 100) return {};
    after = page.back().id + '0';
  }
}

void Intents::forget_finished() {
  std::vector<Step> steps;
  std::lock_guard guard(mutex_);
  for (const std::string& id : finished_) steps.push_back({Kind::remove_named, id, {}, {}, {}, {}});
  if (!steps.empty()) (void)documents_.write(steps);
  finished_.clear();
}

}  // namespace mas::meta::mongo
