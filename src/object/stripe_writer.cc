#include "object/stripe_writer.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <string>

#include "object/volley.h"

namespace mas::object {
namespace {

Error too_few(int durable, std::size_t meant, int minimum) {
  return Error(Code::too_few_pods_write,
               "Only " + std::to_string(durable) + " of " + std::to_string(meant) +
                   " pods could store this; at least " + std::to_string(minimum) + " must, so " +
                   std::to_string(minimum - durable) + (minimum - durable == 1 ? " is" : " are") +
                   " missing. Try again when more pods are up.");
}

// The error of a stripe that missed its minimum: what the holders agree on, if they do.
Error judge(const std::vector<Delivery>& deliveries, int durable, int minimum) {
  auto all_failed_with = [&](Code code) {
    return std::all_of(deliveries.begin(), deliveries.end(), [&](const Delivery& d) {
      return d.result.has_value() || d.result.error().code() == code;
    });
  };
  for (Code code : {Code::disk_full, Code::busy}) {
    if (!all_failed_with(code)) continue;
    for (const Delivery& d : deliveries) {
      if (d.result.has_error()) return d.result.error();
    }
  }
  return too_few(durable, deliveries.size(), minimum);
}

struct RowWritten {
  Result<Durability> stored;
  bool silent = false;  // somebody who was not waited for may have it later
};

Task<RowWritten> write_row(Context& context, std::uint32_t partition, Profile profile,
                           std::vector<Delivery> deliveries) {
  constexpr int kAttempts = 3;
  Executor home = co_await boost::asio::this_coro::executor;
  const int minimum = write_minimum(profile, context.write.min_survives);
  for (int attempt = 1;; ++attempt) {
    auto view = context.deps.view.current();
    auto volley = std::make_shared<Volley>(context, std::move(deliveries), minimum, home);
    co_await volley->send(*view, partition);
    // Rows may have changed: the stripe goes out again under the newer layout.
    bool newer = context.deps.view.current()->layout.version != view->layout.version;
    if (newer && attempt < kAttempts && volley->is_stale()) {
      deliveries = volley->copy();
      continue;
    }
    const int durable = volley->durable();
    if (durable < profile.width()) {
      context.instruments.shard_writes_failed.add(profile.width() - durable);
    }
    if (durable < minimum) {
      co_return RowWritten{judge(volley->deliveries(), durable, minimum), volley->has_silent()};
    }
    co_return RowWritten{Durability::of(profile, durable), volley->has_silent()};
  }
}

// What is missing is made anew later: once a holder that is only silent is asked again.
void leave_to_repair(Context& context, const RowWritten& written, Hint hint) {
  if (written.stored.has_error() || written.stored->durable == written.stored->meant) return;
  if (written.silent) {
    Instant due = context.deps.clock.now() + context.write.skip_for;
    context.hints.push_later(hint, due);
  } else {
    context.hints.push(std::move(hint));
  }
}

}  // namespace

Task<Result<Durability>> write_stripe(Context& context, const meta::Extent& extent,
                                      std::uint64_t number, codec::EncodedStripe stripe) {
  std::vector<Delivery> deliveries(stripe.shards.size());
  for (std::size_t i = 0; i < deliveries.size(); ++i) {
    deliveries[i].key = RecordKey::shard(extent.id, number, static_cast<std::uint16_t>(i));
    codec::EncodedShard& shard = stripe.shards[i];
    deliveries[i].pieces = {std::move(shard.header), std::move(shard.data)};
  }
  std::uint32_t partition = layout::partition_of(extent.id, number);
  Instant began = context.deps.clock.now();
  RowWritten written =
      co_await write_row(context, partition, extent.profile, std::move(deliveries));
  context.writes.note(context.deps.clock.now() - began);
  leave_to_repair(context, written, {RecordKey::shard(extent.id, number, 0), extent});
  co_return std::move(written.stored);
}

Task<Result<Durability>> write_manifest(Context& context, const meta::Object& object) {
  auto view = context.deps.view.current();
  Profile profile = copies_of(write_profile(context.options, view->layout));
  std::vector<Delivery> deliveries(static_cast<std::size_t>(profile.width()));
  Slice bytes = Slice::copy_of(as_bytes(meta::encode(object)));
  for (std::size_t i = 0; i < deliveries.size(); ++i) {
    deliveries[i].key =
        RecordKey::manifest(object.hash, object.generation, static_cast<std::uint16_t>(i));
    deliveries[i].pieces = {bytes};
  }
  RecordKey key = deliveries.front().key;
  RowWritten written = co_await write_row(context, layout::partition_of(object.hash), profile,
                                          std::move(deliveries));
  // A manifest is looked for once the record is there, which comes next.
  written.silent = true;
  leave_to_repair(context, written, {key});
  co_return std::move(written.stored);
}

}  // namespace mas::object
