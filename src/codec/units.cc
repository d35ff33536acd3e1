#include "codec/units.h"

#include <lz4.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "codec/shard_header.h"
#include "mas/codec/hash.h"
#include "mas/core/result.h"
#include "mas/core/xxh3.h"

namespace mas::codec {
namespace {

constexpr std::size_t kSample = 16 * 1024;    // of a unit that is tried first
constexpr std::size_t kTryWhole = 64 * 1024;  // units shorter than this are their own sample
constexpr std::size_t kNeverCompress = 64;    // bytes in which LZ4 cannot save a tenth

// The most a compressed form may take: one that saves less than a tenth is not worth decoding.
constexpr std::size_t worthwhile(std::size_t plain) { return plain - plain / 10; }

// The compressed length, or 0 if it does not fit `out`. LZ4 gives up by itself as it goes.
std::size_t compress_into(ByteView plain, MutableBytes out) {
  int length = LZ4_compress_default(reinterpret_cast<const char*>(plain.data()),
                                    reinterpret_cast<char*>(out.data()),
                                    static_cast<int>(plain.size()), static_cast<int>(out.size()));
  return length > 0 ? static_cast<std::size_t>(length) : 0;
}

// Tries a piece from the middle: files often begin with a header unlike the rest.
bool sample_shrinks(ByteView unit) {
  std::array<std::uint8_t, worthwhile(kSample)> out;
  return compress_into(unit.subspan((unit.size() - kSample) / 2, kSample), out) != 0;
}

// Memory for one compressed unit, made when the first is met.
class Scratch {
 public:
  explicit Scratch(std::size_t size) : size_(size) {}
  MutableBytes get() {
    if (memory_ == nullptr) memory_.reset(new std::uint8_t[size_]);
    return {memory_.get(), size_};
  }

 private:
  std::size_t size_;
  std::unique_ptr<std::uint8_t[]> memory_;
};

// The compressed form of `unit` in `scratch`, or 0 where it is kept as it is.
std::size_t compress_unit(ByteView unit, Scratch& scratch) {
  if (unit.size() < kNeverCompress) return 0;
  if (unit.size() >= kTryWhole && !sample_shrinks(unit)) return 0;
  return compress_into(unit, scratch.get().first(worthwhile(unit.size())));
}

}  // namespace

std::vector<UnitInfo> join_units(MutableBytes stripe, std::size_t unit, bool compress) {
  std::vector<UnitInfo> units;
  units.reserve((stripe.size() + unit - 1) / unit);
  Scratch scratch(worthwhile(unit));
  std::size_t joined = 0;
  for (std::size_t at = 0; at < stripe.size(); at += unit) {
    ByteView plain = stripe.subspan(at, std::min(unit, stripe.size() - at));
    UnitInfo info;
    info.plain = static_cast<std::uint32_t>(plain.size());
    info.plain_sum = xxh3_128(plain);
    std::size_t packed = compress ? compress_unit(plain, scratch) : 0;
    if (packed != 0) {
      std::memcpy(stripe.data() + joined, scratch.get().data(), packed);
      info.stored = static_cast<std::uint32_t>(packed);
    } else {
      if (joined != at) std::memmove(stripe.data() + joined, plain.data(), plain.size());
      info.stored = info.plain;
    }
    joined += info.stored;
    units.push_back(info);
  }
  return units;
}

Result<void> decode_unit(const ShardHeader& header, std::size_t index, ByteView stored,
                         MutableBytes out) {
  MAS_ASSERT(index < header.units.size());
  const UnitInfo& unit = header.units[index];
  if (stored.size() != unit.stored || out.size() < unit.plain) {
    return Error(Code::corrupt, "A unit's length is not what the shard header says.");
  }
  if (unit.compressed()) {
    int length = LZ4_decompress_safe(reinterpret_cast<const char*>(stored.data()),
                                     reinterpret_cast<char*>(out.data()),
                                     static_cast<int>(stored.size()), static_cast<int>(unit.plain));
    if (length < 0 || static_cast<std::uint32_t>(length) != unit.plain) {
      return Error(Code::decompress, "A unit cannot be decompressed.");
    }
  } else {
    std::memcpy(out.data(), stored.data(), stored.size());
  }
  if (xxh3_128(out.first(unit.plain)) != unit.plain_sum) {
    return Error(Code::corrupt, "A unit's bytes fail their checksum.");
  }
  return {};
}

Result<Slice> decode_unit(const ShardHeader& header, std::size_t index, Slice stored,
                          BufferPool* buffers) {
  MAS_ASSERT(index < header.units.size());
  const UnitInfo& unit = header.units[index];
  if (unit.compressed()) {
    Buffer out = take_buffer(buffers, unit.plain);
    MAS_CHECK(decode_unit(header, index, stored.view(), out.bytes()));
    return std::move(out).freeze(unit.plain);
  }
  if (stored.size() != unit.stored || xxh3_128(stored.view()) != unit.plain_sum) {
    return Error(Code::corrupt, "A unit's bytes fail their checksum.");
  }
  return stored;
}

}  // namespace mas::codec
