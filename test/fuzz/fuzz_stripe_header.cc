// The first byte chooses: a header as it stands, a header whose checks are made right first (so
// that the search gets behind them), or bytes to encode, damage and read back.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>

#include "codec/shard_format.h"
#include "codec/shard_header.h"
#include "mas/codec/hash.h"
#include "mas/codec/stripe.h"
#include "mas/core/xxh3.h"

using namespace mas;
using namespace mas::codec;

namespace {

constexpr std::size_t kLargestDecode = 1 << 20;

void sign(std::string& header) {
  if (header.size() < sizeof(format::ShardPrefix)) return;
  format::ShardPrefix prefix;
  std::memcpy(&prefix, header.data(), sizeof(prefix));
  prefix.check = static_cast<std::uint32_t>(
      xxh3_64(as_bytes(header).first(offsetof(format::ShardPrefix, check))));
  std::memcpy(header.data(), &prefix, sizeof(prefix));
  if (prefix.header_size > header.size() || prefix.header_size < 2 * sizeof(Sum128)) return;
  Sum128 sum = xxh3_128(as_bytes(header).first(prefix.header_size - sizeof(Sum128)));
  std::memcpy(header.data() + prefix.header_size - sizeof(sum), &sum, sizeof(sum));
}

// What was accepted agrees with itself, is written again as the same bytes, and no unit of it is
// decoded beyond the memory given, whatever lies behind the header.
void check_header(std::string_view bytes) {
  auto size = header_size(as_bytes(bytes));
  auto parsed = parse_header(as_bytes(bytes));
  if (parsed.has_error()) {
    MAS_ASSERT(parsed.error().code() == Code::corrupt);
    return;
  }
  const ShardHeader& header = *parsed;
  MAS_ASSERT(size.has_value() && *size == header.header_size && *size <= bytes.size());
  MAS_ASSERT(*size <= format::kMaxHeader && header.manifest.size() <= kMaxManifest);
  MAS_ASSERT(header.shard < header.profile.width() && header.profile.width() <= 16);
  MAS_ASSERT(header.plain_size <= kMaxStripe && header.joined_size <= header.plain_size);
  MAS_ASSERT(header.unit_offset(header.units.size()) == header.joined_size);
  MAS_ASSERT(std::uint64_t{header.data_size} * header.profile.k >= header.joined_size);
  MAS_ASSERT(header.block_sums.size() == format::block_count(header.data_size));
  MAS_ASSERT(as_text(write_header(header).view()) == bytes.substr(0, *size));

  std::string_view data = bytes.substr(*size);
  static_cast<void>(verify_blocks(header, 0, as_bytes(data)));
  for (std::size_t i = 0; i < header.units.size(); ++i) {
    const UnitInfo& unit = header.units[i];
    if (unit.plain > kLargestDecode || unit.stored > data.size()) continue;
    std::vector<std::uint8_t> out(unit.plain);
    Slice stored = Slice::copy_of(as_bytes(data.substr(0, unit.stored)));
    bool good = decode_unit(header, i, stored.view(), out).has_value();
    auto served = decode_unit(header, i, stored);
    MAS_ASSERT(served.has_value() == good);
    MAS_ASSERT(!good ||
               (xxh3_128(out) == unit.plain_sum && std::ranges::equal(served->view(), out)));
  }
}

// Any k + m shards less any m of them give the bytes back.
void check_round_trip(std::string_view input) {
  if (input.size() < 6) return;
  auto number = [&](std::size_t i) { return static_cast<std::uint8_t>(input[i]); };
  EncodeOptions options;
  options.profile.k = static_cast<std::uint8_t>(1 + number(0) % 16);
  options.profile.m = static_cast<std::uint8_t>(number(1) % (17 - options.profile.k));
  options.unit = 1 + (number(2) | number(3) << 8);
  unsigned lost = number(4) | number(5) << 8;
  std::string_view plain = input.substr(6);
  if (plain.empty() || format::unit_count(plain.size(), options.unit) > kMaxUnits) return;

  Buffer buffer = Buffer::allocate(plain.size());
  std::memcpy(buffer.data(), plain.data(), plain.size());
  EncodedStripe stripe =
      encode({Id128{}, 3}, std::move(buffer), plain.size(), options, as_bytes("m")).value();
  std::vector<Slice> have;
  for (const EncodedShard& shard : stripe.shards) have.push_back(shard.data);
  int left = options.profile.m;
  for (std::size_t i = 0; i < have.size() && left > 0; ++i) {
    if ((lost >> i) & 1) have[i] = Slice(), --left;
  }
  std::vector<int> all(have.size());
  std::iota(all.begin(), all.end(), 0);
  MAS_ASSERT(reconstruct(options.profile, have, all).has_value());

  ShardHeader header = parse_header(stripe.shards.back().header.view()).value();
  std::string joined;
  for (std::size_t i = 0; i < have.size(); ++i) {
    EncodedShard again = rebuild_record(header, all[i], have[i]).value();
    MAS_ASSERT(std::ranges::equal(again.header.view(), stripe.shards[i].header.view()));
    MAS_ASSERT(std::ranges::equal(again.data.view(), stripe.shards[i].data.view()));
    if (i < options.profile.k) joined.append(as_text(have[i].view()));
  }
  std::size_t at = 0;
  for (std::size_t i = 0; i < header.units.size(); ++i) {
    Slice stored =
        Slice::copy_of(as_bytes(joined).subspan(header.unit_offset(i), header.units[i].stored));
    Slice unit = decode_unit(header, i, stored).value();
    MAS_ASSERT(as_text(unit.view()) == plain.substr(at, unit.size()));
    at += unit.size();
  }
  MAS_ASSERT(at == plain.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      check_header(input);
      break;
    case 1:
      sign(input);
      check_header(input);
      break;
    default:
      check_round_trip(input);
  }
  return 0;
}
