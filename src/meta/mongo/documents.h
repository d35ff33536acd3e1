// The documents of the MongoDB adapter and the few commands it uses on them: reads by id and in
// order, and ordered writes of which each is a compare-and-set on one document. Blocking; called on
// the driver pool. The driver's own types stay in documents.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mas/config/config.h"
#include "mas/core/result.h"

namespace mas::meta::mongo {

// One document. An empty stamp: no value yet, only a lock that will become one or vanish.
struct Document {
  std::string id;
  std::string stamp;  // changes with every change of the value, and never comes back
  std::string value;
  std::string lock;  // the intent that may change it; "" for none
};

// A write of one document, done only if the document matches; never twice to the same effect.
struct Step {
  enum class Kind : std::uint8_t {
    insert,        // `id` with `stamp` and `value`, or only `lock`; there must be none
    lock,          // stamp is `match`, no lock -> `lock`
    unlock,        // lock is `match`: back to `stamp`, the value stays
    mark,          // stamp is `match` -> `stamp`, the value stays
    replace,       // stamp is `match`, no lock -> `stamp`, `value`
    settle,        // lock is `match` -> `stamp`, `value`, no lock
    remove,        // stamp is `match`, no lock: the document goes
    settle_gone,   // lock is `match`: the document goes
    remove_named,  // whatever it holds
  };
  Kind kind;
  std::string id;
  std::string match;
  std::string stamp;
  std::string value;
  std::string lock;
};

// `linearizable` for what a caller acts on, `majority` for what a compare-and-set checks again.
enum class Reading : std::uint8_t { majority, linearizable };

// Fields that records are found by, beside their id.
enum class Field : std::uint8_t { condemned_at, released, sealed };

// Tests put themselves between the adapter and the server: asked before each command.
struct Hook {
  enum class Fate : std::uint8_t { pass, unsent, unanswered };  // unanswered: carried out, though
  std::function<Fate(std::string_view command)> before = [](std::string_view) {
    return Fate::pass;
  };
};

class Breaker;

// Thread-safe. Errors of all calls: metadata_unavailable; maybe_happened says whether a write was
// sent.
class Documents {
 public:
  // Errors: invalid_argument (the URL).
  static Result<std::unique_ptr<Documents>> connect(const config::Meta& meta,
                                                    const config::Mongodb& options,
                                                    Breaker& breaker, Hook hook);
  virtual ~Documents() = default;

  // Those that exist, in any order.
  virtual Result<std::vector<Document>> get(const std::vector<std::string>& ids,
                                            Reading reading) = 0;
  // Of [from, to), in order of id.
  virtual Result<std::vector<Document>> range(const std::string& from, const std::string& to,
                                              std::uint32_t limit) = 0;
  // Ids of documents whose `field` is below `before`, in its order.
  virtual Result<std::vector<std::string>> below(Field field, std::int64_t before,
                                                 std::uint32_t limit) = 0;
  // Carries the steps out in order; how many of them found their document as they wanted it.
  // An insert that meets a document ends the work there, and the answer is 0.
  virtual Result<std::size_t> write(const std::vector<Step>& steps) = 0;
  // The counter's value after adding `amount`; it starts at 0. Where it is below `least` nothing is
  // added: nullopt.
  virtual Result<std::optional<std::uint64_t>> add(const std::string& id, std::uint64_t least,
                                                   std::uint64_t amount) = 0;
  // Reachable and able to write; asked even while the breaker is open.
  virtual Result<void> ping() = 0;
  // The database seems to be new: indexes are made (again) with the next command. Thread-safe.
  virtual void expect_new() = 0;
};

}  // namespace mas::meta::mongo
