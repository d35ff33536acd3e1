#include "object/stripe_put.h"

#include "mas/codec/hash.h"
#include "mas/observe/log.h"
#include "mas/runtime/offload.h"
#include "object/presence.h"
#include "object/publisher.h"
#include "object/stripe_writer.h"

namespace mas::object {
namespace {

// Up to this a hop to the pool costs more than the work.
constexpr std::size_t kInline = 64 * kKiB;

// Encodes and writes the stripe with the object's record in its headers.
class OneStripe final : public ManifestStep {
 public:
  OneStripe(Context& context, const meta::Extent& extent, Buffer plain, std::size_t size)
      : context_(context), extent_(extent), plain_(std::move(plain)), size_(size) {}

  Task<Result<void>> store(const meta::Object& object) override {
    std::string manifest = meta::encode(object);
    if (stripe_.shards.empty()) {
      MAS_CO_TRY(stripe_, co_await encode(manifest));
    } else {
      MAS_CO_CHECK(rewrite_headers(manifest));
    }
    sent_ = true;
    since_ = context_.deps.clock.now();
    MAS_CO_TRY(durability_, co_await write_stripe(context_, extent_, 0, stripe_));
    co_return Result<void>();
  }

  // Its record goes with the shards.
  Task<void> give_up(const meta::Object& /*object*/) override { co_return; }

  [[nodiscard]] bool sent() const noexcept { return sent_; }
  [[nodiscard]] const Durability& durability() const noexcept { return durability_; }
  // When it was begun to be written.
  [[nodiscard]] Instant since() const noexcept { return since_; }

 private:
  Task<Result<codec::EncodedStripe>> encode(const std::string& manifest) {
    codec::EncodeOptions options{extent_.profile, context_.options.unit, context_.options.compress};
    codec::StripeId id{extent_.id, 0};
    auto job = [this, &options, &id, &manifest]() -> Result<codec::EncodedStripe> {
      return codec::encode(id, std::move(plain_), size_, options, as_bytes(manifest));
    };
    if (size_ <= kInline) co_return job();
    co_return co_await offload(context_.deps.pools.cpu, job);
  }

  // A later generation took this one's place: the data stays, the headers name the new one.
  Result<void> rewrite_headers(const std::string& manifest) {
    for (std::size_t i = 0; i < stripe_.shards.size(); ++i) {
      codec::EncodedShard& shard = stripe_.shards[i];
      MAS_TRY(codec::ShardHeader header, codec::parse_header(shard.header.view()));
      header.manifest = manifest;
      MAS_TRY(shard, codec::rebuild_record(header, static_cast<int>(i), shard.data));
    }
    return {};
  }

  Context& context_;
  const meta::Extent extent_;
  Buffer plain_;
  const std::size_t size_;
  codec::EncodedStripe stripe_;
  bool sent_ = false;
  Instant since_{};
  Durability durability_;
};

meta::Extent make_extent(Context& context, std::size_t size) {
  Profile profile = write_profile(context.options, context.deps.view.current()->layout);
  meta::Extent extent;
  extent.id = context.deps.rng.id();
  extent.length = size;
  extent.stripe_size = static_cast<std::uint32_t>(context.options.stripe);
  extent.profile = size <= context.options.small_object ? copies_of(profile) : profile;
  return extent;
}

Task<Result<Receipt>> put_empty(Context& context, meta::Object object) {
  ManifestRecords manifest(context);
  MAS_CO_TRY(Published published,
             co_await publish(context, std::move(object), std::nullopt, manifest));
  // An empty file is its manifest.
  Presence presence = co_await check_presence(context, published.object);
  co_return make_receipt(std::move(published.object), presence);
}

Task<void> give_up(Context& context, const meta::Extent& extent) {
  std::vector<meta::Extent> extents{extent};
  // As of no time: it never was part of a file.
  Result<void> freed = co_await context.deps.meta.free(extents, 0);
  // The census finds it then, once there is a later record.
  if (freed.has_error()) log::warn("extent could not be freed", {{"error", freed.error()}});
}

}  // namespace

Error hash_mismatch() {
  return Error(Code::hash_mismatch, "The content does not have the hash it was sent under.");
}

Result<std::string> name_of(const PutRequest& request, const Hash& hash) {
  if (!request.name) return hash.hex();
  MAS_TRY(std::string name, request.name());
  return name.empty() ? hash.hex() : name;
}

Task<Result<Hash>> digest_of(Context& context, ByteView bytes) {
  if (bytes.size() <= kInline) co_return codec::sha256(bytes);
  auto job = [bytes]() -> Result<Hash> { return codec::sha256(bytes); };
  co_return co_await offload(context.deps.pools.cpu, job);
}

Task<Result<Receipt>> put_stripe(Context& context, PutRequest request, Piece piece) {
  meta::Object object;
  object.size = piece.size;
  object.created = context.now_seconds();
  MAS_CO_TRY(object.hash, co_await digest_of(context, piece.buffer.bytes().first(piece.size)));
  if (request.hash && *request.hash != object.hash) co_return hash_mismatch();
  MAS_CO_TRY(object.name, name_of(request, object.hash));
  if (piece.size == 0) co_return co_await put_empty(context, std::move(object));

  meta::Extent extent = make_extent(context, piece.size);
  object.extents = {extent};
  OneStripe stripe(context, extent, std::move(piece.buffer), piece.size);
  Result<Published> published = co_await publish(context, std::move(object), std::nullopt, stripe);
  bool kept = published.has_value() && published->ours;
  if (!kept && stripe.sent()) {
    if (request.in_vain != nullptr) *request.in_vain = extent.length;
    co_await give_up(context, extent);
  }
  if (published.has_error()) co_return published.error();
  if (!kept) {
    context.instruments.deduplicated.add();
    co_return make_receipt(std::move(published->object), published->presence);
  }
  // Nobody else knew of its shards before the commit: what went missing since, nobody has repaired.
  co_return co_await fresh_receipt(context, std::move(published->object), stripe.durability(),
                                   stripe.since());
}

}  // namespace mas::object
