#include "object/unit_reader.h"

#include <algorithm>
#include <array>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>

#include "object/placement.h"

namespace mas::object {
namespace {

std::size_t unit_index(const codec::ShardHeader& header, std::uint32_t offset) {
  return std::min<std::size_t>(offset / header.units.front().plain, header.units.size() - 1);
}

std::uint32_t unit_start(const codec::ShardHeader& header, std::size_t index) {
  return static_cast<std::uint32_t>(index * header.units.front().plain);
}

}  // namespace

UnitReader::UnitReader(Context& context, const meta::Extent& extent, std::uint64_t number,
                       Search search)
    : context_(context),
      plain_size_(stripe_length(extent, number)),
      source_(std::make_shared<ShardSource>(context, extent, number, std::move(search))),
      windows_(extent.profile.k) {}

Task<Result<UnitReader::Unit>> UnitReader::unit_at(std::uint32_t offset, std::uint32_t until) {
  if (source_->profile().k == 1) return from_copies(offset);
  return from_shards(offset, until);
}

Error UnitReader::missing() const {
  if (source_->unanswered()) {
    return Error(Code::too_few_pods_read,
                 "Too few pods that hold this file answer; try again when more are up.");
  }
  return Error(Code::damaged, "This file is damaged: too few good pieces of it are left.");
}

// ---- k = 1: every shard is the whole joined stripe ----

bool UnitReader::own_comes_first() const {
  int first = source_->preferred().front();
  return source_->is_own(first) && !source_->is_locked(first);
}

Task<Result<UnitReader::Unit>> UnitReader::from_copies(std::uint32_t offset) {
  // Small stripes and the start of large ones come with their header in one read.
  std::uint64_t ahead = std::min<std::uint64_t>(context_.options.unit, plain_size_);
  if (offset >= ahead) ahead = 0;
  const Want want{Want::Kind::unit, offset, static_cast<std::uint32_t>(ahead), 0};
  const std::vector<int>& order = source_->preferred();
  if (own_comes_first()) {
    Got own = co_await fetch(context_, *source_, order.front(), want, nullptr);
    if (own.good) co_return Unit{std::move(own.bytes), own.start};
  }
  Executor home = co_await boost::asio::this_coro::executor;
  auto asks = std::make_shared<StripeAsks>(context_, source_, home);
  (void)co_await asks->settle(want, -1, order, 1);
  std::optional<Unit> unit;
  for (int shard : order) {
    Got* got = asks->answer(shard, want);
    if (got == nullptr) continue;
    unit = Unit{std::move(got->bytes), got->start};
    if (shard != order.front()) context_.instruments.degraded_reads.add();
    break;
  }
  asks->leave();
  if (!unit) co_return missing();
  co_return *std::move(unit);
}

// ---- k > 1: the joined stripe lies in k data shards, one behind the other ----

Task<Result<UnitReader::Unit>> UnitReader::from_shards(std::uint32_t offset, std::uint32_t until) {
  MAS_CO_CHECK(co_await find_header());
  std::size_t index = unit_index(*stripe_, offset);
  std::uint64_t begin = stripe_->unit_offset(index);
  std::uint64_t end = begin + stripe_->units[index].stored;
  if (!covers(begin, end)) {
    std::size_t last = unit_index(*stripe_, std::max(until, offset + 1) - 1);
    MAS_CO_CHECK(co_await load(begin, stripe_->unit_offset(last) + stripe_->units[last].stored));
  }
  Result<Slice> plain =
      codec::decode_unit(*stripe_, index, joined(begin, end), &context_.budget.units());
  // Shards that agree with their own sums but not with the stripe's: nothing here can be believed.
  if (plain.has_error()) co_return Error(Code::damaged, "This file is damaged.");
  co_return Unit{*std::move(plain), unit_start(*stripe_, index)};
}

Task<Result<void>> UnitReader::find_header() {
  if (stripe_) co_return Result<void>();
  const Want want{};
  const std::vector<int>& order = source_->preferred();
  if (own_comes_first()) (void)co_await fetch(context_, *source_, order.front(), want, nullptr);
  if (source_->known_header(order.front()) == nullptr) {
    Executor home = co_await boost::asio::this_coro::executor;
    auto asks = std::make_shared<StripeAsks>(context_, source_, home);
    (void)co_await asks->settle(want, -1, order, 1);
    asks->leave();
  }
  for (int shard : order) {
    const codec::ShardHeader* header = source_->known_header(shard);
    if (header == nullptr) continue;
    stripe_ = *header;
    co_return Result<void>();
  }
  co_return missing();
}

Want UnitReader::want_of(int shard) const {
  const Window& window = windows_[static_cast<std::size_t>(shard)];
  return {Want::Kind::blocks, window.offset, window.length, stripe_->data_size};
}

Task<Result<void>> UnitReader::load(std::uint64_t begin, std::uint64_t end) {
  const std::uint64_t size = stripe_->data_size;
  std::vector<int> touched;
  std::uint64_t rebuilding = 0;
  for (std::uint64_t shard = begin / size; shard * size < end; ++shard) {
    // Whole checksum blocks, as they are what can be verified.
    std::uint64_t from = std::max(begin, shard * size) - shard * size;
    std::uint64_t to = std::min(end, (shard + 1) * size) - shard * size;
    from = from / codec::kChecksumBlock * codec::kChecksumBlock;
    to = std::min(round_up(to, codec::kChecksumBlock), size);
    windows_[shard] = {from, static_cast<std::uint32_t>(to - from), Slice()};
    touched.push_back(static_cast<int>(shard));
    rebuilding += (to - from) * source_->profile().k;
  }
  const int only = touched.front();
  if (touched.size() == 1 && source_->is_own(only) && !source_->is_locked(only)) {
    Got own = co_await fetch(context_, *source_, only, want_of(only), nullptr);
    windows_[static_cast<std::size_t>(only)].data = std::move(own.bytes);
    if (own.good) co_return Result<void>();
  }
  Executor home = co_await boost::asio::this_coro::executor;
  auto asks = std::make_shared<StripeAsks>(context_, source_, home, rebuilding);
  for (int shard : touched) {
    if (source_->is_set_aside(shard)) {
      context_.instruments.skipped.add();
    } else {
      asks->ask(shard, want_of(shard));
    }
  }
  Result<void> loaded;
  for (int shard : touched) {
    if (loaded.has_value()) loaded = co_await load_shard(*asks, shard);
  }
  asks->leave();
  co_return loaded;
}

std::vector<int> UnitReader::others(int shard) const {
  std::vector<int> order;
  for (int other : source_->preferred()) {
    if (other != shard) order.push_back(other);
  }
  // Those that are still being asked for something else.
  std::stable_partition(order.begin(), order.end(),
                        [this](int other) { return !source_->is_locked(other); });
  order.push_back(shard);
  return order;
}

Task<Result<void>> UnitReader::load_shard(StripeAsks& asks, int shard) {
  Window& window = windows_[static_cast<std::size_t>(shard)];
  const Want want = want_of(shard);
  MAS_CO_CHECK(co_await asks.settle(want, shard, others(shard), source_->profile().k));
  if (Got* got = asks.answer(shard, want)) {
    window.data = got->bytes;
    co_return Result<void>();
  }
  MAS_CO_TRY(window.data, rebuild(asks, shard));
  context_.instruments.degraded_reads.add();
  co_return Result<void>();
}

// The shard's window out of any k others.
Result<Slice> UnitReader::rebuild(StripeAsks& asks, int shard) {
  const Profile& profile = source_->profile();
  std::vector<Slice> have(static_cast<std::size_t>(profile.width()));
  int found = 0;
  for (int other = 0; other < profile.width(); ++other) {
    Got* got = asks.answer(other, want_of(shard));
    if (got == nullptr) continue;
    have[static_cast<std::size_t>(other)] = got->bytes;
    ++found;
  }
  if (found < profile.k) return missing();
  const std::array<int, 1> wanted{shard};
  MAS_CHECK(codec::reconstruct(profile, have, wanted));
  return have[static_cast<std::size_t>(shard)];
}

bool UnitReader::covers(std::uint64_t begin, std::uint64_t end) const {
  const std::uint64_t size = stripe_->data_size;
  for (std::uint64_t shard = begin / size; shard * size < end; ++shard) {
    const Window& window = windows_[shard];
    std::uint64_t from = shard * size + window.offset;
    if (window.data.empty() || std::max(begin, shard * size) < from ||
        std::min(end, (shard + 1) * size) > from + window.data.size()) {
      return false;
    }
  }
  return true;
}

Slice UnitReader::joined(std::uint64_t begin, std::uint64_t end) const {
  const std::uint64_t size = stripe_->data_size;
  std::uint64_t shard = begin / size;
  const Window& window = windows_[shard];
  if (end <= (shard + 1) * size) {
    return window.data.sub(static_cast<std::size_t>(begin - shard * size - window.offset),
                           static_cast<std::size_t>(end - begin));
  }
  Buffer buffer = Buffer::allocate(static_cast<std::size_t>(end - begin));
  for (std::uint64_t at = begin; at < end; ++shard) {
    const Window& next = windows_[shard];
    std::uint64_t stop = std::min(end, (shard + 1) * size);
    std::memcpy(buffer.data() + (at - begin), next.data.data() + (at - shard * size - next.offset),
                static_cast<std::size_t>(stop - at));
    at = stop;
  }
  return std::move(buffer).freeze(static_cast<std::size_t>(end - begin));
}

}  // namespace mas::object
