#include "object/stripe_writer.h"

#include <algorithm>
#include <string>

#include "mas/object/holders.h"
#include "object/join.h"

namespace mas::object {
namespace {

// One record on its way to one holder.
struct Delivery {
  RecordKey key;
  std::vector<Slice> pieces;
  Result<void> result = Error(Code::internal, "The shard was not sent.");
};

Task<void> deliver(Context& context, layout::MemberIndex member, std::uint64_t version,
                   Delivery& delivery) {
  delivery.result =
      co_await context.deps.transport.put(member, version, delivery.key, delivery.pieces);
}

Error too_few(std::size_t durable, std::size_t meant, int minimum) {
  return Error(Code::too_few_pods_write,
               "Only " + std::to_string(durable) + " of " + std::to_string(meant) +
                   " pods could store this; at least " + std::to_string(minimum) +
                   " must. Try again when more pods are up.");
}

// The error of a stripe that missed its minimum: what the holders agree on, if they do.
Error judge(const std::vector<Delivery>& deliveries, std::size_t durable, int minimum) {
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

Task<void> send_all(Context& context, const membership::ClusterView& view, std::uint32_t partition,
                    std::vector<Delivery>& deliveries) {
  std::vector<Task<void>> tasks;
  for (std::size_t i = 0; i < deliveries.size(); ++i) {
    auto holder = row_holder(view.layout, partition, i);
    if (!holder || is_down(view, *holder)) {
      deliveries[i].result = Error(Code::closed, "This pod is down.");
    } else {
      tasks.push_back(deliver(context, *holder, view.layout.version, deliveries[i]));
    }
  }
  if (tasks.size() == 1) {
    co_await std::move(tasks.front());
  } else {
    co_await run_all(std::move(tasks), "shard write");
  }
}

Task<Result<Durability>> write_row(Context& context, std::uint32_t partition, Profile profile,
                                   std::vector<Delivery> deliveries) {
  constexpr int kAttempts = 3;
  for (int attempt = 1;; ++attempt) {
    auto view = context.deps.view.current();
    co_await send_all(context, *view, partition, deliveries);
    std::size_t durable = 0;
    bool stale = false;
    for (const Delivery& delivery : deliveries) {
      durable += delivery.result.has_value() ? 1 : 0;
      stale |= delivery.result.has_error() && delivery.result.error().code() == Code::stale_layout;
    }
    // Rows may have changed: the stripe goes out again under the newer layout.
    bool newer = context.deps.view.current()->layout.version != view->layout.version;
    if (stale && newer && attempt < kAttempts) continue;
    if (durable < deliveries.size()) {
      context.instruments.shard_writes_failed.add(static_cast<double>(deliveries.size() - durable));
    }
    int minimum = write_minimum(profile);
    if (static_cast<int>(durable) < minimum) co_return judge(deliveries, durable, minimum);
    co_return Durability::of(profile, static_cast<int>(durable));
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
  Result<Durability> stored =
      co_await write_row(context, partition, extent.profile, std::move(deliveries));
  context.writes.note(context.deps.clock.now() - began);
  if (stored.has_value() && stored->durable < stored->meant) {
    context.hints.push({RecordKey::shard(extent.id, number, 0), extent});
  }
  co_return stored;
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
  return write_row(context, layout::partition_of(object.hash), profile, std::move(deliveries));
}

}  // namespace mas::object
