#include "object/put.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "mas/observe/log.h"
#include "mas/runtime/contain.h"
#include "mas/runtime/offload.h"
#include "object/presence.h"
#include "object/publisher.h"
#include "object/stripe_pipeline.h"
#include "object/stripe_put.h"
#include "object/upload_keeper.h"

namespace mas::object {
namespace {

// Reads the rest of a body whose content is stored already: it must still be what it says.
Task<Result<Receipt>> verify_only(Context& context, const PutRequest& request, BodyReader& body,
                                  Piece piece) {
  codec::Sha256 sha;
  std::size_t room = piece.size;
  bool large = room > context.budget.small_size();
  for (;;) {
    ByteView bytes = piece.buffer.bytes().first(piece.size);
    auto job = [&sha, bytes]() -> Result<void> {
      sha.update(bytes);
      return {};
    };
    MAS_CO_CHECK(co_await offload(context.deps.pools.cpu, job));
    if (body.ended()) break;
    if (body.gave_way()) {
      piece = Piece();
      co_await body.wait_for_sender();
      room = context.budget.small_size();
      large = false;
      MAS_CO_TRY(piece.permit, co_await context.budget.small(room, kLongPatience));
      piece.buffer = context.budget.buffer(room);
    }
    const Hold hold = hold_of(piece.permit, large);
    MAS_CO_TRY(piece.size, co_await body.fill(piece.buffer.bytes().first(room), hold));
  }
  if (sha.digest() != *request.hash) co_return hash_mismatch();
  // What stands keeps its name; a malformed one is refused all the same.
  MAS_CO_CHECK(name_of(request, *request.hash));
  MAS_CO_TRY(std::optional<meta::Object> now, co_await find_usable(context, *request.hash));
  if (!now) {
    co_return Error(Code::busy, "This file was deleted while it was being sent; send it again.");
  }
  Presence presence = co_await check_presence(context, *now);
  if (!presence.enough()) {
    co_return Error(Code::busy, "What is stored of this file went missing; send it again.");
  }
  context.instruments.deduplicated.add();
  co_return make_receipt(*std::move(now), presence);
}

Task<void> drop_upload(Context& context, const Id128& upload) {
  Result<void> closed = co_await context.deps.meta.close(upload, true, context.now_seconds());
  // It expires by itself then.
  if (closed.has_error()) log::warn("upload could not be closed", {{"error", closed.error()}});
}

// The body as an upload: its content hash, once it is all durable.
Task<Result<Hash>> store_body(Context& context, const Id128& upload, BodyReader& body, Head head,
                              const PutRequest& request, Written& written,
                              const UploadKeeper& keeper) {
  Profile profile = write_profile(context.options, context.deps.view.current()->layout);
  ContentHasher hasher;
  hasher.whole.emplace();
  StripePipeline pipeline(context, upload, profile, hasher, written, keeper);
  MAS_CO_CHECK(co_await pipeline.run(body, std::move(head)));
  Hash hash = hasher.whole->digest();
  if (request.hash && *request.hash != hash) co_return hash_mismatch();
  co_return hash;
}

// What was written may have been lost since: the receipt says what is there now.
Task<Result<Receipt>> publish_upload(Context& context, const Id128& upload, meta::Object object,
                                     const PutRequest& request) {
  const Instant looked = context.deps.clock.now();
  Presence presence = co_await secure_presence(context, object.extents);
  if (presence.verdict == Presence::Verdict::unknown) co_return holders_silent();
  if (!presence.enough()) {
    co_return Error(Code::too_few_pods_write,
                    "Too much of this file was lost while it was being sent; send it again.");
  }
  ManifestRecords manifest(context);
  MAS_CO_TRY(Published published, co_await publish(context, std::move(object), upload, manifest));
  if (published.ours) {
    if (request.in_vain != nullptr) *request.in_vain = 0;
    co_return co_await fresh_receipt(context, std::move(published.object), presence.worst, looked);
  }
  co_await drop_upload(context, upload);
  context.instruments.deduplicated.add();
  co_return make_receipt(std::move(published.object), published.presence);
}

std::uint64_t content_length(const std::vector<meta::Extent>& extents) {
  std::uint64_t sum = 0;
  for (const meta::Extent& extent : extents) sum += extent.length;
  return sum;
}

Task<Result<Receipt>> put_stream(Context& context, PutRequest request, BodyReader& body,
                                 Head head) {
  meta::Upload upload;
  upload.id = context.deps.rng.id();
  upload.kind = meta::UploadKind::single;
  upload.hash = request.hash.value_or(Hash{});
  upload.created = context.now_seconds();
  upload.expires = context.expiry();
  Result<meta::Upload> opened = co_await context.deps.meta.open(upload);
  if (opened.has_error()) {
    if (opened.error().maybe_happened()) co_await drop_upload(context, upload.id);
    co_return opened.error();
  }
  Written written;
  // To the end: what went missing may take long to mend before it is published.
  Executor here = co_await boost::asio::this_coro::executor;
  UploadKeeper keeper(context, upload.id, here);
  Result<Hash> hash =
      co_await store_body(context, upload.id, body, std::move(head), request, written, keeper);
  // Until it is published; what somebody else has published meanwhile was stored twice.
  if (request.in_vain != nullptr) *request.in_vain = content_length(written.extents);
  if (hash.has_error()) {
    co_await drop_upload(context, upload.id);
    co_return hash.error();
  }
  Result<std::string> name = name_of(request, *hash);
  if (name.has_error()) {
    co_await drop_upload(context, upload.id);
    co_return name.error();
  }
  meta::Object object;
  object.hash = *hash;
  object.size = body.size();
  object.name = *std::move(name);
  object.created = context.now_seconds();
  object.extents = std::move(written.extents);
  Result<Receipt> receipt = co_await publish_upload(context, upload.id, std::move(object), request);
  if (receipt.has_error()) co_await drop_upload(context, upload.id);
  co_return receipt;
}

Task<Result<Receipt>> put_body(Context& context, PutRequest request, BodyReader& body) {
  Profile profile = write_profile(context.options, context.deps.view.current()->layout);
  MAS_CO_TRY(Head head, co_await read_head(context, body, profile));
  if (body.ended()) {
    co_return co_await put_stripe(context, std::move(request), std::move(head.piece));
  }
  if (request.hash) {
    MAS_CO_TRY(std::optional<meta::Object> current, co_await context.deps.meta.find(*request.hash));
    bool there = is_usable(current);
    if (there) {
      Presence presence = co_await check_presence(context, *current, LookUntil::lack);
      there = presence.enough();
    }
    if (there) co_return co_await verify_only(context, request, body, std::move(head.piece));
  }
  co_return co_await put_stream(context, std::move(request), body, std::move(head));
}

}  // namespace

Task<Result<Receipt>> put_object(Context& context, PutRequest request, ByteSource& source) {
  const std::uint64_t limit = std::min(request.max_size, context.limits.upload);
  if (request.size && *request.size > limit) {
    co_return Error(Code::body_too_large, "The file is larger than is allowed here.");
  }
  BodyReader body(context, source, request.size, limit);
  auto putting = contain(put_body(context, std::move(request), body), "put");
  Result<Receipt> receipt = co_await std::move(putting);
  co_await body.close();
  co_return receipt;
}

}  // namespace mas::object
