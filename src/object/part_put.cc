#include "object/part_put.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "mas/observe/log.h"
#include "mas/runtime/contain.h"
#include "object/presence.h"
#include "object/stripe_pipeline.h"
#include "object/stripe_put.h"

namespace mas::object {
namespace {

// Refuses before the body what is sure to be refused after it.
Task<Result<void>> check_size(Context& context, const meta::Upload& upload,
                              const PartRequest& request, std::uint64_t limit) {
  Error too_large(Code::body_too_large, "The parts together are larger than is allowed here.");
  if (!request.size) co_return Result<void>();
  if (*request.size > limit) co_return too_large;
  std::uint64_t room = request.max_total - std::min(upload.stored, request.max_total);
  if (*request.size <= room) co_return Result<void>();
  // The part may take the place of one that counts already.
  MAS_CO_TRY(std::vector<meta::Part> at,
             co_await context.deps.meta.parts(upload.id, request.number - 1, 1));
  bool replaces = !at.empty() && at.front().number == request.number;
  std::uint64_t others = upload.stored - (replaces ? at.front().size : 0);
  if (others > request.max_total || *request.size > request.max_total - others) co_return too_large;
  co_return Result<void>();
}

// What to compute over the part: its own sums, and the whole file's if it extends the run.
Result<ContentHasher> make_hasher(const meta::Upload& upload, const PartRequest& request) {
  ContentHasher hasher;
  hasher.sum.emplace();
  if (request.digest) hasher.own.emplace();
  if (upload.run.parts + 1 == request.number) {
    MAS_TRY(hasher.whole, state_of(upload.run));
  }
  return hasher;
}

// The body as extents of the upload. What is in `written` has to be given up on errors.
Task<Result<std::uint64_t>> store_part(Context& context, const Id128& upload, BodyReader& body,
                                       ContentHasher& hasher, Written& written) {
  // From before the first byte: a session may be near its end, and a part may take hours.
  Executor here = co_await boost::asio::this_coro::executor;
  UploadKeeper keeper(context, upload, here);
  Profile profile = write_profile(context.options, context.deps.view.current()->layout);
  MAS_CO_TRY(Head head, co_await read_head(context, body, profile));
  if (head.piece.size == 0 && body.ended()) co_return std::uint64_t{0};
  bool small = body.ended() && body.size() <= context.options.small_object;
  if (small) profile = copies_of(profile);
  StripePipeline pipeline(context, upload, profile, hasher, written, keeper);
  MAS_CO_CHECK(co_await pipeline.run(body, std::move(head)));
  co_return body.size();
}

Task<void> discard(Context& context, const Id128& upload, const Written& written) {
  if (written.extents.empty()) co_return;
  Result<void> done =
      co_await context.deps.meta.discard(upload, written.extents, context.now_seconds());
  // They go with the upload then.
  if (done.has_error()) log::warn("extents could not be discarded", {{"error", done.error()}});
}

// Extends the hash run by `part`, which was hashed as it streamed, if the run is still the one the
// hash went on from. False leaves it to the chaser.
Task<bool> advance(Context& context, const meta::Upload& upload, const meta::Part& part,
                   const ContentHasher& hasher) {
  if (!hasher.whole) co_return false;
  meta::HashRun next = extended(upload.run, part, *hasher.whole);
  Result<bool> advanced =
      co_await context.deps.meta.advance_hash(upload.id, upload.run, next, part.extents);
  co_return advanced.has_value() && *advanced;
}

// The extents of an equal part that is recorded and has been lost since: of two equal parts the one
// that is recorded stays otherwise, and what was sent now would be thrown away for it.
Task<Result<std::vector<meta::Extent>>> lost_equal(Context& context, const meta::Upload& upload,
                                                   const meta::Part& part) {
  std::vector<meta::Extent> lost;
  // As far as parts came in order there is none.
  bool in_order = upload.run.parts == upload.part_count && part.number > upload.part_count;
  if (in_order) co_return lost;
  MAS_CO_TRY(std::vector<meta::Part> at,
             co_await context.deps.meta.parts(upload.id, part.number - 1, 1));
  bool equal = !at.empty() && at.front().number == part.number && at.front().size == part.size &&
               at.front().sum == part.sum;
  if (!equal) co_return lost;
  Presence presence = co_await check_presence(context, at.front().extents, LookUntil::lack);
  if (!presence.enough()) lost = std::move(at.front().extents);
  co_return lost;
}

// Records the part, and the run it extends.
Task<Result<PartResult>> record(Context& context, HashChaser& chaser, const meta::Upload& upload,
                                meta::Part part, const PartRequest& request,
                                const ContentHasher& hasher) {
  MAS_CO_TRY(std::vector<meta::Extent> lost, co_await lost_equal(context, upload, part));
  MAS_CO_TRY(meta::PutPartResult put, co_await context.deps.meta.put_part(
                                          upload.id, part, context.expiry(), request.max_total,
                                          context.now_seconds(), std::move(lost)));
  // Of two equal parts the other one won: its bytes were hashed by its own sender, not here.
  bool ours = put.winner.extents == part.extents;
  bool advanced = false;
  if (ours) advanced = co_await advance(context, upload, part, hasher);
  if (!advanced || put.part_count > part.number) chaser.kick(upload.id);
  co_return PartResult{put.part_count, put.stored};
}

}  // namespace

Error upload_not_open() {
  return Error(Code::upload_not_open, "This upload is not open; initialise it again.");
}

Task<Result<PartResult>> put_part(Context& context, HashChaser& chaser, SessionKey key,
                                  PartRequest request, ByteSource& source) {
  if (request.number == 0 || request.number > context.limits.parts) {
    co_return Error(Code::parameter_malformed,
                    "Part numbers go from 1 to " + std::to_string(context.limits.parts) + ".");
  }
  MAS_CO_TRY(std::optional<meta::Upload> upload,
             co_await context.deps.meta.find_session(key.hash, key.session));
  if (!upload || upload->state != meta::UploadState::open) co_return upload_not_open();
  request.max_total = std::min(request.max_total, context.limits.upload);
  const std::uint64_t limit = std::min({request.max_size, request.max_total, context.limits.part});
  MAS_CO_CHECK(co_await check_size(context, *upload, request, limit));
  MAS_CO_TRY(ContentHasher hasher, make_hasher(*upload, request));

  BodyReader body(context, source, request.size, limit);
  Written written;
  auto storing = contain(store_part(context, upload->id, body, hasher, written), "part");
  Result<std::uint64_t> stored = co_await std::move(storing);
  co_await body.close();
  if (stored.has_value() && hasher.own && hasher.own->digest() != *request.digest) {
    stored = Error(Code::hash_mismatch, "The part does not have the digest it was sent with.");
  }
  if (stored.has_error()) {
    co_await discard(context, upload->id, written);
    co_return stored.error();
  }
  meta::Part part{request.number, *stored, hasher.sum->digest(), written.extents, request.sender};
  Result<PartResult> result =
      co_await record(context, chaser, *upload, std::move(part), request, hasher);
  if (result.has_error()) co_await discard(context, upload->id, written);
  co_return result;
}

}  // namespace mas::object
