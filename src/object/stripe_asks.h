// StripeAsks: what one reader of a stripe asks of its holders at one time. Holders that are late
// are worked around by asking others, and their answers are dropped when they come.
#pragma once

#include <memory>
#include <vector>

#include "object/shard_source.h"
#include "object/vigil.h"

namespace mas::object {

// What is read of a shard.
struct Want {
  enum class Kind : std::uint8_t {
    header,
    blocks,  // [offset, offset + length) of a coded shard's data, whole checksum blocks
    unit,    // of a copy: the unit that holds plain byte `offset`; `length` is read with the header
  };
  Kind kind = Kind::header;
  std::uint64_t offset = 0;
  std::uint32_t length = 0;
  std::uint32_t data_size = 0;  // blocks: of every shard of this stripe
  friend bool operator==(const Want&, const Want&) = default;
};

// What came of it, verified. Plain bytes of a unit; nothing for a header, which is in the source.
struct Got {
  bool good = false;
  Slice bytes;
  std::uint32_t start = 0;  // unit: where it starts in the stripe
};

// Reads it from whoever has the shard, one after the other; wrong bytes are quarantined. Not good:
// nobody has it, or the call was recalled.
Task<Got> fetch(Context& context, ShardSource& source, int shard, Want want,
                std::shared_ptr<peer::Recall> recall);

// On one executor; shared with the calls that are on their way, so that they may outlive the
// reader.
class StripeAsks : public std::enable_shared_from_this<StripeAsks> {
 public:
  // `rebuilding`: bytes that it takes to make anew what others are asked for; of Budget::rebuild,
  // before the first of them is asked.
  StripeAsks(Context& context, std::shared_ptr<ShardSource> source, Executor home,
             std::uint64_t rebuilding = 0)
      : context_(context),
        source_(std::move(source)),
        news_(context.deps.clock, std::move(home)),
        rebuilding_(rebuilding) {}

  // Begins to ask.
  void ask(int shard, Want want);
  // Resumes when `direct`, which was asked, has answered well, or `need` others have, or nobody is
  // left to be asked. Others, in this `order`, are asked as soon as somebody fails, and one more
  // when an answer is later than those of recent reads (as Hedging allows) or config::Write's
  // straggler_wait. `direct` -1: there is none. Errors: busy, there is no memory to ask others.
  Task<Result<void>> settle(Want want, int direct, std::vector<int> order, int need);
  // A good answer; nullptr if there is none.
  [[nodiscard]] Got* answer(int shard, const Want& want);
  // Nobody waits for anything any more. Must be called once, at the end: answers that are still to
  // come are dropped; holders that stay silent are skipped, and their calls recalled.
  void leave();

 private:
  struct Ask {
    int shard = 0;
    Want want;
    Instant began{};
    bool over = false;
    Got got;
    peer::Recall recall;
  };
  // The others' part of a settle().
  struct Others {
    int good = 0;
    int running = 0;
  };

  static Task<void> run(std::shared_ptr<StripeAsks> self, Ask& ask);
  static Task<void> watch(std::shared_ptr<StripeAsks> self);
  [[nodiscard]] Ask* find(int shard, const Want& want);
  [[nodiscard]] Others count(const Want& want, int except) const;
  [[nodiscard]] bool may_hedge(const Want& want, int calls);
  bool skip_silent();

  Context& context_;
  const std::shared_ptr<ShardSource> source_;
  Vigil news_;
  std::vector<std::unique_ptr<Ask>> asks_;
  int running_ = 0;
  bool left_ = false;
  std::uint64_t rebuilding_;     // not taken yet
  std::vector<Permit> permits_;  // for that, and for what hedges may bring too late
};

}  // namespace mas::object
