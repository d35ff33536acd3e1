#include "object/stripe_asks.h"

#include <algorithm>

#include "mas/observe/log.h"
#include "mas/runtime/contain.h"

namespace mas::object {
namespace {

using RecallPtr = std::shared_ptr<peer::Recall>;

constexpr Duration kPatience = std::chrono::seconds(10);

Task<Result<Got>> read_blocks(ShardSource& source, int shard, const codec::ShardHeader& header,
                              Want want, RecallPtr recall) {
  Got got;
  MAS_CO_TRY(got.bytes, co_await source.data(shard, want.offset, want.length, std::move(recall)));
  bool right = header.data_size == want.data_size &&
               codec::verify_blocks(header, want.offset, got.bytes.view()).has_value();
  if (!right) co_return Error(Code::corrupt, "The shard's bytes are wrong.");
  got.good = true;
  co_return got;
}

Task<Result<Got>> read_unit(Context& context, ShardSource& source, int shard,
                            const codec::ShardHeader& header, Want want, RecallPtr recall) {
  Got got;
  const std::uint32_t size = header.units.front().plain;
  std::size_t index = std::min<std::size_t>(want.offset / size, header.units.size() - 1);
  got.start = static_cast<std::uint32_t>(index * size);
  MAS_CO_TRY(Slice stored, co_await source.data(shard, header.unit_offset(index),
                                                header.units[index].stored, std::move(recall)));
  MAS_CO_TRY(got.bytes,
             codec::decode_unit(header, index, std::move(stored), &context.budget.units()));
  got.good = true;
  co_return got;
}

}  // namespace

Task<Got> fetch(Context& context, ShardSource& source, int shard, Want want, RecallPtr recall) {
  std::uint32_t ahead = want.kind == Want::Kind::unit ? want.length : 0;
  if (want.kind == Want::Kind::blocks && want.offset == 0) ahead = want.length;
  for (;;) {
    Result<const codec::ShardHeader*> header = co_await source.header(shard, ahead, recall);
    if (header.has_error()) co_return Got{};
    if (want.kind == Want::Kind::header) co_return Got{true, {}, 0};
    Result<Got> got = Got{};
    if (want.kind == Want::Kind::blocks) {
      got = co_await read_blocks(source, shard, **header, want, recall);
    } else {
      got = co_await read_unit(context, source, shard, **header, want, recall);
    }
    if (got.has_value()) co_return *std::move(got);
    co_await source.reject(shard, got.error());
    if (recall && recall->is_recalled()) co_return Got{};
  }
}

namespace {

Task<Result<Got>> read(Context& context, ShardSource& source, int shard, Want want,
                       RecallPtr recall) {
  co_return co_await fetch(context, source, shard, want, std::move(recall));
}

}  // namespace

// ---- Calls ----

void StripeAsks::ask(int shard, Want want) {
  Ask& ask = *asks_.emplace_back(std::make_unique<Ask>());
  ask.shard = shard;
  ask.want = want;
  ask.began = context_.deps.clock.now();
  ++running_;
  if (spawn(news_.home(), context_.calls, run(shared_from_this(), ask), "shard read")) return;
  // The server is stopping: nothing can be said of the shard.
  source_->note_unanswered();
  ask.over = true;
  --running_;
}

Task<void> StripeAsks::run(std::shared_ptr<StripeAsks> self, Ask& ask) {
  ShardSource& source = *self->source_;
  co_await source.lock(ask.shard);
  if (!self->left_) {
    RecallPtr recall(self, &ask.recall);
    bool own = source.is_own(ask.shard);
    auto reading = read(self->context_, source, ask.shard, ask.want, std::move(recall));
    auto contained = contain(std::move(reading), "shard read");
    Result<Got> got = co_await std::move(contained);
    if (got.has_value()) ask.got = *std::move(got);
    if (ask.got.good && !own) {
      self->context_.hedging.note(self->context_.deps.clock.now() - ask.began);
    }
  }
  source.unlock(ask.shard);
  ask.over = true;
  if (self->left_) ask.got = Got{};
  if (--self->running_ == 0 && self->left_) self->permits_.clear();
  self->news_.wake();
}

StripeAsks::Ask* StripeAsks::find(int shard, const Want& want) {
  for (auto& ask : asks_) {
    if (ask->shard == shard && ask->want == want) return ask.get();
  }
  return nullptr;
}

Got* StripeAsks::answer(int shard, const Want& want) {
  Ask* ask = find(shard, want);
  return ask != nullptr && ask->got.good ? &ask->got : nullptr;
}

StripeAsks::Others StripeAsks::count(const Want& want, int except) const {
  Others others;
  for (const auto& ask : asks_) {
    if (ask->shard == except || ask->want != want) continue;
    others.good += ask->got.good ? 1 : 0;
    others.running += ask->over ? 0 : 1;
  }
  return others;
}

// ---- Waiting ----

Task<Result<void>> StripeAsks::settle(Want want, int direct, std::vector<int> order, int need) {
  const Duration silence = context_.write.straggler_wait;
  Clock& clock = context_.deps.clock;
  Instant began = clock.now();
  bool asks_others = direct < 0;
  bool hedged = false;   // or it was not allowed
  bool patient = false;  // too many are silent
  int extra = 0;
  for (;;) {
    std::erase_if(order, [&](int shard) { return find(shard, want) != nullptr; });
    Ask* first = direct < 0 ? nullptr : find(direct, want);
    if (first != nullptr && first->got.good) co_return Result<void>();
    bool waits_for_first = first != nullptr && !first->over;
    asks_others = asks_others || !waits_for_first;
    Others others = count(want, direct);
    if (others.good >= need) co_return Result<void>();
    const int left = static_cast<int>(order.size());
    // Without `need` of them others are of no use; the direct one may be the last in the order.
    bool helps = others.good + others.running + left >= need || first == nullptr;
    int open = asks_others && helps ? need + extra - others.good - others.running : 0;
    if (open > 0 && left > 0 && rebuilding_ > 0) {
      // Whoever holds some of it waits for holders only, so there soon is some.
      const std::uint64_t bytes = std::exchange(rebuilding_, 0);
      MAS_CO_TRY(Permit permit, co_await context_.budget.rebuild(bytes, kPatience));
      permits_.push_back(std::move(permit));
      continue;
    }
    if (open > 0 && left > 0) {
      for (int i = 0; i < std::min(open, left); ++i) ask(order[static_cast<std::size_t>(i)], want);
      began = clock.now();
      continue;
    }
    if (others.running == 0 && !waits_for_first) co_return Result<void>();
    if (left == 0 || !helps || patient) {
      co_await news_.wait();
      continue;
    }
    Duration limit = hedged ? silence : std::min(context_.hedging.delay(), silence);
    Duration passed = clock.now() - began;
    if (passed < limit) {
      (void)co_await news_.wait(limit - passed);
      continue;
    }
    int calls = asks_others ? 1 : std::max(need - others.good - others.running, 1);
    bool granted = hedged ? skip_silent() : may_hedge(want, calls);
    if (!granted) {
      patient = hedged;
      hedged = true;
      continue;
    }
    if (asks_others) ++extra;
    asks_others = true;
    hedged = false;
    began = clock.now();
  }
}

bool StripeAsks::may_hedge(const Want& want, int calls) {
  if (context_.hedging.delay() == Duration(0)) return false;
  auto count = static_cast<std::size_t>(calls);
  auto late = context_.budget.try_late(std::max<std::uint64_t>(want.length, 1) * count);
  if (!late || !context_.hedging.take(count)) return false;
  permits_.push_back(std::move(*late));
  rebuilding_ = 0;
  context_.instruments.hedges.add();
  return true;
}

// Whether somebody who is silent is skipped from now on.
bool StripeAsks::skip_silent() {
  bool skipped = false;
  const Instant now = context_.deps.clock.now();
  for (auto& ask : asks_) {
    auto holder = source_->holder(ask->shard);
    if (ask->over || !holder || now - ask->began < context_.write.straggler_wait) continue;
    if (!context_.skips.add(*holder, source_->members())) continue;
    skipped = true;
    if (log::once_a_minute("pod.skipped")) {
      log::warn("pod.skipped", {{"member", *holder}, {"why", "silent at a read"}});
    }
  }
  return skipped;
}

// ---- Leaving ----

void StripeAsks::leave() {
  left_ = true;
  for (auto& ask : asks_) {
    if (ask->over) ask->got = Got{};
  }
  if (running_ == 0) {
    permits_.clear();
    return;
  }
  (void)spawn(news_.home(), context_.calls, watch(shared_from_this()), "late reads");
}

Task<void> StripeAsks::watch(std::shared_ptr<StripeAsks> self) {
  const Instant began = self->context_.deps.clock.now();
  Duration left = self->context_.write.straggler_wait;
  while (self->running_ > 0 && left > Duration(0)) {
    (void)co_await self->news_.wait(left);
    left = self->context_.write.straggler_wait - (self->context_.deps.clock.now() - began);
  }
  (void)self->skip_silent();
  for (auto& ask : self->asks_) {
    if (!ask->over) ask->recall.recall();
  }
}

}  // namespace mas::object
