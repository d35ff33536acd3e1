// How much of a body is durable, told to the metadata store as it grows: repair
// cares for the stripes of an upload that goes on for days from then on, not
// only once it is recorded. What is not written yet is not lost, so nothing is
// told of stripes behind a hole.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "object/context.h"

namespace mas::object {

// Of the extents of one body. On one executor. Nothing waits for it but
// close(): what the metadata store does not take is told again later, or not at
// all.
class DurablePrefix {
 public:
  DurablePrefix(Context& context, const Id128& upload);

  // Tells what has become durable every kInterval from now on, however slowly
  // the body comes.
  void start(Executor home);
  // Stripe `number` is durable; `extent` is as long as it was with this stripe
  // as its last one.
  void stored(const meta::Extent& extent, std::uint64_t number);
  // Once: the body has ended, and is recorded or given up next.
  Task<void> close();

  static constexpr Duration kInterval = std::chrono::seconds(10);
  // And whenever this share of a whole extent has become durable: 64 MiB of 1
  // GiB.
  static constexpr std::uint64_t kShare = 16;

 private:
  struct Growing {
    std::uint64_t stripes = 0;                     // durable ones from the start, without a hole
    std::uint64_t bytes = 0;                       // in them
    std::uint64_t told = 0;                        // of these
    std::map<std::uint64_t, std::uint64_t> ahead;  // behind a hole: number, bytes up to its end
  };

  void tell();
  Task<void> tell_all();
  Task<void> keep_telling();

  Context& context_;
  const Id128 upload_;
  std::map<Id128, Growing> extents_;
  // Bytes that have become durable and were not told.
  std::uint64_t untold_ = 0;
  bool telling_ = false;
  bool over_ = false;
  Gate gate_;
  std::optional<Executor> home_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace mas::object
