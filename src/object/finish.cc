#include "object/finish.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "mas/observe/log.h"
#include "mas/runtime/contain.h"
#include "object/part_list.h"
#include "object/part_put.h"
#include "object/presence.h"
#include "object/publisher.h"
#include "object/stripe_put.h"
#include "object/timed_wait.h"
#include "object/upload_keeper.h"

namespace mas::object {
namespace {

FinishResult missing_result(std::vector<std::uint32_t> missing) {
  return FinishResult{std::nullopt, std::move(missing)};
}

// Without an open session: the file is there already, from this session or another, or there is
// nothing to finish.
Task<Result<FinishResult>> published_before(Context& context, const Hash& hash) {
  MAS_CO_TRY(std::optional<meta::Object> object, co_await find_usable(context, hash));
  if (!object) co_return upload_not_open();
  Presence presence = co_await secure_presence(context, *object);
  if (presence.verdict == Presence::Verdict::unknown) co_return holders_silent();
  // It was published and has been lost since: it can be sent again.
  if (!presence.enough()) co_return upload_not_open();
  co_return FinishResult{make_receipt(*std::move(object), presence), {}};
}

// What is recorded is not what the caller has sent, or says that it has.
bool contradicts(const Result<FinishResult>& result, const FinishRequest& request) {
  if (result.has_error()) {
    const Code code = result.error().code();
    return code == Code::hash_mismatch || code == Code::wrong_length;
  }
  // As many as were declared are there, and too small together.
  return !result->missing.empty() && request.parts && result->missing.front() > *request.parts;
}

// The numbers in either list, in order, that are not above `most`; at most 1,000.
std::vector<std::uint32_t> joined(std::vector<std::uint32_t> missing,
                                  const std::vector<std::uint32_t>& dropped, std::uint32_t most) {
  constexpr std::size_t kMostNamed = 1000;
  missing.insert(missing.end(), dropped.begin(), dropped.end());
  std::sort(missing.begin(), missing.end());
  missing.erase(std::unique(missing.begin(), missing.end()), missing.end());
  std::erase_if(missing, [most](std::uint32_t number) { return number > most; });
  if (missing.size() > kMostNamed) missing.resize(kMostNamed);
  return missing;
}

// What the client says of the whole must not contradict what it has sent.
Result<void> check_claims(const std::vector<meta::Part>& parts, const FinishRequest& request) {
  bool too_many = request.parts && !parts.empty() && parts.back().number > *request.parts;
  bool too_large = request.size && total_size(parts) > *request.size;
  if (!too_many && !too_large) return {};
  return Error(Code::wrong_length, "More was sent than the size or number of parts declared.");
}

// The numbers of the parts that the extents at `indices` (of all parts' extents) belong to.
std::vector<std::uint32_t> parts_of(const std::vector<meta::Part>& parts,
                                    const std::vector<std::size_t>& indices) {
  std::vector<std::uint32_t> numbers;
  std::size_t first = 0;
  auto index = indices.begin();
  for (const meta::Part& part : parts) {
    std::size_t end = first + part.extents.size();
    if (index != indices.end() && *index < end) numbers.push_back(part.number);
    while (index != indices.end() && *index < end) ++index;
    first = end;
  }
  return numbers;
}

std::vector<meta::Extent> extents_of(const std::vector<meta::Part>& parts) {
  std::vector<meta::Extent> extents;
  for (const meta::Part& part : parts) {
    extents.insert(extents.end(), part.extents.begin(), part.extents.end());
  }
  return extents;
}

std::vector<SentInVain> bytes_by_sender(const std::vector<meta::Part>& parts) {
  std::vector<SentInVain> sent;
  for (const meta::Part& part : parts) {
    auto is_sender = [&](const SentInVain& one) { return one.sender == part.sender; };
    auto at = std::find_if(sent.begin(), sent.end(), is_sender);
    if (at == sent.end()) at = sent.insert(at, SentInVain{part.sender, 0});
    at->bytes += part.size;
  }
  return sent;
}

Task<void> reopen(Context& context, const Id128& upload) {
  Result<void> reopened = co_await context.deps.meta.reopen(upload);
  if (reopened.has_error() && reopened.error().code() != Code::upload_not_open) {
    // It stays sealed; the next finish or start goes on from there.
    log::warn("upload could not be reopened", {{"error", reopened.error()}});
  }
}

}  // namespace

// ---- Joining ----

Task<Result<FinishResult>> Finisher::finish(SessionKey key, FinishRequest request) {
  bool joined = false;
  std::shared_ptr<Running> running = join_or_start(key, request, joined);
  if (!running) co_return Error(Code::busy, "The server is stopping.");
  Result<FinishResult> result = co_await wait_for(std::move(running));
  // What the others came to may have been deleted before this request was made.
  const bool stored = result.has_value() && result->receipt.has_value();
  if (joined && stored) co_return co_await published_before(context_, key.hash);
  co_return result;
}

std::shared_ptr<Finisher::Running> Finisher::join_or_start(const SessionKey& key,
                                                           const FinishRequest& request,
                                                           bool& joined) {
  auto running = std::make_shared<Running>();
  {
    std::lock_guard lock(mutex_);
    auto [at, fresh] = running_.try_emplace(Key(key.hash, key.session), running);
    joined = !fresh;
    if (joined) return at->second;
  }
  // Outside the lock: on the background's own thread the task may run to its end in here.
  if (spawn(context_.deps.background, context_.background, run(key, request, running), "finish")) {
    return running;
  }
  std::lock_guard lock(mutex_);
  running_.erase(Key(key.hash, key.session));
  return nullptr;
}

Task<void> Finisher::run(SessionKey key, FinishRequest request, std::shared_ptr<Running> running) {
  const auto in_vain = request.in_vain;
  auto finishing = contain(finish_session(key, std::move(request)), "finish");
  Result<FinishResult> result = co_await std::move(finishing);
  // Here, as whoever asked may not wait so long.
  if (in_vain && result.has_value() && !result->in_vain.empty()) in_vain(result->in_vain);
  {
    std::lock_guard lock(mutex_);
    running_.erase(Key(key.hash, key.session));
  }
  std::vector<std::shared_ptr<Event>> waiting;
  {
    std::lock_guard lock(running->mutex);
    running->result.emplace(std::move(result));
    waiting.swap(running->waiting);
  }
  for (const auto& event : waiting) event->set();
}

Task<Result<FinishResult>> Finisher::wait_for(std::shared_ptr<Running> running) {
  auto woken = std::make_shared<Event>();
  {
    std::lock_guard lock(running->mutex);
    if (running->result) co_return *running->result;
    running->waiting.push_back(woken);
  }
  co_await wait_at_most(context_.deps.clock, woken, context_.options.finish_wait);
  std::lock_guard lock(running->mutex);
  if (running->result) co_return *running->result;
  co_return Error(Code::busy, "The file is still being finished; ask again shortly.");
}

// ---- Finishing ----

Task<Result<FinishResult>> Finisher::finish_session(SessionKey key, FinishRequest request) {
  Result<FinishResult> first = co_await try_finish(key, request);
  if (!contradicts(first, request)) co_return first;
  // Two who send one file in parts of different sizes spoil each other's upload.
  Result<std::vector<std::uint32_t>> dropped = co_await drop_others(key, request.sender);
  if (dropped.has_error() || dropped->empty()) co_return first;
  const std::uint32_t most = request.parts.value_or(UINT32_MAX);
  Result<FinishResult> second = co_await try_finish(std::move(key), std::move(request));
  if (second.has_value() && second->receipt) co_return second;
  std::vector<std::uint32_t> missing;
  if (second.has_value()) missing = std::move(second->missing);
  co_return missing_result(joined(std::move(missing), *dropped, most));
}

Task<Result<std::vector<std::uint32_t>>> Finisher::drop_others(SessionKey key, Id128 sender) {
  meta::MetaStore& meta = context_.deps.meta;
  std::vector<std::uint32_t> numbers;
  MAS_CO_TRY(std::optional<meta::Upload> upload, co_await meta.find_session(key.hash, key.session));
  if (!upload) co_return numbers;
  MAS_CO_TRY(std::vector<meta::Part> parts, co_await all_parts(context_, upload->id));
  const bool several = std::any_of(parts.begin(), parts.end(), [&](const meta::Part& part) {
    return part.sender != parts.front().sender;
  });
  if (!several) co_return numbers;
  std::erase_if(parts, [&](const meta::Part& part) { return part.sender == sender; });
  for (const meta::Part& part : parts) numbers.push_back(part.number);
  MAS_CO_CHECK(co_await meta.drop_parts(upload->id, parts, context_.now_seconds()));
  log::info("upload.parts_dropped", {{"hash", key.hash.hex()}, {"parts", numbers.size()}});
  co_return numbers;
}

Task<Result<FinishResult>> Finisher::try_finish(SessionKey key, FinishRequest request) {
  meta::MetaStore& meta = context_.deps.meta;
  MAS_CO_TRY(std::optional<meta::Upload> upload, co_await meta.find_session(key.hash, key.session));
  if (!upload) co_return co_await published_before(context_, key.hash);
  MAS_CO_TRY(std::vector<meta::Part> parts, co_await all_parts(context_, upload->id));
  std::vector<std::uint32_t> missing = missing_parts(parts, request.parts, request.size);
  // Only an empty file needs no part.
  if (parts.empty() && missing.empty() && key.hash != codec::sha256({})) missing.push_back(1);
  if (!missing.empty()) co_return missing_result(std::move(missing));
  MAS_CO_CHECK(check_claims(parts, request));

  auto count = static_cast<std::uint32_t>(parts.size());
  Result<meta::Upload> sealed = co_await meta.seal(upload->id, count);
  if (sealed.has_error()) {
    Code code = sealed.error().code();
    if (code == Code::upload_not_open) co_return co_await published_before(context_, key.hash);
    if (code != Code::conflict) co_return sealed.error();
    co_return Error(Code::busy, "Parts are still arriving; finish when they are all answered.");
  }
  // Parts that were replaced between the listing and the seal.
  Result<std::vector<meta::Part>> settled = co_await all_parts(context_, upload->id);
  Result<FinishResult> result = FinishResult{};
  if (settled.has_error()) {
    result = settled.error();
  } else {
    result = co_await finish_touching(*sealed, *std::move(settled), std::move(request.name));
  }
  if (result.has_error() && result.error().code() == Code::upload_not_open) {
    // A pod that started meanwhile took it for what a crash had left, and settled it.
    co_return co_await published_before(context_, key.hash);
  }
  bool published = result.has_value() && result->receipt;
  if (!published) co_await reopen(context_, upload->id);
  co_return result;
}

Task<Result<FinishResult>> Finisher::finish_touching(meta::Upload upload,
                                                     std::vector<meta::Part> parts,
                                                     std::string name) {
  Executor here = co_await boost::asio::this_coro::executor;
  UploadKeeper keeper(context_, upload.id, here, kFinishTouch, kFinishTouch);
  auto sealed = finish_sealed(std::move(upload), std::move(parts), std::move(name));
  auto finishing = contain(std::move(sealed), "finish");
  co_return co_await std::move(finishing);
}

Task<Result<FinishResult>> Finisher::finish_sealed(meta::Upload upload,
                                                   std::vector<meta::Part> parts,
                                                   std::string name) {
  meta::Object object;
  object.hash = upload.hash;
  object.size = total_size(parts);
  object.name = !name.empty() ? std::move(name) : upload.name;
  if (object.name.empty()) object.name = upload.hash.hex();
  object.created = context_.now_seconds();
  object.extents = extents_of(parts);

  // What is missing is asked for before everything is hashed.
  Instant looked = context_.deps.clock.now();
  Presence presence = co_await secure_presence(context_, object.extents);
  if (presence.enough()) {
    Result<void> checked = co_await check_hash(upload, parts);
    bool damaged = checked.has_error() && checked.error().code() == Code::damaged;
    if (checked.has_error() && !damaged) co_return checked.error();
    // What hashing read with wrong bytes is not there any more, and it may have taken hours.
    const Instant now = context_.deps.clock.now();
    if (damaged || now - looked > kFreshLook) {
      looked = now;
      presence = co_await secure_presence(context_, object.extents);
    }
    if (damaged && presence.enough()) co_return checked.error();
  }
  if (!presence.too_few.empty()) co_return missing_result(parts_of(parts, presence.too_few));
  if (!presence.enough()) co_return holders_silent();
  co_return co_await commit(upload, parts, std::move(object), presence, looked);
}

Task<Result<void>> Finisher::check_hash(const meta::Upload& upload,
                                        const std::vector<meta::Part>& parts) {
  MAS_CO_TRY(Hash hash, co_await chaser_.digest(upload.id, parts));
  if (hash != upload.hash) co_return hash_mismatch();
  co_return Result<void>();
}

Task<Result<FinishResult>> Finisher::commit(const meta::Upload& upload,
                                            const std::vector<meta::Part>& parts,
                                            meta::Object object, const Presence& presence,
                                            Instant looked) {
  ManifestRecords manifest(context_);
  MAS_CO_TRY(Published published,
             co_await publish(context_, std::move(object), upload.id, manifest));
  if (published.ours) {
    if (!published.object.extents.empty()) {
      MAS_CO_TRY(Receipt receipt, co_await fresh_receipt(context_, std::move(published.object),
                                                         presence.worst, looked));
      co_return FinishResult{std::move(receipt), {}};
    }
    // An empty file is its manifest, which was written just now.
    Presence written = co_await check_presence(context_, published.object);
    co_return FinishResult{make_receipt(std::move(published.object), written), {}};
  }
  // Left sealed it would be finished by whoever takes it over, after what was answered now may have
  // been deleted.
  MAS_CO_CHECK(co_await context_.deps.meta.close(upload.id, true, context_.now_seconds()));
  context_.instruments.deduplicated.add();
  co_return FinishResult{
      make_receipt(std::move(published.object), published.presence), {}, bytes_by_sender(parts)};
}

// ---- What a crash left ----

Task<Result<void>> Finisher::recover() {
  constexpr std::uint32_t kPage = 1000;
  std::size_t before = SIZE_MAX;
  for (;;) {
    MAS_CO_TRY(std::vector<meta::Upload> sealed, co_await context_.deps.meta.sealed(kPage));
    // Those that can neither be finished nor reopened now stay for the next start.
    if (sealed.empty() || sealed.size() >= before) co_return Result<void>();
    before = sealed.size() < kPage ? sealed.size() : SIZE_MAX;
    for (meta::Upload& upload : sealed) MAS_CO_CHECK(co_await settle_sealed(std::move(upload)));
  }
}

Task<Result<void>> Finisher::take_over(meta::Upload sealed) {
  {
    std::lock_guard lock(mutex_);
    if (running_.contains(Key(sealed.hash, sealed.session))) co_return Result<void>();
  }
  // Looked at anew: it may have been settled since it was listed.
  MAS_CO_TRY(auto now, co_await context_.deps.meta.find_upload(sealed.id));
  const bool same =
      now && now->state == meta::UploadState::sealed && now->touches == sealed.touches;
  if (!same) co_return Result<void>();
  co_return co_await settle_sealed(*std::move(now));
}

// Finishes what is hashed already; hashing the rest could take long, so the client has to ask.
Task<Result<void>> Finisher::settle_sealed(meta::Upload upload) {
  MAS_CO_TRY(std::vector<meta::Part> parts, co_await all_parts(context_, upload.id));
  if (upload.run.parts == parts.size()) {
    Result<FinishResult> result = co_await finish_sealed(upload, std::move(parts), "");
    if (result.has_value() && result->receipt) {
      log::info("upload finished that a stop had interrupted", {{"hash", upload.hash.hex()}});
      co_return Result<void>();
    }
  }
  co_await reopen(context_, upload.id);
  co_return Result<void>();
}

}  // namespace mas::object
