#include "object/stripe_repair.h"

#include <algorithm>
#include <cstring>

#include "mas/observe/log.h"
#include "mas/runtime/offload.h"
#include "object/inquiry.h"
#include "object/join.h"
#include "object/newest_layout.h"
#include "object/placement.h"

namespace mas::object {
namespace {

constexpr Duration kPatience = std::chrono::seconds(10);

// The generation of the record that a header carries; 0 if it carries none.
std::uint64_t carried_generation(const codec::ShardHeader& header) {
  Result<meta::Object> object = meta::decode_object(header.manifest);
  return object.has_value() ? object->generation : 0;
}

bool same_stripe(const codec::ShardHeader& a, const codec::ShardHeader& b) {
  auto same_unit = [](const codec::UnitInfo& x, const codec::UnitInfo& y) {
    return x.stored == y.stored && x.plain == y.plain && x.plain_sum == y.plain_sum;
  };
  return a.data_size == b.data_size &&
         std::equal(a.units.begin(), a.units.end(), b.units.begin(), b.units.end(), same_unit);
}

}  // namespace

Task<Result<void>> read_back(Context& context, layout::MemberIndex member, RecordKey key,
                             std::vector<Slice> pieces) {
  std::size_t size = 0;
  for (const Slice& piece : pieces) size += piece.size();
  // One byte more than was put, to see if the record is longer.
  MAS_CO_TRY(Slice there, co_await context.deps.transport.read(
                              member, key, 0, static_cast<std::uint32_t>(size + 1)));
  bool same = there.size() == size;
  std::size_t at = 0;
  for (const Slice& piece : pieces) {
    same = same && std::memcmp(there.data() + at, piece.data(), piece.size()) == 0;
    at += piece.size();
  }
  if (same) co_return Result<void>();
  context.instruments.shards_bad.add();
  MAS_CO_CHECK(co_await context.deps.transport.quarantine(member, key));
  co_return Error(Code::corrupt, "What was stored reads back otherwise.");
}

StripeRepair::StripeRepair(Context& context, const StripeRef& stripe, Care care)
    : context_(context),
      stripe_(stripe),
      care_(care),
      view_(context.deps.view.current()),
      partition_(layout::partition_of(stripe.extent.id, stripe.number)),
      shards_(static_cast<std::size_t>(stripe.extent.profile.width())) {}

RecordKey StripeRepair::key(int shard) const {
  return RecordKey::shard(stripe_.extent.id, stripe_.number, static_cast<std::uint16_t>(shard));
}

Standing StripeRepair::standing() const {
  Standing standing{stripe_.extent.profile.width(), stripe_.extent.profile.k};
  for (const Shard& shard : shards_) {
    standing.held += shard.place == Place::held ? 1 : 0;
    standing.absent += shard.place == Place::absent ? 1 : 0;
    standing.away += shard.place == Place::away ? 1 : 0;
  }
  return standing;
}

int StripeRepair::in_hand() const {
  auto has_data = [](const Shard& shard) { return shard.header.has_value(); };
  return static_cast<int>(std::count_if(shards_.begin(), shards_.end(), has_data));
}

std::vector<int> StripeRepair::wanted() const {
  std::vector<int> numbers;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    bool missing = shards_[i].place == Place::absent && !shards_[i].header;
    if (missing) numbers.push_back(static_cast<int>(i));
  }
  return numbers;
}

Task<Result<Mended>> StripeRepair::run() {
  const Profile& profile = stripe_.extent.profile;
  co_await ask_holders();
  bool all_held = standing().held == profile.width();
  if (care_ == Care::quick && standing().absent == 0) co_return Mended{standing()};
  // The shards, and those made of them or read back beside them.
  std::uint64_t memory = 2 * memory_of(stripe_length(stripe_.extent, stripe_.number), profile);
  MAS_CO_TRY(permit_, co_await context_.budget.repair(memory, kPatience));
  if (care_ == Care::thorough) co_await read_held();
  if (standing().absent == 0) co_return Mended{standing()};
  if (all_held) {
    log::info("shards that their holders count as good are not",
              {{"extent", stripe_.extent.id.hex()}, {"stripe", stripe_.number}});
  }
  co_await gather(Reach::previous);
  if (in_hand() < profile.k && !wanted().empty()) {
    unanswered_ = false;
    awaits_leaver_ = false;
    co_await gather(Reach::everybody);
  }
  if (in_hand() >= profile.k || wanted().empty()) co_return co_await rebuild(false);
  if (awaits_leaver_ && !unanswered_ && log::once_a_minute("repair.awaits_leaver")) {
    log::warn("repair.awaits_leaver",
              {{"extent", stripe_.extent.id.hex()}, {"stripe", stripe_.number}});
  }
  if (unanswered_) {
    co_return Error(Code::too_few_pods_read, "Too few pods that hold this stripe answer.");
  }
  const bool known = co_await went_by_newest_layout(context_, view_->layout.version);
  if (!known) {
    co_return Error(Code::too_few_pods_read, "Somebody whom this pod does not know may hold it.");
  }
  co_return co_await rebuild(true);
}

Task<void> StripeRepair::ask_holders() {
  Inquiry inquiry(view_);
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    inquiry.add(row_holder(view_->layout, partition_, i), key(static_cast<int>(i)));
  }
  co_await inquiry.ask(context_);
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    Inquiry::Answer answer = inquiry.answer(i);
    if (answer == Inquiry::Answer::yes) shards_[i].place = Place::held;
    if (answer == Inquiry::Answer::no) shards_[i].place = Place::absent;
  }
}

Task<void> StripeRepair::read_held() {
  ShardSource source(context_, stripe_.extent, stripe_.number, {view_, Reach::row, false});
  std::vector<Task<void>> reads;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    if (shards_[i].place == Place::held) reads.push_back(fetch(source, static_cast<int>(i)));
  }
  co_await run_all(std::move(reads), "shard read");
  note_failures(source);
}

// A shard that its holder says it has and cannot give, or gives wrong, is absent.
void StripeRepair::note_failures(const ShardSource& source) {
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    std::optional<Code> failed = source.holder_failed(static_cast<int>(i));
    if (shards_[i].place != Place::held || !failed) continue;
    shards_[i].place = is_fault_of_shard(*failed) ? Place::absent : Place::away;
  }
}

// As many shards as are needed, those first that need only be copied, then those that are there.
Task<void> StripeRepair::gather(Reach reach) {
  ShardSource source(context_, stripe_.extent, stripe_.number, {view_, reach, false});
  std::vector<int> order;
  auto add = [&](Place place) {
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      if (shards_[i].place == place && !shards_[i].header) order.push_back(static_cast<int>(i));
    }
  };
  // With its row at rest an absent shard is where it should not be, if anywhere.
  bool copies = reach == Reach::previous && is_changing(view_->layout, partition_);
  if (copies) add(Place::absent);
  add(Place::held);
  if (!copies) add(Place::absent);
  add(Place::away);
  auto next = order.begin();
  const int needed = stripe_.extent.profile.k;
  while (in_hand() < needed && next != order.end()) {
    if (standing().absent > 0 && wanted().empty()) break;
    std::vector<Task<void>> reads;
    for (int open = needed - in_hand(); open > 0 && next != order.end(); --open) {
      reads.push_back(fetch(source, *next++));
    }
    co_await run_all(std::move(reads), "shard read");
  }
  unanswered_ |= source.member_unanswered();
  awaits_leaver_ |= source.awaits_leaver();
  note_failures(source);
}

Task<void> StripeRepair::fetch(ShardSource& source, int shard) {
  std::uint64_t share = stripe_length(stripe_.extent, stripe_.number) / stripe_.extent.profile.k;
  auto ahead = static_cast<std::uint32_t>(round_up(share + 1, kBlockSize));
  for (;;) {
    Result<const codec::ShardHeader*> header = co_await source.header(shard, ahead);
    if (header.has_error()) co_return;
    Result<Slice> data = co_await source.data(shard, 0, (*header)->data_size);
    Error wrong(Code::corrupt, "The shard's bytes are wrong.");
    if (data.has_error()) {
      wrong = data.error();
    } else if (codec::verify_blocks(**header, 0, data->view()).has_value()) {
      Shard& found = shards_[static_cast<std::size_t>(shard)];
      found.header = **header;
      found.data = *std::move(data);
      co_return;
    }
    co_await source.reject(shard, wrong);
  }
}

Task<Result<Mended>> StripeRepair::rebuild(bool too_few) {
  Mended mended;
  mended.beyond_repair = too_few && !awaits_leaver_;
  std::vector<int> absent;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    if (shards_[i].place == Place::absent) absent.push_back(static_cast<int>(i));
  }
  if (!too_few && !wanted().empty()) {
    auto job = [this] { return reconstruct(); };
    MAS_CO_CHECK(co_await offload(context_.deps.pools.cpu, job));
  }
  // Whoever gave it up may have done so while it was read: its shards must not come back.
  std::vector<Id128> extents{stripe_.extent.id};
  MAS_CO_TRY(std::vector<bool> referenced, co_await context_.deps.meta.referenced(extents));
  mended.unreferenced = !referenced.at(0);
  Result<void> stored;
  for (int shard : absent) {
    if (mended.unreferenced) break;
    Shard& mine = shards_[static_cast<std::size_t>(shard)];
    if (mine.data.empty()) continue;
    Result<void> put_there = co_await put(shard);
    if (put_there.has_error()) {
      stored = put_there;
      continue;
    }
    mine.place = Place::held;
    ++mended.rebuilt;
  }
  mended.bytes = bytes_;
  context_.instruments.repaired.add(mended.rebuilt);
  context_.instruments.repaired_bytes.add(static_cast<double>(bytes_));
  MAS_CO_CHECK(std::move(stored));
  mended.standing = standing();
  co_return mended;
}

// The header to make others from: should a stripe have been sent again under a later generation,
// the one that carries the latest.
const codec::ShardHeader& StripeRepair::reference() const {
  const codec::ShardHeader* best = nullptr;
  for (const Shard& shard : shards_) {
    if (!shard.header) continue;
    bool later = best == nullptr || (best->manifest != shard.header->manifest &&
                                     carried_generation(*shard.header) > carried_generation(*best));
    if (later) best = &*shard.header;
  }
  MAS_ASSERT(best != nullptr);
  return *best;
}

Result<void> StripeRepair::reconstruct() {
  const codec::ShardHeader& any = reference();
  std::vector<Slice> have(shards_.size());
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    if (!shards_[i].header) continue;
    if (!same_stripe(any, *shards_[i].header)) {
      return Error(Code::corrupt, "The shards of this stripe contradict each other.");
    }
    have[i] = shards_[i].data;
  }
  std::vector<int> missing = wanted();
  MAS_CHECK(codec::reconstruct(stripe_.extent.profile, have, missing));
  for (int shard : missing) {
    shards_[static_cast<std::size_t>(shard)].data = have[static_cast<std::size_t>(shard)];
  }
  return {};
}

Task<Result<void>> StripeRepair::put(int shard) {
  const Shard& mine = shards_[static_cast<std::size_t>(shard)];
  auto job = [this, shard, &mine] { return codec::rebuild_record(reference(), shard, mine.data); };
  MAS_CO_TRY(codec::EncodedShard record, co_await offload(context_.deps.pools.cpu, job));
  auto holder = row_holder(view_->layout, partition_, static_cast<std::size_t>(shard));
  MAS_ASSERT(holder.has_value());
  std::vector<Slice> pieces{record.header, record.data};
  MAS_CO_CHECK(
      co_await context_.deps.transport.put(*holder, view_->layout.version, key(shard), pieces));
  MAS_CO_CHECK(co_await read_back(context_, *holder, key(shard), pieces));
  bytes_ += record.header.size() + record.data.size();
  log::debug("shard repaired",
             {{"extent", stripe_.extent.id.hex()}, {"stripe", stripe_.number}, {"shard", shard}});
  co_return Result<void>();
}

}  // namespace mas::object
