#include "object/hash_chaser.h"

#include "mas/observe/log.h"
#include "mas/runtime/contain.h"
#include "mas/runtime/offload.h"
#include "object/extent_reader.h"

namespace mas::object {
namespace {

constexpr std::uint32_t kPage = 100;
constexpr Duration kPatience = std::chrono::seconds(10);

}  // namespace

Result<codec::Sha256> state_of(const meta::HashRun& run) {
  if (run.parts == 0) return codec::Sha256();
  auto state = codec::Sha256::restore(run.state);
  if (!state || state->length() != run.bytes) {
    return Error(Code::corrupt, "The saved hash of this upload cannot be read.");
  }
  return *state;
}

meta::HashRun extended(const meta::HashRun& run, const meta::Part& part, const codec::Sha256& sha) {
  return {part.number, run.bytes + part.size, sha.save(), meta::chain_after(run.chain, part)};
}

void HashChaser::kick(const Id128& upload) {
  auto chase = std::make_shared<Chase>();
  {
    std::lock_guard lock(mutex_);
    auto [at, fresh] = running_.emplace(upload, chase);
    if (!fresh) {
      at->second->again = true;
      return;
    }
  }
  const Executor& executor = context_.deps.background;
  if (spawn(executor, context_.background, run(upload, chase), "hash chaser")) return;
  std::lock_guard lock(mutex_);
  running_.erase(upload);
  chase->done.set();
}

Task<void> HashChaser::run(Id128 upload, std::shared_ptr<Chase> chase) {
  for (;;) {
    auto catching_up = contain(catch_up(upload), "hash chaser");
    Result<void> caught_up = co_await std::move(catching_up);
    if (caught_up.has_error()) {
      // Finishing reads what is left, or says why it cannot.
      log::info("hashing ahead gave up", {{"upload", upload.hex()}, {"error", caught_up.error()}});
    }
    std::lock_guard lock(mutex_);
    if (chase->again && caught_up.has_value()) {
      chase->again = false;
      continue;
    }
    running_.erase(upload);
    break;
  }
  chase->done.set();
}

Task<Result<Hash>> HashChaser::digest(Id128 upload, std::vector<meta::Part> parts) {
  std::shared_ptr<Chase> chase;
  {
    std::lock_guard lock(mutex_);
    auto at = running_.find(upload);
    if (at != running_.end()) chase = at->second;
  }
  if (chase) co_await chase->done.wait();
  MAS_CO_CHECK(co_await catch_up(upload));
  MAS_CO_TRY(std::optional<meta::Upload> now, co_await context_.deps.meta.find_upload(upload));
  if (!now) co_return Error(Code::upload_not_open, "This upload is not open any more.");
  if (now->run.parts != parts.size()) {
    co_return Error(Code::busy, "This upload is still being hashed; try again shortly.");
  }
  // The last line of defence: what was hashed is what will be published.
  Sum128 chain{};
  for (const meta::Part& part : parts) chain = meta::chain_after(chain, part);
  if (now->run.chain != chain) {
    auto again = start_again(upload, now->run);
    co_return co_await std::move(again);
  }
  MAS_CO_TRY(codec::Sha256 state, state_of(now->run));
  co_return state.digest();
}

// A run over other bytes than the parts' is of no use: the next finish hashes them anew.
Task<Error> HashChaser::start_again(Id128 upload, meta::HashRun run) {
  log::error("upload.hash_reset", {{"upload", upload.hex()}, {"parts", run.parts}});
  const meta::HashRun none;
  const std::vector<meta::Extent> no_extents;
  Result<bool> reset = co_await context_.deps.meta.advance_hash(upload, run, none, no_extents);
  if (reset.has_error()) co_return reset.error();
  co_return Error(Code::busy, "This upload has to be hashed anew; try again shortly.");
}

Task<Result<void>> HashChaser::catch_up(Id128 upload) {
  for (;;) {
    MAS_CO_TRY(std::optional<meta::Upload> now, co_await context_.deps.meta.find_upload(upload));
    if (!now) co_return Result<void>();
    MAS_CO_TRY(std::vector<meta::Part> parts,
               co_await context_.deps.meta.parts(upload, now->run.parts, kPage));
    if (parts.empty() || parts.front().number != now->run.parts + 1) co_return Result<void>();
    MAS_CO_CHECK(co_await extend(*now, parts));
  }
}

// Hashes those of `parts` that follow the run without a hole; false if another was faster.
Task<Result<bool>> HashChaser::extend(const meta::Upload& upload,
                                      const std::vector<meta::Part>& parts) {
  MAS_CO_TRY(codec::Sha256 sha, state_of(upload.run));
  meta::HashRun run = upload.run;
  for (const meta::Part& part : parts) {
    if (part.number != run.parts + 1) break;
    MAS_CO_CHECK(co_await hash_part(sha, part));
    meta::HashRun next = extended(run, part, sha);
    MAS_CO_TRY(bool advanced,
               co_await context_.deps.meta.advance_hash(upload.id, run, next, part.extents));
    if (!advanced) co_return false;
    run = std::move(next);
  }
  co_return true;
}

Task<Result<void>> HashChaser::hash_part(codec::Sha256& sha, const meta::Part& part) {
  const auto unit = static_cast<std::uint32_t>(context_.options.unit);
  MAS_CO_TRY(Permit permit, co_await context_.budget.read(unit, kPatience));
  ExtentReader reader(context_, part.extents, 0, part.size, unit);
  bool everywhere = false;
  while (reader.left() > 0) {
    Result<Slice> bytes = co_await reader.next();
    if (bytes.has_error()) {
      if (everywhere) co_return bytes.error();
      everywhere = true;
      reader.retry_everywhere(part.extents);
      continue;
    }
    auto job = [&sha, view = bytes->view()]() -> Result<void> {
      sha.update(view);
      return {};
    };
    MAS_CO_CHECK(co_await offload(context_.deps.pools.cpu, job));
    context_.instruments.read_back.add(static_cast<double>(bytes->size()));
  }
  co_return Result<void>();
}

}  // namespace mas::object
