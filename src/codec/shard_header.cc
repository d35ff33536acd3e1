#include "codec/shard_header.h"

#include <cstring>

#include "codec/shard_format.h"
#include "mas/codec/hash.h"
#include "mas/core/endian.h"
#include "mas/core/xxh3.h"

namespace mas::codec {
namespace {

using format::ShardPrefix;

Error corrupt(const char* what) {
  return {Code::corrupt, std::string("A shard header is damaged: ") + what + "."};
}

std::uint32_t check_of(const ShardPrefix& prefix) {
  ByteView bytes(reinterpret_cast<const std::uint8_t*>(&prefix), offsetof(ShardPrefix, check));
  return static_cast<std::uint32_t>(xxh3_64(bytes));
}

// Everything that can be known from the prefix alone. What passes has sizes within the limits that
// agree with each other.
Result<ShardPrefix> parse_prefix(ByteView bytes) {
  ByteReader in(bytes);
  auto prefix = in.read<ShardPrefix>();
  if (!in.ok()) return corrupt("it is cut off");
  if (prefix.magic != format::kMagic) return corrupt("it does not start like one");
  if (prefix.check != check_of(prefix)) return corrupt("its first bytes fail their check");
  if (prefix.version != format::kVersion) return corrupt("its version is not known");
  int width = prefix.k + prefix.m;
  if (prefix.k == 0 || width > format::kMaxWidth || prefix.shard >= width || prefix.reserved != 0) {
    return corrupt("its profile is impossible");
  }
  if (prefix.plain_size == 0 || prefix.plain_size > kMaxStripe || prefix.unit_size == 0 ||
      prefix.unit_size > prefix.plain_size || prefix.unit_count > kMaxUnits ||
      prefix.unit_count != format::unit_count(prefix.plain_size, prefix.unit_size)) {
    return corrupt("its units are impossible");
  }
  if (prefix.joined_size == 0 || prefix.joined_size > prefix.plain_size ||
      prefix.data_size != format::data_size(prefix.joined_size, prefix.k) ||
      prefix.manifest_size > kMaxManifest ||
      prefix.header_size !=
          format::header_size(prefix.unit_count, prefix.data_size, prefix.manifest_size)) {
    return corrupt("its lengths contradict each other");
  }
  return prefix;
}

ShardPrefix prefix_of(const ShardHeader& header) {
  ShardPrefix prefix{};
  prefix.magic = format::kMagic;
  prefix.version = format::kVersion;
  prefix.k = header.profile.k;
  prefix.m = header.profile.m;
  prefix.shard = header.shard;
  prefix.unit_count = static_cast<std::uint16_t>(header.units.size());
  prefix.header_size = header.header_size;
  prefix.extent = header.stripe.extent.bytes;
  prefix.stripe = header.stripe.number;
  prefix.plain_size = header.plain_size;
  prefix.joined_size = header.joined_size;
  prefix.data_size = header.data_size;
  prefix.unit_size = header.units.front().plain;
  prefix.manifest_size = static_cast<std::uint32_t>(header.manifest.size());
  prefix.check = check_of(prefix);
  return prefix;
}

// The unit table: each unit's plain length follows from the prefix, its stored length must not be
// larger, and all of them make up the joined stripe.
Result<std::vector<UnitInfo>> parse_units(const ShardPrefix& prefix, ByteReader& sums,
                                          ByteReader& lengths) {
  std::vector<UnitInfo> units(prefix.unit_count);
  std::uint64_t joined = 0;
  std::uint32_t plain_left = prefix.plain_size;
  for (UnitInfo& unit : units) {
    unit.plain = std::min(prefix.unit_size, plain_left);
    unit.stored = lengths.read<std::uint32_t>();
    unit.plain_sum = sums.read<Sum128>();
    if (unit.stored == 0 || unit.stored > unit.plain) return corrupt("a unit's length is wrong");
    plain_left -= unit.plain;
    joined += unit.stored;
  }
  if (joined != prefix.joined_size) return corrupt("its units do not make up the stripe");
  return units;
}

}  // namespace

std::uint64_t ShardHeader::unit_offset(std::size_t index) const {
  std::uint64_t offset = 0;
  for (std::size_t i = 0; i < index; ++i) offset += units[i].stored;
  return offset;
}

Result<std::size_t> header_size(ByteView prefix) {
  MAS_TRY(ShardPrefix parsed, parse_prefix(prefix));
  return std::size_t{parsed.header_size};
}

Result<ShardHeader> parse_header(ByteView bytes) {
  MAS_TRY(ShardPrefix prefix, parse_prefix(bytes));
  if (bytes.size() < prefix.header_size) return corrupt("it is cut off");
  bytes = bytes.first(prefix.header_size);
  ByteView summed = bytes.first(bytes.size() - format::kSumSize);
  if (ByteReader(bytes.subspan(summed.size())).read<Sum128>() != xxh3_128(summed)) {
    return corrupt("it fails its checksum");
  }

  ByteReader in(summed.subspan(sizeof(ShardPrefix)));
  ByteReader unit_sums(in.take(prefix.unit_count * format::kSumSize));
  ByteReader block_sums(in.take(format::block_count(prefix.data_size) * format::kSumSize));
  ByteReader lengths(in.take(prefix.unit_count * sizeof(std::uint32_t)));
  ByteView manifest = in.take(prefix.manifest_size);
  MAS_ASSERT(in.ok());  // parse_prefix fixed the header's size by these very lengths
  ByteView padding = in.take(in.remaining());
  if (std::any_of(padding.begin(), padding.end(), [](std::uint8_t byte) { return byte != 0; })) {
    return corrupt("its padding is not empty");
  }

  ShardHeader header;
  MAS_TRY(header.units, parse_units(prefix, unit_sums, lengths));
  header.stripe = {Id128{prefix.extent}, prefix.stripe};
  header.profile = {prefix.k, prefix.m};
  header.shard = prefix.shard;
  header.plain_size = prefix.plain_size;
  header.joined_size = prefix.joined_size;
  header.data_size = prefix.data_size;
  header.header_size = prefix.header_size;
  header.block_sums.resize(format::block_count(prefix.data_size));
  for (Sum128& sum : header.block_sums) sum = block_sums.read<Sum128>();
  header.manifest = as_text(manifest);
  return header;
}

Slice write_header(const ShardHeader& header) {
  MAS_ASSERT(header.header_size ==
             format::header_size(header.units.size(), header.data_size, header.manifest.size()));
  Buffer buffer = Buffer::allocate(header.header_size);
  std::uint8_t* out = buffer.data();
  auto append = [&out](const void* bytes, std::size_t size) {
    if (size != 0) std::memcpy(out, bytes, size);
    out += size;
  };
  ShardPrefix prefix = prefix_of(header);
  append(&prefix, sizeof(prefix));
  for (const UnitInfo& unit : header.units) append(&unit.plain_sum, format::kSumSize);
  append(header.block_sums.data(), header.block_sums.size() * format::kSumSize);
  for (const UnitInfo& unit : header.units) append(&unit.stored, sizeof(unit.stored));
  append(header.manifest.data(), header.manifest.size());

  std::uint8_t* sum_at = buffer.data() + header.header_size - format::kSumSize;
  std::fill(out, sum_at, std::uint8_t{0});
  out = sum_at;
  Sum128 sum = xxh3_128({buffer.data(), sum_at});
  append(&sum, sizeof(sum));
  return std::move(buffer).freeze(header.header_size);
}

std::vector<Sum128> sum_blocks(ByteView data) {
  std::vector<Sum128> sums;
  sums.reserve(format::block_count(data.size()));
  for (std::size_t at = 0; at < data.size(); at += kChecksumBlock) {
    sums.push_back(xxh3_128(data.subspan(at, std::min(kChecksumBlock, data.size() - at))));
  }
  return sums;
}

Result<void> verify_blocks(const ShardHeader& header, std::uint64_t offset, ByteView data) {
  bool whole_blocks =
      offset <= header.data_size && data.size() <= header.data_size - offset &&
      offset % kChecksumBlock == 0 &&
      (data.size() % kChecksumBlock == 0 || offset + data.size() == header.data_size);
  if (!whole_blocks) return Error(Code::corrupt, "A shard's data is shorter than its header says.");
  std::size_t block = static_cast<std::size_t>(offset / kChecksumBlock);
  for (std::size_t at = 0; at < data.size(); at += kChecksumBlock, ++block) {
    ByteView piece = data.subspan(at, std::min(kChecksumBlock, data.size() - at));
    if (xxh3_128(piece) != header.block_sums[block]) {
      return Error(Code::corrupt, "A shard's data fails its checksum.");
    }
  }
  return {};
}

Buffer take_buffer(BufferPool* buffers, std::size_t size) {
  if (buffers != nullptr && size <= buffers->buffer_size() && size > buffers->buffer_size() / 4) {
    return buffers->get();
  }
  return Buffer::allocate(size);
}

}  // namespace mas::codec
