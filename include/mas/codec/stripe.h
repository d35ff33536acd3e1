// A stripe's way to its shards and back: units summed and compressed, joined, split into k, m of
// parity, checksummed in blocks. Pure functions on memory; run large ones in the CPU pool.
//
// Order (doc/stripe-format.md has the bytes): plain stripe -> per unit XXH3-128 of the plain bytes
// and LZ4 -> units joined -> split into k pieces of equal length, zero-padded -> Jerasure
// reed_sol_vandermonde, w = 8 -> XXH3-128 over each 64 KiB block of each shard, and over its
// header. A stripe encoded with `copies` has its k + m shards all equal: the whole joined stripe (k
// = 1).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mas/core/bytes.h"
#include "mas/core/ids.h"
#include "mas/core/result.h"

namespace mas::codec {

inline constexpr std::size_t kChecksumBlock = 64 * 1024;
inline constexpr std::size_t kMaxUnits = 256;
inline constexpr std::size_t kMaxStripe = 64 * 1024 * 1024;
inline constexpr std::size_t kMaxManifest = 2048;

// Must run once in main before threads start: prepares Jerasure's field and the coding tables.
void initialise();

struct StripeId {
  Id128 extent;
  std::uint64_t number = 0;
};

struct EncodeOptions {
  Profile profile;                // k = 1 for copies and for 1+0
  std::size_t unit = 256 * 1024;  // plain bytes of a unit; the last may be shorter
  bool compress = true;
  // Where parity comes from if the pool's size fits; nullptr: fresh memory.
  BufferPool* buffers = nullptr;
};

// One shard ready for the store: header, then data. Where the data is kChecksumBlock or longer both
// are multiples of kBlockSize and aligned to it, so the store writes them without a copy; a shorter
// shard costs its bytes and some 150 of header. The data of the k shards are pieces of the stripe's
// own buffer.
struct EncodedShard {
  Slice header;
  Slice data;
};

struct EncodedStripe {
  std::vector<EncodedShard> shards;  // k + m of them
};

// Encodes the first `size` bytes (1 to kMaxStripe) of `plain`. A capacity of at least
// round_up(size, k * kBlockSize) leaves room for the padding behind them, else the bytes are
// copied. Compressed units are joined in place: take what is needed of the plain bytes (their
// SHA-256) before. `manifest` is carried in every header (may be empty; at most kMaxManifest). The
// shards are a pure function of the arguments. Errors: invalid_argument (sizes).
[[nodiscard]] Result<EncodedStripe> encode(const StripeId& id, Buffer plain, std::size_t size,
                                           const EncodeOptions& options, ByteView manifest = {});

struct UnitInfo {
  std::uint32_t stored = 0;  // bytes in the joined stripe
  std::uint32_t plain = 0;
  Sum128 plain_sum;
  [[nodiscard]] bool compressed() const noexcept { return stored != plain; }
};

// The parsed head of a shard; it describes the whole stripe.
struct ShardHeader {
  StripeId stripe;
  Profile profile;
  std::uint8_t shard = 0;         // 0 to k + m - 1
  std::uint32_t plain_size = 0;   // of the stripe
  std::uint32_t joined_size = 0;  // sum of the units' stored lengths
  std::uint32_t data_size = 0;    // bytes of this (and every) shard's data, padding included
  std::uint32_t header_size = 0;  // where the data starts in the record
  std::vector<UnitInfo> units;
  std::vector<Sum128> block_sums;  // of this shard's data
  std::string manifest;

  // Where unit `index` starts in the joined stripe.
  [[nodiscard]] std::uint64_t unit_offset(std::size_t index) const;
};

// The header's length from its first kHeaderPrefix bytes; corrupt if these are not a header's
// start.
inline constexpr std::size_t kHeaderPrefix = 64;
[[nodiscard]] Result<std::size_t> header_size(ByteView prefix);
// Parses and verifies the header at the start of `bytes`, which may go on behind it. Nothing
// declared is believed before it is checked; what is returned is consistent in itself. Whether it
// is the shard that was asked for (extent, stripe, number) is for the caller to compare. Errors:
// corrupt.
[[nodiscard]] Result<ShardHeader> parse_header(ByteView bytes);
// Checks blocks of a shard's data: `data` starts at a multiple of kChecksumBlock `offset` and ends
// on one or at the end of the shard. Errors: corrupt.
[[nodiscard]] Result<void> verify_blocks(const ShardHeader& header, std::uint64_t offset,
                                         ByteView data);

// One unit back to plain bytes: `stored` are its joined bytes, `out` has room for
// units[index].plain. Checks the plain sum. Errors: decompress, corrupt.
[[nodiscard]] Result<void> decode_unit(const ShardHeader& header, std::size_t index,
                                       ByteView stored, MutableBytes out);
// The same where an uncompressed unit may be served from where it lies: checks the sum and gives
// back `stored` itself, or decodes into a buffer (from `buffers` if the pool's size fits).
// With k = 1 this check covers every byte of an uncompressed unit, so verify_blocks adds nothing.
[[nodiscard]] Result<Slice> decode_unit(const ShardHeader& header, std::size_t index, Slice stored,
                                        BufferPool* buffers = nullptr);

// Rebuilds shards from any k of them. `have[i]` is the (verified) data of shard i or empty; on
// return `wanted` shard numbers are filled in, each its own Slice; those there already stay. All
// data_size long. Errors: invalid_argument (fewer than k, lengths that differ or that no encoded
// shard has, a number out of range), internal.
[[nodiscard]] Result<void> reconstruct(const Profile& profile, std::vector<Slice>& have,
                                       std::span<const int> wanted, BufferPool* buffers = nullptr);
// A complete shard record (header and data) for `number`, from the header of any shard of the
// stripe and that shard's data; byte for byte what encode() made. Errors: invalid_argument (number
// or length).
[[nodiscard]] Result<EncodedShard> rebuild_record(const ShardHeader& any, int number, Slice data);

}  // namespace mas::codec
