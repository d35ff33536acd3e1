#include "object/publisher.h"

#include "mas/observe/log.h"
#include "object/stripe_writer.h"

namespace mas::object {
namespace {

// Rounds against others that change the same record meanwhile.
constexpr int kAttempts = 5;

bool holds_ours(const std::optional<meta::Object>& record, const meta::Object& object) {
  return record && record->state == meta::ObjectState::live && record->extents == object.extents &&
         !object.extents.empty();
}

// Whether the record that a commit left is this one, and not one of the same content before it.
bool stands_as(const meta::CommitResult& commit, const meta::Object& object) {
  return !commit.current || commit.current->generation == object.generation;
}

// After a commit of unknown outcome: what the store says now. Without an answer, the doubt stays.
Task<Result<std::optional<meta::Object>>> settle(Context& context, const meta::Object& object,
                                                 Error doubt) {
  if (!doubt.maybe_happened()) co_return doubt;
  Result<std::optional<meta::Object>> now = co_await context.deps.meta.find(object.hash);
  if (now.has_error()) co_return doubt;
  if (!holds_ours(*now, object)) co_return doubt;
  co_return now;
}

// What there is of the content that `current` names; nullopt if it is not known to be enough, so
// that it has to be stored anew. Errors: too_few_pods_write (there is nothing to store anew).
Task<Result<std::optional<Presence>>> enough_of(Context& context, const meta::Object& current) {
  if (current.extents.empty()) {
    Presence presence = co_await secure_presence(context, current);
    if (!presence.enough()) co_return holders_silent();
    co_return std::optional<Presence>(std::move(presence));
  }
  Presence presence = co_await check_presence(context, current, LookUntil::lack);
  if (presence.enough()) co_return std::optional<Presence>(std::move(presence));
  context.instruments.stored_again.add();
  if (log::once_a_minute("object.stored_again")) {
    log::warn("object.stored_again",
              {{"hash", current.hash.hex()},
               {"why", presence.verdict == Presence::Verdict::too_few ? "shards are missing"
                                                                      : "holders are silent"}});
  }
  co_return std::optional<Presence>();
}

}  // namespace

Task<Result<void>> ManifestRecords::store(const meta::Object& object) {
  MAS_CO_CHECK(co_await write_manifest(context_, object));
  co_return Result<void>();
}

Task<void> ManifestRecords::give_up(const meta::Object& object) {
  std::vector<meta::ManifestRange> own{{object.hash, object.generation, object.generation}};
  Result<void> freed =
      co_await context_.deps.meta.free_manifests(std::move(own), context_.now_seconds());
  // The census finds them then.
  if (freed.has_error()) log::warn("publish.manifest_not_freed", {{"error", freed.error()}});
}

bool is_usable(const std::optional<meta::Object>& record) {
  return record && record->state == meta::ObjectState::live && !record->damaged;
}

Task<Result<std::optional<meta::Object>>> find_usable(Context& context, Hash hash) {
  MAS_CO_TRY(std::optional<meta::Object> found, co_await context.deps.meta.find(hash));
  if (!is_usable(found)) co_return std::optional<meta::Object>();
  MAS_CO_CHECK(co_await context.generations.believe());
  co_return found;
}

Task<Result<std::optional<meta::Object>>> find_stored(Context& context, Hash hash) {
  MAS_CO_TRY(std::optional<meta::Object> found, co_await find_usable(context, hash));
  if (!found) co_return found;
  const Presence::Verdict verdict = co_await context.presences.ask(*found);
  if (verdict != Presence::Verdict::enough) found.reset();
  co_return found;
}

Task<Result<Published>> publish(Context& context, meta::Object object, std::optional<Id128> upload,
                                ManifestStep& manifest) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    // Drawn before the look: where that finds nothing, whatever was deleted under a lower number
    // had been erased by then, and whatever comes in between is deleted under a higher one.
    MAS_CO_TRY(object.generation, co_await context.generations.next());
    MAS_CO_TRY(std::optional<meta::Object> current, co_await context.deps.meta.find(object.hash));
    if (holds_ours(current, object)) {
      MAS_CO_CHECK(co_await context.generations.believe());
      co_return Published{*std::move(current), true, {}};
    }
    if (is_usable(current)) {
      MAS_CO_TRY(std::optional<Presence> there, co_await enough_of(context, *current));
      if (there) {
        MAS_CO_CHECK(co_await context.generations.believe());
        co_return Published{*std::move(current), false, *std::move(there)};
      }
    }
    object.replaces = current ? current->generation : 0;
    if (object.generation < object.replaces) {
      MAS_CO_TRY(object.generation, co_await context.generations.next());
    }
    auto write = context.begin_write();
    Result<void> stored = co_await manifest.store(object);
    if (stored.has_error()) {
      co_await manifest.give_up(object);
      co_return stored.error();
    }
    Result<meta::CommitResult> commit =
        co_await context.deps.meta.commit(object, object.replaces, upload);
    const bool lost = commit.has_error() ? !commit.error().maybe_happened()
                                         : !commit->committed || !stands_as(*commit, object);
    if (lost) co_await manifest.give_up(object);
    if (commit.has_error() && commit.error().code() == Code::conflict) {
      co_return Error(Code::busy, "What was sent has been given up meanwhile; send it again.");
    }
    if (commit.has_error()) {
      MAS_CO_TRY(current, co_await settle(context, object, commit.error()));
      context.records.drop(object.hash);
      co_return Published{*std::move(current), true, {}};
    }
    if (commit->committed) {
      context.records.drop(object.hash);
      co_return Published{commit->current.value_or(object), true, {}};
    }
  }
  co_return Error(Code::busy, "This file is being changed by others; try again shortly.");
}

}  // namespace mas::object
