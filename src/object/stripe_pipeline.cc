#include "object/stripe_pipeline.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "mas/runtime/contain.h"
#include "mas/runtime/offload.h"
#include "object/stripe_writer.h"

namespace mas::object {
namespace {

// Extents of small stripes end here, so that the upload can go on with large ones if there is
// memory by then.
constexpr std::uint64_t kSmallStripesExtent = 64 * kMiB;
// What the largest upload has of such extents at most, far below meta::kMostExtents: each of its
// parts may end one before it is full, and has one more then.
constexpr std::uint64_t kMostSmallStripesExtents = 16'384;

}  // namespace

StripePipeline::StripePipeline(Context& context, const Id128& upload, const Profile& profile,
                               ContentHasher& hasher, Written& written, const UploadKeeper& keeper)
    : context_(context),
      upload_(upload),
      profile_(profile),
      hasher_(hasher),
      written_(written),
      keeper_(keeper),
      durable_(context, upload) {
  coder_free_.set();
  if (!written_.body) written_.body = context.unrecorded.open();
}

Task<Result<void>> StripePipeline::run(BodyReader& body, Head head) {
  stripe_size_ = head.stripe_size;
  large_ = head.large;
  // What is in hand already is recorded in no time.
  Executor home = co_await boost::asio::this_coro::executor;
  if (!body.ended()) durable_.start(std::move(home));
  auto pumping = contain(pump(body, std::move(head.piece)), "upload");
  Result<void> pumped = co_await std::move(pumping);
  co_await workers_.close();
  co_await durable_.close();
  idle_.reset();
  // What the holders said explains more than what followed from it.
  if (status_.has_error()) co_return status_;
  co_return pumped;
}

Task<Result<void>> StripePipeline::pump(BodyReader& body, Piece piece) {
  for (;;) {
    if (piece.size > 0) {
      MAS_CO_CHECK(co_await prepare_extent(body.at_most() + piece.size));
      co_await submit(std::move(piece));
    }
    if (status_.has_error() || body.ended()) co_return Result<void>();
    if (body.gave_way()) {
      piece = Piece();
      co_await let_go();
      if (status_.has_error()) co_return Result<void>();
      co_await body.wait_for_sender();
    }
    MAS_CO_TRY(Piece next, co_await next_piece(body.at_most()));
    MutableBytes into = next.buffer.bytes();
    into = into.first(std::min<std::size_t>(into.size(), stripe_size_));
    const Instant began = context_.deps.clock.now();
    const Hold hold = hold_of(next.permit, large_);
    filling_ = true;
    Result<std::size_t> filled = co_await body.fill(into, hold);
    filling_ = false;
    MAS_CO_TRY(next.size, std::move(filled));
    if (status_.has_error()) co_return Result<void>();
    slow_ = body.gave_way() || (!large_ && context_.deps.clock.now() - began > kQuick);
    piece = std::move(next);
  }
}

// Holds nothing when it resumes. What comes next is written in small stripes.
Task<void> StripePipeline::let_go() {
  while (in_flight_ > 0) co_await wait_for_slot();
  idle_.reset();
  slow_ = true;
  if (!large_) co_return;
  large_ = false;
  stripe_size_ = context_.budget.small_size();
  extent_closed_ = true;
}

Task<Result<void>> StripePipeline::prepare_extent(std::uint64_t at_most) {
  if (!extent_is_full()) co_return Result<void>();
  meta::Extent extent;
  extent.id = context_.deps.rng.id();
  extent.length = std::min(extent_limit(), at_most);
  extent.stripe_size = stripe_size_;
  extent.profile = profile_;
  MAS_CO_CHECK(co_await context_.deps.meta.register_extent(upload_, extent));
  extent.length = 0;
  extent_closed_ = false;
  written_.extents.push_back(extent);
  co_return Result<void>();
}

Task<void> StripePipeline::submit(Piece piece) {
  co_await coder_free_.wait();
  if (status_.has_error()) co_return;
  coder_free_.reset();
  if (keeper_.gone()) {
    fail(Error(Code::upload_not_open, "This upload is not open; initialise it again."));
    // Nothing goes in there any more.
    coder_free_.set();
    co_return;
  }
  meta::Extent& extent = written_.extents.back();
  std::uint64_t number = extent.length / extent.stripe_size;
  extent.length += piece.size;
  extent_closed_ = piece.size < extent.stripe_size;
  ++in_flight_;
  Executor home = co_await boost::asio::this_coro::executor;
  spawn(home, workers_, work(std::move(piece), extent, number), "stripe");
}

Task<void> StripePipeline::work(Piece piece, meta::Extent extent, std::uint64_t number) {
  auto storing = contain(store(piece, extent, number), "stripe");
  Result<void> stored = co_await std::move(storing);
  if (stored.has_error()) {
    fail(stored.error());
    // Nothing goes in there any more.
    coder_free_.set();
  }
  if (--in_flight_ == 0 && !filling_ && !idle_) idle_ = std::move(piece.permit);
  slot_free_.set();
}

Task<Result<void>> StripePipeline::store(Piece& piece, meta::Extent extent, std::uint64_t number) {
  codec::EncodeOptions options{extent.profile, context_.options.unit, context_.options.compress};
  codec::StripeId id{extent.id, number};
  auto job = [this, &piece, &options, &id]() -> Result<codec::EncodedStripe> {
    hasher_.update(piece.buffer.bytes().first(piece.size));
    return codec::encode(id, std::move(piece.buffer), piece.size, options);
  };
  Result<codec::EncodedStripe> encoded = co_await offload(context_.deps.pools.cpu, job);
  if (encoded.has_error()) co_return encoded.error();
  coder_free_.set();
  auto write = context_.begin_write();
  MAS_CO_CHECK(co_await write_stripe(context_, extent, number, *std::move(encoded)));
  written_.body->stored(extent, number, write.version());
  durable_.stored(extent, number);
  co_return Result<void>();
}

Task<Result<Piece>> StripePipeline::next_piece(std::uint64_t at_most) {
  if (!large_ && !slow_ && extent_is_full()) co_await grow_stripes();
  std::uint64_t memory = memory_of(stripe_size_, profile_);
  auto size = static_cast<std::size_t>(
      std::clamp<std::uint64_t>(at_most, 1, static_cast<std::uint64_t>(stripe_size_)));
  for (;;) {
    if (status_.has_error()) co_return status_.error();
    if (idle_) {
      Piece piece{std::move(*idle_), context_.budget.buffer(size), 0};
      idle_.reset();
      co_return piece;
    }
    if (in_flight_ == 0) {
      // It gave way.
      MAS_CO_TRY(Permit permit, co_await context_.budget.small(memory, kLongPatience));
      co_return Piece{std::move(permit), context_.budget.buffer(size), 0};
    }
    if (in_flight_ < context_.options.stripes_in_flight) {
      auto permit = large_ ? context_.budget.try_large(memory) : context_.budget.try_small(memory);
      if (permit) co_return Piece{std::move(*permit), context_.budget.buffer(size), 0};
    }
    co_await wait_for_slot();
  }
}

// Between two extents: large stripes from here on, if there is memory for one now.
Task<void> StripePipeline::grow_stripes() {
  if (context_.options.stripe <= stripe_size_) co_return;
  auto permit = context_.budget.try_large(memory_of(context_.options.stripe, profile_));
  if (!permit) co_return;
  while (in_flight_ > 0) co_await wait_for_slot();
  idle_.reset();
  idle_ = std::move(permit);
  large_ = true;
  stripe_size_ = static_cast<std::uint32_t>(context_.options.stripe);
}

Task<void> StripePipeline::wait_for_slot() {
  slot_free_.reset();
  co_await slot_free_.wait();
}

std::uint64_t StripePipeline::extent_limit() const {
  std::uint64_t limit = context_.options.extent;
  const std::uint64_t share = context_.limits.upload / kMostSmallStripesExtents;
  if (!large_) limit = std::min(limit, std::max(kSmallStripesExtent, share));
  return std::max<std::uint64_t>(limit / stripe_size_, 1) * stripe_size_;
}

bool StripePipeline::extent_is_full() const {
  return written_.extents.empty() || extent_closed_ ||
         written_.extents.back().length >= extent_limit();
}

void StripePipeline::fail(Error error) {
  if (!status_.has_error()) status_ = std::move(error);
}

}  // namespace mas::object
