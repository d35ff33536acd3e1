#include "meta/key_value.h"

#include <utility>

#include "mas/core/endian.h"

namespace mas::meta {

Result<std::optional<std::string>> Transaction::get(std::string_view key) const {
  if (auto it = changes_.find(key); it != changes_.end()) return it->second;
  return base_->get(key);
}

Result<void> Transaction::scan(std::string_view from, std::string_view to,
                               const Visit& visit) const {
  auto mine = changes_.lower_bound(from);
  bool stopped = false;
  // Hands out the changes before `limit` (all up to `to` without one).
  auto emit_changes = [&](std::optional<std::string_view> limit) -> Result<void> {
    for (; mine != changes_.end() && mine->first < to && !stopped; ++mine) {
      if (limit && mine->first >= *limit) break;
      if (!mine->second) continue;
      MAS_TRY(bool go_on, visit(mine->first, *mine->second));
      stopped = !go_on;
    }
    return {};
  };
  auto merge_base = [&](std::string_view key, std::string_view value) -> Result<bool> {
    MAS_CHECK(emit_changes(key));
    if (stopped) return false;
    if (mine != changes_.end() && mine->first == key) return true;  // replaced or removed above it
    MAS_TRY(bool go_on, visit(key, value));
    stopped = !go_on;
    return go_on;
  };
  MAS_CHECK(base_->scan(from, to, merge_base));
  if (!stopped) MAS_CHECK(emit_changes(std::nullopt));
  return {};
}

void Transaction::merge(Transaction&& inner) {
  for (auto& [key, value] : inner.changes_) changes_[key] = std::move(value);
  inner.changes_.clear();
}

std::string write_number(std::uint64_t number) {
  ByteWriter out;
  out.write(number);
  return std::move(out).take();
}

Result<std::uint64_t> read_number(std::string_view value) {
  ByteReader in(as_bytes(value));
  auto number = in.read<std::uint64_t>();
  if (!in.at_end()) return Error(Code::corrupt, "A number in the metadata cannot be read.");
  return number;
}

}  // namespace mas::meta
