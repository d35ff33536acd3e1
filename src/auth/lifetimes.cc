#include "auth/lifetimes.h"

#include <algorithm>

#include "mas/core/endian.h"

namespace mas::auth {
namespace {

constexpr std::uint32_t kMagic = 0x4c54414d;  // "MATL"
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kEntryBytes = 16 + 8;

Error expired() { return Error(Code::token_invalid, "The token has expired; ask for a new one."); }

}  // namespace

WallTime Lifetimes::end_of(const Id128& token, WallTime issued_at) const {
  auto known = ends_.find(token);
  return known == ends_.end() ? issued_at + options_.first_use : known->second;
}

Result<WallTime> Lifetimes::use(const Id128& token, WallTime issued_at, WallTime now) {
  forget(now);
  WallTime end = end_of(token, issued_at);
  if (now > end || now >= issued_at + options_.max_life) return expired();
  // No use begins after the longest life, so an end beyond it would only fill the table.
  WallTime longest = issued_at + options_.max_life;
  WallTime next =
      std::max({end, std::min(end + options_.extension, longest), now + options_.extension});
  if (!put(token, next)) {
    return Error(Code::ledger_refused, "Too many tokens are in use; try again shortly.");
  }
  return next;
}

WallTime Lifetimes::renew(const Id128& token, WallTime issued_at, WallTime now) {
  forget(now);
  WallTime next = std::max(end_of(token, issued_at), now + options_.extension);
  put(token, next);
  return next;
}

bool Lifetimes::put(const Id128& token, WallTime end) {
  if (auto known = ends_.find(token); known != ends_.end()) {
    known->second = end;  // its entry in due_ finds the new end when its time comes
    return true;
  }
  if (ends_.size() >= capacity_) return false;
  ends_.emplace(token, end);
  due_.push({end, token});
  return true;
}

void Lifetimes::forget(WallTime now) {
  // An unknown token's end is no later than the one forgotten here, so forgetting revives none.
  for (int i = 0; i < 4 && !due_.empty() && due_.top().at < now; ++i) {
    Due due = due_.top();
    due_.pop();
    auto known = ends_.find(due.token);
    MAS_ASSERT(known != ends_.end());
    if (known->second < now) {
      ends_.erase(known);
    } else {
      due_.push({known->second, due.token});
    }
  }
}

std::string Lifetimes::save(WallTime now) const {
  std::vector<std::pair<Id128, WallTime>> live;
  for (const auto& entry : ends_) {
    if (entry.second >= now) live.emplace_back(entry);
  }
  std::sort(live.begin(), live.end());
  ByteWriter out;
  out.write(kMagic);
  out.write(kVersion);
  out.write(static_cast<std::uint64_t>(live.size()));
  for (const auto& [token, end] : live) {
    out.raw(token.bytes);
    out.write(end.unix_micros);
  }
  return std::move(out).take();
}

Result<void> Lifetimes::load(std::string_view bytes, WallTime now) {
  ByteReader in(as_bytes(bytes));
  Error corrupt(Code::corrupt, "The file of token lifetimes cannot be read.");
  auto magic = in.read<std::uint32_t>();
  auto version = in.read<std::uint32_t>();
  auto count = in.read<std::uint64_t>();
  if (!in.ok() || magic != kMagic || version != kVersion) return corrupt;
  if (in.remaining() % kEntryBytes != 0 || in.remaining() / kEntryBytes != count) return corrupt;
  for (std::uint64_t i = 0; i < count; ++i) {
    Id128 token{in.read<std::array<std::uint8_t, 16>>()};
    WallTime end{in.read<std::int64_t>()};
    if (end >= now && end > end_of(token, WallTime{})) put(token, end);
  }
  return {};
}

}  // namespace mas::auth
