#include "object/shard_source.h"

#include <algorithm>

#include "mas/layout/leavers.h"
#include "mas/object/holders.h"
#include "mas/observe/log.h"
#include "object/placement.h"

namespace mas::object {
namespace {

// Enough for the header of any but the widest stripes; those take a second read.
constexpr std::uint32_t kHeaderGuess = 4096;

}  // namespace

bool is_fault_of_shard(Code code) {
  return code == Code::not_found || code == Code::corrupt || code == Code::decompress ||
         code == Code::io;
}

ShardSource::ShardSource(Context& context, const meta::Extent& extent, std::uint64_t number,
                         Search search)
    : context_(context),
      extent_(extent),
      number_(number),
      search_(std::move(search)),
      shards_(static_cast<std::size_t>(extent.profile.width())) {
  std::uint32_t partition = layout::partition_of(extent_.id, number_);
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    shards_[i].holders = holders_of(search_.view->layout, partition, i, search_.reach);
  }
  for (Shard& shard : shards_) {
    order_.push_back(static_cast<int>(order_.size()));
    shard.rank = rank_of(shard);
  }
  std::stable_sort(order_.begin(), order_.end(),
                   [this](int a, int b) { return rank(a) < rank(b); });
}

ShardSource::Rank ShardSource::rank_of(const Shard& shard) const {
  const membership::ClusterView& view = *search_.view;
  if (shard.holders.empty()) return Rank::set_aside;
  layout::MemberIndex holder = shard.holders.front();
  if (context_.skips.contains(holder) || is_down(view, holder)) return Rank::set_aside;
  if (holder == view.self) return Rank::own;
  const auto& members = view.layout.members;
  bool same_zone = view.is_member() && !members[view.self].zone.empty() &&
                   members[holder].zone == members[view.self].zone;
  return same_zone ? Rank::zone : Rank::other;
}

std::optional<layout::MemberIndex> ShardSource::holder(int shard) const {
  const Shard& state = shards_[static_cast<std::size_t>(shard)];
  if (state.asked >= state.holders.size()) return std::nullopt;
  return state.holders[state.asked];
}

Task<void> ShardSource::lock(int shard) {
  Shard& state = shards_[static_cast<std::size_t>(shard)];
  while (state.locked) {
    if (!state.unlocked) state.unlocked = std::make_unique<Event>();
    state.unlocked->reset();
    co_await state.unlocked->wait();
  }
  state.locked = true;
}

void ShardSource::unlock(int shard) {
  Shard& state = shards_[static_cast<std::size_t>(shard)];
  state.locked = false;
  if (state.unlocked) state.unlocked->set();
}

RecordKey ShardSource::key(int shard) const {
  return RecordKey::shard(extent_.id, number_, static_cast<std::uint16_t>(shard));
}

Task<Result<const codec::ShardHeader*>> ShardSource::header(int shard, std::uint32_t ahead,
                                                            std::shared_ptr<peer::Recall> recall) {
  Shard& state = shards_[static_cast<std::size_t>(shard)];
  while (!state.header && state.asked < state.holders.size()) {
    Result<void> opened = co_await open(shard, ahead, recall);
    if (opened.has_error()) co_await reject(shard, opened.error());
    if (recall && recall->is_recalled()) break;
  }
  if (state.header) co_return state.header.get();
  co_return Error(unanswered() ? Code::closed : Code::not_found, "The shard cannot be read.");
}

Task<Result<void>> ShardSource::open(int shard, std::uint32_t ahead,
                                     const std::shared_ptr<peer::Recall>& recall) {
  Shard& state = shards_[static_cast<std::size_t>(shard)];
  layout::MemberIndex member = state.holders[state.asked];
  peer::PeerTransport& transport = context_.deps.transport;
  MAS_CO_TRY(state.front,
             co_await transport.read_unless(recall, member, key(shard), 0, kHeaderGuess + ahead));
  if (state.front.size() < codec::kHeaderPrefix) co_return Error(Code::corrupt, "No header.");
  MAS_CO_TRY(std::size_t size, codec::header_size(state.front.view()));
  if (size > state.front.size()) {
    MAS_CO_TRY(state.front,
               co_await transport.read_unless(recall, member, key(shard), 0,
                                              static_cast<std::uint32_t>(size) + ahead));
    if (size > state.front.size()) co_return Error(Code::corrupt, "The header is cut short.");
  }
  MAS_CO_TRY(codec::ShardHeader header, parse(shard, state.front.view().first(size)));
  state.header = std::make_unique<codec::ShardHeader>(std::move(header));
  co_return Result<void>();
}

// A header that is whole but of another stripe is as wrong as a broken one.
Result<codec::ShardHeader> ShardSource::parse(int shard, ByteView bytes) const {
  MAS_TRY(codec::ShardHeader header, codec::parse_header(bytes));
  bool fits = header.stripe.extent == extent_.id && header.stripe.number == number_ &&
              header.profile == extent_.profile && header.shard == shard &&
              header.plain_size == stripe_length(extent_, number_);
  if (!fits) return Error(Code::corrupt, "This is not the shard it is stored as.");
  return header;
}

Task<Result<Slice>> ShardSource::data(int shard, std::uint64_t offset, std::uint32_t length,
                                      std::shared_ptr<peer::Recall> recall) {
  Shard& state = shards_[static_cast<std::size_t>(shard)];
  if (!state.header) co_return Error(Code::not_found, "The shard cannot be read.");
  std::uint64_t at = state.header->header_size + offset;
  if (at + length <= state.front.size()) {
    Slice piece = state.front.sub(static_cast<std::size_t>(at), length);
    // Bytes read ahead are used once; holding them longer only costs memory.
    if (at + length == state.front.size()) state.front = Slice();
    co_return piece;
  }
  layout::MemberIndex member = state.holders[state.asked];
  Result<Slice> read = co_await context_.deps.transport.read_unless(std::move(recall), member,
                                                                    key(shard), at, length);
  if (read.has_value() && read->size() != length) {
    co_return Error(Code::corrupt, "The shard is shorter than its header says.");
  }
  co_return read;
}

void ShardSource::note_silence(layout::MemberIndex member) {
  const layout::MemberState state = search_.view->layout.members[member].state;
  awaits_leaver_ |= state == layout::MemberState::left;
  unanswered_ |= layout::is_present(search_.view->layout.members[member]);
}

Task<void> ShardSource::reject(int shard, Error error) {
  Shard& state = shards_[static_cast<std::size_t>(shard)];
  if (state.asked >= state.holders.size()) co_return;
  layout::MemberIndex member = state.holders[state.asked++];
  state.header.reset();
  state.front = Slice();
  if (state.asked == 1) {
    state.holder_failed = error.code();
    bool repairable = search_.report && is_fault_of_shard(error.code());
    if (repairable) context_.hints.push({key(shard), extent_});
  }
  if (error.code() != Code::corrupt && error.code() != Code::decompress) {
    if (error.code() != Code::not_found) note_silence(member);
    co_return;
  }
  context_.instruments.shards_bad.add();
  log::warn("shard with wrong bytes quarantined",
            {{"extent", extent_.id.hex()}, {"stripe", number_}, {"shard", shard}});
  Result<void> told = co_await context_.deps.transport.quarantine(member, key(shard));
  if (told.has_error()) log::warn("quarantine failed", {{"error", told.error()}});
}

}  // namespace mas::object
