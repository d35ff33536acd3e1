// Attempt: the keys and values that operations.h works on, read from documents, with a memory of
// what was read; and the changes of one operation made on condition that all of it still holds.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "meta/key_value.h"
#include "meta/mongo/intents.h"

namespace mas::meta::mongo {

// Used by one thread. An operation must read the record that guards others (an upload before its
// parts and extents, an object before its extents) before those: then an unchanged guard says that
// they are unchanged too.
class Attempt final : public Reader {
 public:
  Attempt(Documents& documents, Intents& intents, Purpose purpose)
      : documents_(documents), intents_(intents), purpose_(purpose) {}

  Result<std::optional<std::string>> get(std::string_view key) const override;
  // Objects, parts and freed extents.
  Result<void> scan(std::string_view from, std::string_view to, const Visit& visit) const override;
  // Reads many keys with few commands.
  Result<void> prefetch(const std::vector<std::string>& keys) const;

  // Whether a read failed, or found a pending intent in the way: then nothing worked out from it
  // means anything.
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] bool blocked() const noexcept { return blocked_; }
  // Makes `changes` on top of what was read.
  Result<Carried> commit(const Transaction::Changes& changes);
  // For operations without changes: whether everything read stands so at one moment.
  Result<Carried> confirm();

 private:
  using Known = std::map<std::string, std::optional<Document>, std::less<>>;

  Result<void> remember(const std::string& id, std::optional<Document> found) const;
  Result<void> fail(const Error& error) const;
  Result<std::vector<std::pair<std::string, std::string>>> page(const std::string& from,
                                                                const std::string& to,
                                                                std::uint32_t limit,
                                                                std::string& last) const;
  Result<std::vector<Change>> to_changes(const Transaction::Changes& changes) const;
  [[nodiscard]] bool guards_all_others(const Change& change) const;
  [[nodiscard]] std::map<std::string, std::string> stamps_without(
      const std::vector<Change>& changes) const;

  Documents& documents_;
  Intents& intents_;
  Purpose purpose_;
  mutable Known known_;
  mutable std::map<std::string, std::vector<std::pair<std::string, std::string>>> ranges_;
  mutable bool failed_ = false;
  mutable bool blocked_ = false;
};

}  // namespace mas::meta::mongo
