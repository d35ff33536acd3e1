// What was found of files a moment ago, for questions that many clients ask and that throw nothing
// away: instant upload above all. Asking holders about a file of TiBs is millions of questions.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "mas/runtime/sync.h"
#include "object/presence.h"

namespace mas::object {

// Thread-safe. Those who ask for one object at the same time share one look. What it found is
// remembered for kRemembered, or for as long as the look took if that is longer, so that at most
// half of the time is spent on one file, however often it is asked for.
class PresenceCache {
 public:
  explicit PresenceCache(Context& context) : context_(context) {}

  // Whether there is enough of `object`.
  Task<Presence::Verdict> ask(meta::Object object);

  static constexpr Duration kRemembered = std::chrono::seconds(3);
  static constexpr std::size_t kMost = 1024;  // objects

 private:
  struct Look {
    std::uint64_t generation = 0;
    Event done;
    bool ended = false;  // under the mutex, as what follows
    Presence::Verdict verdict = Presence::Verdict::unknown;
    Instant until;
  };

  // The look to wait for, or the caller's own to carry out (`mine`); nullptr: there is no room.
  std::shared_ptr<Look> enter(const meta::Object& object, bool& mine);
  void make_room(Instant now);
  Task<Presence::Verdict> look_at(meta::Object object);

  Context& context_;
  std::mutex mutex_;
  std::map<Hash, std::shared_ptr<Look>> looks_;
};

}  // namespace mas::object
