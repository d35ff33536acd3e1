#include "meta/mongo/attempt.h"

#include <algorithm>

#include "meta/keys.h"
#include "meta/mongo/ids.h"
#include "meta/operations.h"

namespace mas::meta::mongo {
namespace {

constexpr std::uint32_t kFirstPage = 100, kPage = 1000;

// Index entries of the key-value adapters: here they are fields of the records themselves.
bool is_field(char kind) {
  return kind == keys::kCondemned || kind == keys::kReleased || kind == keys::kSealed;
}

// Documents that only those change who change their guard: parts and extents that have an owner.
bool has_guard(char kind) { return kind == keys::kPart || kind == keys::kOwner; }

}  // namespace

Result<void> Attempt::fail(const Error& error) const {
  failed_ = true;
  // Reading changes nothing.
  return Error(error.code(), error.message());
}

Result<void> Attempt::remember(const std::string& id, std::optional<Document> found) const {
  if (found && !found->lock.empty()) {
    auto settled = intents_.settle(*std::move(found), purpose_);
    if (settled.has_error()) return fail(settled.error());
    if (settled->blocked) {
      blocked_ = true;
      return fail(Error(Code::busy, "The record is being changed; try again shortly."));
    }
    found = std::move(settled->document);
  }
  known_[id] = std::move(found);
  return {};
}

Result<std::optional<std::string>> Attempt::get(std::string_view key) const {
  std::string id = id_of(key);
  if (known_.count(id) == 0) MAS_CHECK(prefetch({std::string(key)}));
  const auto& found = known_.at(id);
  if (!found) return std::optional<std::string>();
  return std::optional<std::string>(found->value);
}

Result<void> Attempt::prefetch(const std::vector<std::string>& keys) const {
  std::vector<std::string> ids;
  for (const std::string& key : keys) {
    std::string id = id_of(key);
    if (known_.count(id) == 0) ids.push_back(std::move(id));
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  if (ids.empty()) return {};
  // What is read for a change is read again when it is made.
  auto reading = purpose_ == Purpose::read ? Reading::linearizable : Reading::majority;
  auto found = documents_.get(ids, reading);
  if (found.has_error()) return fail(found.error());
  std::map<std::string, Document> by_id;
  for (Document& document : *found) {
    std::string id = document.id;
    by_id[id] = std::move(document);
  }
  for (const std::string& id : ids) {
    auto it = by_id.find(id);
    std::optional<Document> document;
    if (it != by_id.end()) document = std::move(it->second);
    MAS_CHECK(remember(id, std::move(document)));
  }
  return {};
}

Result<std::vector<std::pair<std::string, std::string>>> Attempt::page(const std::string& from,
                                                                       const std::string& to,
                                                                       std::uint32_t limit,
                                                                       std::string& last) const {
  auto found = documents_.range(from, to, limit);
  if (found.has_error()) {
    MAS_CHECK(fail(found.error()));
  }
  last = found->size() < limit ? std::string() : found->back().id;
  std::vector<std::pair<std::string, std::string>> records;
  for (Document& document : *found) {
    std::string id = document.id;
    MAS_CHECK(remember(id, std::move(document)));
    const auto& now = known_.at(id);
    if (now) records.emplace_back(key_of(id), now->value);
  }
  return records;
}

Result<void> Attempt::scan(std::string_view from, std::string_view to, const Visit& visit) const {
  std::string end(to);
  if (!from.empty() && from[0] == keys::kFreed) {
    // Sequences up to the counter are all listed by now, so that none is missed between others.
    MAS_TRY(auto counter, get(keys::counter(ops::kFreedCounter)));
    std::uint64_t last = 0;
    if (counter) {
      MAS_TRY(last, read_number(*counter));
    }
    end = std::min(end, keys::freed(last) + '\0');
  }
  std::string name = std::string(from) + "\n" + end;
  if (auto known = ranges_.find(name); known != ranges_.end()) {
    for (const auto& [key, value] : known->second) {
      MAS_TRY(bool go_on, visit(key, value));
      if (!go_on) return {};
    }
    return {};
  }
  std::vector<std::pair<std::string, std::string>> all;
  std::string next = id_of(from), last;
  for (std::uint32_t limit = kFirstPage;; limit = kPage) {
    MAS_TRY(auto records, page(next, id_of(end), limit, last));
    for (auto& [key, value] : records) {
      MAS_TRY(bool go_on, visit(key, value));
      if (!go_on) return {};
      all.emplace_back(std::move(key), std::move(value));
    }
    if (last.empty()) break;
    next = last + "00";
  }
  if (from[0] == keys::kPart) ranges_[name] = std::move(all);
  return {};
}

Result<std::vector<Change>> Attempt::to_changes(const Transaction::Changes& changes) const {
  std::vector<std::string> unread;
  for (const auto& [key, value] : changes) {
    // New places too: the lock of an intent that never happened may stand there.
    if (!is_field(key[0])) unread.push_back(key);
  }
  MAS_CHECK(prefetch(unread));
  std::vector<Change> made;
  for (const auto& [key, value] : changes) {
    if (is_field(key[0])) continue;
    Change change{id_of(key), {}, value, false};
    auto known = known_.find(change.id);
    if (known != known_.end() && known->second) change.match = known->second->stamp;
    if (change.match.empty() && !value) continue;
    change.guarded = has_guard(key[0]) && !change.match.empty();
    made.push_back(std::move(change));
  }
  return made;
}

bool Attempt::guards_all_others(const Change& change) const {
  if (!change.value || change.guarded) return false;
  return std::all_of(known_.begin(), known_.end(), [&](const auto& entry) {
    if (entry.first == change.id) return true;
    char kind = entry.first[0];
    return change.id[0] == keys::kUpload && (kind == keys::kPart || kind == keys::kSession);
  });
}

std::map<std::string, std::string> Attempt::stamps_without(
    const std::vector<Change>& changes) const {
  std::map<std::string, std::string> stamps;
  for (const auto& [id, document] : known_) stamps[id] = document ? document->stamp : "";
  for (const Change& change : changes) stamps.erase(change.id);
  return stamps;
}

Result<Carried> Attempt::commit(const Transaction::Changes& changes) {
  auto made = to_changes(changes);
  if (made.has_error()) return blocked_ ? Result<Carried>(Carried::again) : made.error();
  if (made->empty()) return confirm();
  if (made->size() == 1 && guards_all_others(made->front())) {
    return intents_.carry_out_one(made->front());
  }
  return intents_.carry_out(*made, stamps_without(*made));
}

Result<Carried> Attempt::confirm() {
  if (known_.empty()) return Carried::done;
  auto holds = intents_.holds(stamps_without({}), {});
  if (holds.has_error()) {
    MAS_CHECK(fail(holds.error()));
  }
  return *holds ? Carried::done : Carried::again;
}

}  // namespace mas::meta::mongo
