#include "meta/mongo/intent_format.h"

#include "mas/core/bytes.h"
#include "mas/core/endian.h"
#include "meta/mongo/ids.h"

namespace mas::meta::mongo {
namespace {

constexpr std::uint8_t kVersion = 2;

// What a change consists of.
constexpr std::uint8_t kRemoves = 1, kGuarded = 2, kMatches = 4, kSameValue = 8, kAllFlags = 15;

Error unreadable() { return Error(Code::corrupt, "An intent of the metadata cannot be read."); }

// Stamps are the hex of an id, half as long here.
Id128 bytes_of(const std::string& stamp) {
  Id128 id;
  bool hex = from_hex(stamp, id.bytes);
  MAS_ASSERT(hex);
  return id;
}

// version u8 · written at i64 · count u32 · per change: removes u8, guarded u8, id, match, value
Result<IntentBody> decode_1(ByteReader& in) {
  IntentBody body;
  body.written = in.read<std::int64_t>();
  auto count = in.read<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    Change change;
    bool removes = in.read<std::uint8_t>() != 0;
    change.guarded = in.read<std::uint8_t>() != 0;
    change.id = in.text();
    change.match = in.text();
    if (!removes) change.value = std::string(in.text());
    body.changes.push_back(std::move(change));
  }
  if (!in.at_end()) return unreadable();
  return body;
}

bool read_change(ByteReader& in, const std::vector<Change>& before, Change& change) {
  auto flags = in.read<std::uint8_t>();
  if (flags > kAllFlags) return false;
  auto size = in.read<std::uint16_t>();
  std::string_view key = as_text(in.take(size));
  if (!in.ok() || key.empty()) return false;
  change.id = id_of(key);
  change.guarded = (flags & kGuarded) != 0;
  if ((flags & kMatches) != 0) {
    change.match = Id128{in.read<std::array<std::uint8_t, 16>>()}.hex();
  }
  if ((flags & kRemoves) != 0) return in.ok();
  if ((flags & kSameValue) == 0) {
    change.value = in.text();
  } else if (!before.empty() && before.back().value) {
    change.value = before.back().value;
  }
  return in.ok() && change.value;
}

Result<IntentBody> decode_2(ByteReader& in) {
  IntentBody body;
  body.written = in.read<std::int64_t>();
  auto count = in.read<std::uint32_t>();
  for (std::uint32_t i = 0; i < count; ++i) {
    Change change;
    if (!read_change(in, body.changes, change)) return unreadable();
    body.changes.push_back(std::move(change));
  }
  if (!in.at_end()) return unreadable();
  return body;
}

}  // namespace

std::string encode_intent(const IntentBody& body) {
  ByteWriter out;
  out.write(kVersion);
  out.write(body.written);
  out.write(static_cast<std::uint32_t>(body.changes.size()));
  const Change* before = nullptr;
  for (const Change& change : body.changes) {
    const bool same = change.value && before != nullptr && before->value == change.value;
    std::uint8_t flags = 0;
    if (!change.value) flags |= kRemoves;
    if (change.guarded) flags |= kGuarded;
    if (!change.match.empty()) flags |= kMatches;
    if (same) flags |= kSameValue;
    out.write(flags);
    const std::string key = key_of(change.id);
    out.write(static_cast<std::uint16_t>(key.size()));
    out.raw(as_bytes(key));
    if (!change.match.empty()) out.raw(bytes_of(change.match).bytes);
    if (change.value && !same) out.text(*change.value);
    before = &change;
  }
  return std::move(out).take();
}

Result<IntentBody> decode_intent(std::string_view bytes) {
  ByteReader in(as_bytes(bytes));
  auto version = in.read<std::uint8_t>();
  if (version == 1) return decode_1(in);
  if (version == kVersion) return decode_2(in);
  return unreadable();
}

}  // namespace mas::meta::mongo
