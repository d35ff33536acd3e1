// Changes of several documents that happen together or not at all, on a server that changes one
// document at a time: doc/metadata-mongodb.md has the protocol and why it holds.
//
// An intent is a document that lists the changes. Documents to be changed are locked with its id;
// then its state goes from pending to committed, which is the moment all of them happen; then they
// are carried out, by whoever finds them undone. A pending intent that stands in the way for too
// long is removed, which is the moment none of them happens.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "mas/runtime/clock.h"
#include "mas/runtime/rng.h"
#include "meta/mongo/documents.h"

namespace mas::meta::mongo {

// One document's part in an intent.
struct Change {
  std::string id;
  std::string match;                 // the stamp it must have; "" if there must be none
  std::optional<std::string> value;  // nullopt: it goes
  // Only those who change (and lock) another document of the same intent ever change this one, so
  // that it needs no lock of its own. Never with an empty `match`.
  bool guarded = false;
};

enum class Purpose : std::uint8_t {
  read,   // what stood before a pending intent is the answer
  write,  // a pending intent is in the way
};

// What a document holds now.
struct Settled {
  std::optional<Document> document;  // without a lock
  bool blocked = false;              // a pending intent is in the way; try again shortly
};

enum class Carried : std::uint8_t { done, again };

// Thread-safe. One per store.
class Intents {
 public:
  Intents(Documents& documents, Clock& clock, Rng& rng)
      : documents_(documents), clock_(clock), rng_(rng) {}

  // Sees to the lock of `found`, if it has one.
  Result<Settled> settle(Document found, Purpose purpose);
  // Makes all `changes` happen, or none (again: somebody else was there, or got in the way).
  // `unchanged`: ids and stamps ("" for none) that must hold at that moment too. Errors:
  // metadata_unavailable, maybe_happened if the answer to the deciding write was lost.
  Result<Carried> carry_out(const std::vector<Change>& changes,
                            const std::map<std::string, std::string>& unchanged);
  // One document, in one write.
  Result<Carried> carry_out_one(const Change& change);
  // Whether documents still have these stamps, and no locks but `own`.
  Result<bool> holds(const std::map<std::string, std::string>& stamps, const std::string& own);
  // Finishes committed intents and removes pending ones that nobody works on any more, of whatever
  // process.
  Result<void> sweep();
  // Removes the intents that were carried out here. For close_store().
  void forget_finished();

 private:
  // Longer than a healthy process needs from its first lock to the deciding write of a short
  // intent.
  static constexpr Duration kPatience = std::chrono::milliseconds(300);
  // A finished intent stays this long, of the time of whoever removes it, for its owner, who may
  // not know the outcome yet.
  static constexpr Duration kKeep = std::chrono::minutes(10);

  Result<std::optional<Document>> read_one(const std::string& id);
  Result<void> finish(const Document& intent);
  // `since`: from before its intent was written.
  Result<Carried> decide(const std::string& key, Instant since);
  // Gives up `key` before its decision.
  void withdraw(const std::string& key, const std::vector<Change>& changes);
  bool overdue(const Document& intent);
  // Whether it was asked for the first time at least `patience` ago.
  bool seen_for(const std::string& name, Duration patience);
  Result<void> see_to(const Document& intent);

  Documents& documents_;
  Clock& clock_;
  Rng& rng_;
  std::mutex mutex_;
  std::map<std::string, Instant> first_seen_;  // pending intents by lock, finished ones by id
  std::vector<std::string> finished_;          // own intents to be removed with the next one
};

}  // namespace mas::meta::mongo
