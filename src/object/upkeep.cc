#include "object/upkeep.h"

#include <algorithm>

#include "mas/observe/log.h"
#include "object/extent_reader.h"
#include "object/inquiry.h"
#include "object/manifest_repair.h"
#include "object/stripe_repair.h"

namespace mas::object {
namespace {

constexpr std::uint32_t kHeaderGuess = 4096;

Task<Result<codec::ShardHeader>> read_header(Context& context, layout::MemberIndex member,
                                             RecordKey key) {
  peer::PeerTransport& transport = context.deps.transport;
  MAS_CO_TRY(Slice front, co_await transport.read(member, key, 0, kHeaderGuess));
  if (front.size() < codec::kHeaderPrefix) co_return Error(Code::corrupt, "No header.");
  MAS_CO_TRY(std::size_t size, codec::header_size(front.view()));
  if (size > front.size()) {
    MAS_CO_TRY(front, co_await transport.read(member, key, 0, static_cast<std::uint32_t>(size)));
  }
  co_return codec::parse_header(front.view());
}

}  // namespace

Task<std::vector<Standing>> StripeUpkeep::inspect(std::vector<StripeRef> stripes) {
  MAS_ASSERT(stripes.size() <= kMostInspected);
  auto view = context_.deps.view.current();
  Inquiry inquiry(view);
  for (const StripeRef& stripe : stripes) {
    std::uint32_t partition = layout::partition_of(stripe.extent.id, stripe.number);
    for (std::uint16_t shard = 0; shard < stripe.extent.profile.width(); ++shard) {
      inquiry.add(row_holder(view->layout, partition, shard),
                  RecordKey::shard(stripe.extent.id, stripe.number, shard));
    }
  }
  co_await inquiry.ask(context_);
  std::vector<Standing> standings;
  std::size_t question = 0;
  for (const StripeRef& stripe : stripes) {
    const Profile& profile = stripe.extent.profile;
    Standing& standing = standings.emplace_back(Standing{profile.width(), profile.k});
    for (int shard = 0; shard < profile.width(); ++shard) {
      Inquiry::Answer answer = inquiry.answer(question++);
      standing.held += answer == Inquiry::Answer::yes ? 1 : 0;
      standing.absent += answer == Inquiry::Answer::no ? 1 : 0;
      standing.away += answer == Inquiry::Answer::none ? 1 : 0;
    }
  }
  co_return standings;
}

Task<std::vector<Standing>> StripeUpkeep::inspect_manifests(std::vector<meta::Object> objects) {
  return object::inspect_manifests(context_, std::move(objects));
}

Task<Result<Mended>> StripeUpkeep::repair(StripeRef stripe, Care care) {
  StripeRepair repair(context_, stripe, care);
  co_return co_await repair.run();
}

Task<Result<Mended>> StripeUpkeep::repair_manifest(meta::Object object) {
  return object::repair_manifest(context_, std::move(object));
}

Task<std::optional<StripeRef>> StripeUpkeep::stripe_of(RecordKey shard) {
  auto view = context_.deps.view.current();
  std::uint32_t partition = layout::partition_of(shard.extent(), shard.major);
  for (std::uint16_t position = 0; position < layout::kMaxWidth; ++position) {
    RecordKey key = RecordKey::shard(shard.extent(), shard.major, position);
    for (layout::MemberIndex member :
         holders_of(view->layout, partition, position, Reach::previous)) {
      if (is_down(*view, member)) continue;
      Result<codec::ShardHeader> header = co_await read_header(context_, member, key);
      bool fits = header.has_value() && header->stripe.extent == shard.extent() &&
                  header->stripe.number == shard.major;
      if (!fits) continue;
      // What is known of the extent is enough for this stripe of it.
      StripeRef stripe;
      stripe.number = shard.major;
      stripe.extent.id = shard.extent();
      stripe.extent.stripe_size = header->plain_size;
      stripe.extent.length = (shard.major + 1) * header->plain_size;
      stripe.extent.profile = header->profile;
      co_return stripe;
    }
  }
  co_return std::nullopt;
}

Task<Result<void>> StripeUpkeep::mark(meta::Object object, bool damaged) {
  context_.records.drop(object.hash);
  Result<void> marked =
      co_await context_.deps.meta.set_damaged(object.hash, object.generation, damaged);
  context_.records.drop(object.hash);
  if (marked.has_error()) {
    Code code = marked.error().code();
    if (code == Code::conflict || code == Code::no_such_file) co_return Result<void>();
    co_return marked;
  }
  if (damaged) {
    log::error("file is damaged beyond repair", {{"hash", object.hash.hex()}});
  } else {
    log::info("file that was damaged is whole again", {{"hash", object.hash.hex()}});
  }
  co_return Result<void>();
}

Task<Result<void>> StripeUpkeep::read_through(meta::Object object) {
  auto window = static_cast<std::uint32_t>(context_.options.unit);
  ExtentReader reader(context_, object.extents, 0, object.size, window);
  bool everywhere = false;
  while (reader.left() > 0) {
    Result<Slice> bytes = co_await reader.next();
    if (bytes.has_value()) continue;
    if (everywhere) co_return bytes.error();
    everywhere = true;
    reader.retry_everywhere(object.extents);
  }
  co_return Result<void>();
}

double StripeUpkeep::strain() {
  return std::max(context_.reads.strain(), context_.writes.strain());
}

}  // namespace mas::object
