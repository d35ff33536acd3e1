// Ordered keys and values with all-or-nothing changes: what the memory and embedded adapters store
// records in, so that both run the very same operations (operations.h).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "mas/core/result.h"

namespace mas::meta {

class Reader {
 public:
  virtual ~Reader() = default;
  [[nodiscard]] virtual Result<std::optional<std::string>> get(std::string_view key) const = 0;

  // Called with each key and value; false ends the scan, an error ends it and is its result.
  using Visit = std::function<Result<bool>(std::string_view key, std::string_view value)>;
  // All of [from, to) in key order. `visit` must not change what is scanned.
  [[nodiscard]] virtual Result<void> scan(std::string_view from, std::string_view to,
                                          const Visit& visit) const = 0;
};

// Changes on top of a Reader that sees them itself. Nothing reaches the base until its owner takes
// changes(). Transactions nest: one operation's on top of its group's.
class Transaction final : public Reader {
 public:
  // nullopt stands for a removed key.
  using Changes = std::map<std::string, std::optional<std::string>, std::less<>>;

  // `base` must outlive it. Named, because from another Transaction a constructor would make a
  // copy.
  [[nodiscard]] static Transaction on(const Reader& base) { return Transaction(&base); }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  [[nodiscard]] Result<std::optional<std::string>> get(std::string_view key) const override;
  [[nodiscard]] Result<void> scan(std::string_view from, std::string_view to,
                                  const Visit& visit) const override;
  void put(std::string key, std::string value) { changes_[std::move(key)] = std::move(value); }
  void remove(std::string key) { changes_[std::move(key)] = std::nullopt; }
  // Takes over all changes of a transaction that stands on this one.
  void merge(Transaction&& inner);

  [[nodiscard]] const Changes& changes() const noexcept { return changes_; }

 private:
  explicit Transaction(const Reader* base) : base_(base) {}

  const Reader* base_;
  Changes changes_;
};

// Eight bytes, little-endian. Errors: corrupt.
[[nodiscard]] std::string write_number(std::uint64_t number);
[[nodiscard]] Result<std::uint64_t> read_number(std::string_view value);

}  // namespace mas::meta
