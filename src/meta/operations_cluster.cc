#include "meta/keys.h"
#include "meta/operations.h"

namespace mas::meta::ops {

Result<std::optional<layout::Layout>> current_layout(const Reader& db) {
  MAS_TRY(auto value, db.get(keys::begin(keys::kLayout)));
  if (!value) return std::optional<layout::Layout>();
  MAS_TRY(layout::Layout layout, layout::parse(*value));
  return std::optional<layout::Layout>(std::move(layout));
}

Result<void> propose_layout(Transaction& tx, std::uint64_t expected, const layout::Layout& next) {
  MAS_TRY(auto current, current_layout(tx));
  std::uint64_t version = current ? current->version : 0;
  if (version != expected) return Error(Code::conflict, "The layout has changed meanwhile.");
  if (next.version <= version) {
    return Error(Code::invalid_argument, "A layout needs a higher version than the one before.");
  }
  tx.put(keys::begin(keys::kLayout), layout::serialise(next));
  return {};
}

Result<void> acknowledge_layout(Transaction& tx, const std::string& member, std::uint64_t version) {
  std::string key = keys::acknowledged(member);
  MAS_TRY(auto value, tx.get(key));
  std::uint64_t before = 0;
  if (value) {
    MAS_TRY(before, read_number(*value));
  }
  if (version > before) tx.put(std::move(key), write_number(version));
  return {};
}

Result<std::vector<LayoutAck>> layout_acknowledgements(const Reader& db) {
  std::vector<LayoutAck> all;
  auto take = [&all](std::string_view key, std::string_view value) -> Result<bool> {
    MAS_TRY(std::uint64_t version, read_number(value));
    all.push_back({std::string(key.substr(1)), version});
    return true;
  };
  MAS_CHECK(db.scan(keys::begin(keys::kAcknowledged), keys::end(keys::kAcknowledged), take));
  return all;
}

Error never_given(std::uint64_t known) {
  return {Code::refused,
          "The metadata store has never given number " + std::to_string(known) + "."};
}

Result<std::uint64_t> take_numbers(Transaction& tx, std::string_view counter, std::uint64_t known,
                                   std::uint64_t count) {
  std::string key = keys::counter(counter);
  MAS_TRY(auto value, tx.get(key));
  std::uint64_t used = 0;
  if (value) {
    MAS_TRY(used, read_number(*value));
  }
  if (count == 0 || count > UINT64_MAX - used - 1) {
    return Error(Code::invalid_argument, "Numbers are taken one or more at a time.");
  }
  if (used < known) return never_given(known);
  tx.put(std::move(key), write_number(used + count));
  return used + 1;
}

}  // namespace mas::meta::ops
