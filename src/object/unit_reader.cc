#include "object/unit_reader.h"

#include <algorithm>
#include <cstring>

#include "object/join.h"
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
      source_(context, extent, number, std::move(search)),
      windows_(extent.profile.k) {}

Task<Result<UnitReader::Unit>> UnitReader::unit_at(std::uint32_t offset, std::uint32_t until) {
  if (source_.profile().k == 1) return from_copies(offset);
  return from_shards(offset, until);
}

Error UnitReader::missing() const {
  if (source_.unanswered()) {
    return Error(Code::too_few_pods_read,
                 "Too few pods that hold this file answer; try again when more are up.");
  }
  return Error(Code::damaged, "This file is damaged: too few good pieces of it are left.");
}

// ---- k = 1: every shard is the whole joined stripe ----

Task<Result<UnitReader::Unit>> UnitReader::from_copies(std::uint32_t offset) {
  // Small stripes and the start of large ones come with their header in one read.
  std::uint64_t ahead = std::min<std::uint64_t>(context_.options.unit, plain_size_);
  if (offset >= ahead) ahead = 0;
  bool first = true;
  for (int shard : source_.preferred()) {
    for (;;) {
      Result<const codec::ShardHeader*> header =
          co_await source_.header(shard, static_cast<std::uint32_t>(ahead));
      if (header.has_error()) break;
      Result<Unit> unit = co_await unit_of_copy(shard, **header, offset);
      if (unit.has_value()) {
        if (!first) context_.instruments.degraded_reads.add();
        co_return unit;
      }
      co_await source_.reject(shard, unit.error());
    }
    first = false;
  }
  co_return missing();
}

Task<Result<UnitReader::Unit>> UnitReader::unit_of_copy(int shard, const codec::ShardHeader& header,
                                                        std::uint32_t offset) {
  std::size_t index = unit_index(header, offset);
  MAS_CO_TRY(Slice stored,
             co_await source_.data(shard, header.unit_offset(index), header.units[index].stored));
  MAS_CO_TRY(Slice plain,
             codec::decode_unit(header, index, std::move(stored), &context_.budget.units()));
  co_return Unit{std::move(plain), unit_start(header, index)};
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
  for (int shard = 0; shard < source_.profile().width(); ++shard) {
    Result<const codec::ShardHeader*> header = co_await source_.header(shard, 0);
    if (header.has_error()) continue;
    stripe_ = **header;
    co_return Result<void>();
  }
  co_return missing();
}

Task<Result<void>> UnitReader::load(std::uint64_t begin, std::uint64_t end) {
  const std::uint64_t size = stripe_->data_size;
  std::vector<Task<void>> reads;
  std::vector<int> touched;
  for (std::uint64_t shard = begin / size; shard * size < end; ++shard) {
    // Whole checksum blocks, as they are what can be verified.
    std::uint64_t from = std::max(begin, shard * size) - shard * size;
    std::uint64_t to = std::min(end, (shard + 1) * size) - shard * size;
    from = from / codec::kChecksumBlock * codec::kChecksumBlock;
    to = std::min(round_up(to, codec::kChecksumBlock), size);
    windows_[shard] = {from, static_cast<std::uint32_t>(to - from), Slice()};
    touched.push_back(static_cast<int>(shard));
    reads.push_back(gather(touched.back(), from, windows_[shard].length, windows_[shard].data));
  }
  co_await run_all(std::move(reads), "shard read");
  for (int shard : touched) {
    if (!windows_[static_cast<std::size_t>(shard)].data.empty()) continue;
    MAS_CO_CHECK(co_await rebuild(shard));
  }
  co_return Result<void>();
}

// The shard's window out of any k others.
Task<Result<void>> UnitReader::rebuild(int shard) {
  Window& window = windows_[static_cast<std::size_t>(shard)];
  const Profile& profile = source_.profile();
  std::vector<Slice> have(static_cast<std::size_t>(profile.width()));
  int found = 0;
  int next = 0;
  while (found < profile.k) {
    std::vector<Task<void>> reads;
    for (int open = profile.k - found; open > 0 && next < profile.width(); ++next) {
      if (next == shard) continue;
      reads.push_back(
          gather(next, window.offset, window.length, have[static_cast<std::size_t>(next)]));
      --open;
    }
    if (reads.empty()) co_return missing();
    co_await run_all(std::move(reads), "shard read");
    found = static_cast<int>(
        std::count_if(have.begin(), have.end(), [](const Slice& slice) { return !slice.empty(); }));
  }
  const std::array<int, 1> wanted{shard};
  MAS_CO_CHECK(codec::reconstruct(profile, have, wanted));
  window.data = have[static_cast<std::size_t>(shard)];
  context_.instruments.degraded_reads.add();
  co_return Result<void>();
}

// Leaves `into` empty if no holder has good bytes.
Task<void> UnitReader::gather(int shard, std::uint64_t offset, std::uint32_t length, Slice& into) {
  for (;;) {
    std::uint32_t ahead = offset == 0 ? length : 0;
    Result<const codec::ShardHeader*> header = co_await source_.header(shard, ahead);
    if (header.has_error()) co_return;
    Result<Slice> read = co_await source_.data(shard, offset, length);
    Error wrong(Code::corrupt, "The shard's bytes are wrong.");
    if (read.has_error()) {
      wrong = read.error();
    } else if ((*header)->data_size == stripe_->data_size &&
               codec::verify_blocks(**header, offset, read->view()).has_value()) {
      into = *std::move(read);
      co_return;
    }
    co_await source_.reject(shard, wrong);
  }
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
