// MetaStore and PeerTransport whose Nth call fails, either before it takes effect or after ("may
// have happened"), so that a loop over N tries an operation with each of its calls failing. Both
// seams of one test count together.
//
// Fault budget: one call fails at a time; afterwards everything works again.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "mas/meta/meta_store.h"
#include "mas/peer/transport.h"

namespace mas::test {

// Counts calls and says which of them fails. Thread-safe.
class CallFaults {
 public:
  enum class Verdict { pass, refuse, hide };

  // Counts from 0 again; call `nth` fails. `applied`: it takes effect all the same.
  void fail_nth(std::uint64_t nth, bool applied) {
    calls_ = 0;
    applied_ = applied;
    nth_ = nth;
  }
  void clear() { nth_ = kNever; }
  // Counts from 0 again; when call `nth` is done, `action` runs before its caller learns of it.
  void after_nth(std::uint64_t nth, std::function<Task<void>()> action) {
    calls_ = 0;
    action_at_ = nth;
    action_ = std::move(action);
  }
  // The action that follows the call that has just been entered as number `call`.
  std::function<Task<void>()> action_after(std::uint64_t call) {
    if (call != action_at_) return nullptr;
    action_at_ = kNever;
    return std::move(action_);
  }
  [[nodiscard]] bool hit() const { return calls_ > nth_; }
  [[nodiscard]] std::uint64_t calls() const { return calls_; }

  // `call` becomes the number of this call.
  Verdict enter(std::uint64_t& call) {
    call = calls_++;
    if (call != nth_) return Verdict::pass;
    return applied_ ? Verdict::hide : Verdict::refuse;
  }

 private:
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
  std::atomic<std::uint64_t> calls_{0};
  std::atomic<std::uint64_t> nth_{kNever};
  std::atomic<bool> applied_{false};
  std::atomic<std::uint64_t> action_at_{kNever};
  std::function<Task<void>()> action_;
};

template <class T>
Task<Result<T>> guard(CallFaults& faults, Task<Result<T>> call, Code code) {
  std::uint64_t number = 0;
  CallFaults::Verdict verdict = faults.enter(number);
  if (verdict == CallFaults::Verdict::refuse) co_return Error(code, "injected");
  Result<T> result = co_await std::move(call);
  std::function<Task<void>()> action = faults.action_after(number);
  if (action) co_await action();
  if (verdict == CallFaults::Verdict::hide && result.has_value()) {
    co_return Error(code, "injected, after the call").mark_maybe_happened();
  }
  co_return result;
}

class FailingMeta final : public meta::MetaStore {
 public:
  FailingMeta(meta::MetaStore& inner, CallFaults& faults) : inner_(inner), faults_(faults) {}

  Task<Result<std::optional<meta::Object>>> find(Hash hash) override {
    return guarded(inner_.find(hash));
  }
  Task<Result<meta::CommitResult>> commit(meta::Object object, std::uint64_t expected,
                                          std::optional<Id128> from) override {
    return guarded(inner_.commit(std::move(object), expected, from));
  }
  Task<Result<meta::Object>> condemn(Hash hash, std::uint64_t generation, std::uint64_t deletion,
                                     std::int64_t now) override {
    return guarded(inner_.condemn(hash, generation, deletion, now));
  }
  Task<Result<void>> set_damaged(Hash hash, std::uint64_t generation, bool damaged) override {
    return guarded(inner_.set_damaged(hash, generation, damaged));
  }
  Task<Result<void>> erase(Hash hash, std::uint64_t generation, std::int64_t now) override {
    return guarded(inner_.erase(hash, generation, now));
  }
  Task<Result<meta::ObjectPage>> list(meta::ListQuery query) override {
    return guarded(inner_.list(std::move(query)));
  }
  Task<Result<std::vector<meta::Object>>> condemned(std::int64_t before,
                                                    std::uint32_t limit) override {
    return guarded(inner_.condemned(before, limit));
  }
  Task<Result<std::vector<bool>>> referenced(std::vector<Id128> extents) override {
    return guarded(inner_.referenced(std::move(extents)));
  }
  Task<Result<bool>> expire(Id128 upload, std::int64_t before, std::int64_t now) override {
    return guarded(inner_.expire(upload, before, now));
  }
  Task<Result<void>> free(std::vector<meta::Extent> extents, std::int64_t now) override {
    return guarded(inner_.free(std::move(extents), now));
  }
  Task<Result<std::vector<meta::FreedExtent>>> freed(std::uint64_t after,
                                                     std::uint32_t limit) override {
    return guarded(inner_.freed(after, limit));
  }
  Task<Result<void>> collected(std::string slot, std::uint64_t past,
                               std::vector<std::string> slots) override {
    return guarded(inner_.collected(std::move(slot), past, std::move(slots)));
  }
  Task<Result<meta::Upload>> open(meta::Upload upload) override {
    return guarded(inner_.open(std::move(upload)));
  }
  Task<Result<std::optional<meta::Upload>>> find_upload(Id128 id) override {
    return guarded(inner_.find_upload(id));
  }
  Task<Result<std::optional<meta::Upload>>> find_session(Hash hash, std::string session) override {
    return guarded(inner_.find_session(hash, std::move(session)));
  }
  Task<Result<void>> register_extent(Id128 upload, meta::Extent extent) override {
    return guarded(inner_.register_extent(upload, extent));
  }
  Task<Result<meta::PutPartResult>> put_part(Id128 upload, meta::Part part, std::int64_t expires,
                                             std::uint64_t max_total, std::int64_t now) override {
    return guarded(inner_.put_part(upload, std::move(part), expires, max_total, now));
  }
  Task<Result<void>> discard(Id128 upload, std::vector<meta::Extent> extents,
                             std::int64_t now) override {
    return guarded(inner_.discard(upload, std::move(extents), now));
  }
  Task<Result<std::vector<meta::Part>>> parts(Id128 upload, std::uint32_t after,
                                              std::uint32_t limit) override {
    return guarded(inner_.parts(upload, after, limit));
  }
  Task<Result<bool>> advance_hash(Id128 upload, meta::HashRun run,
                                  std::vector<meta::Extent> extents) override {
    return guarded(inner_.advance_hash(upload, std::move(run), std::move(extents)));
  }
  Task<Result<void>> touch(Id128 upload, std::int64_t expires) override {
    return guarded(inner_.touch(upload, expires));
  }
  Task<Result<meta::Upload>> seal(Id128 upload, std::uint32_t part_count) override {
    return guarded(inner_.seal(upload, part_count));
  }
  Task<Result<void>> reopen(Id128 upload) override { return guarded(inner_.reopen(upload)); }
  Task<Result<void>> close(Id128 upload, bool even_sealed, std::int64_t now) override {
    return guarded(inner_.close(upload, even_sealed, now));
  }
  Task<Result<std::vector<meta::Upload>>> expired(std::int64_t before,
                                                  std::uint32_t limit) override {
    return guarded(inner_.expired(before, limit));
  }
  Task<Result<std::vector<meta::Upload>>> sealed(std::uint32_t limit) override {
    return guarded(inner_.sealed(limit));
  }
  Task<Result<std::vector<meta::Upload>>> uploads(std::optional<Id128> after,
                                                  std::uint32_t limit) override {
    return guarded(inner_.uploads(after, limit));
  }
  Task<Result<std::optional<layout::Layout>>> current_layout() override {
    return guarded(inner_.current_layout());
  }
  Task<Result<void>> propose_layout(std::uint64_t expected, layout::Layout next) override {
    return guarded(inner_.propose_layout(expected, std::move(next)));
  }
  Task<Result<void>> acknowledge_layout(std::string member, std::uint64_t version) override {
    return guarded(inner_.acknowledge_layout(std::move(member), version));
  }
  Task<Result<std::uint64_t>> next_generation(std::uint32_t count) override {
    return guarded(inner_.next_generation(count));
  }
  Task<Result<void>> ping() override { return guarded(inner_.ping()); }
  Task<void> close_store() override { return inner_.close_store(); }

 private:
  template <class T>
  Task<Result<T>> guarded(Task<Result<T>> call) {
    return guard(faults_, std::move(call), Code::metadata_unavailable);
  }

  meta::MetaStore& inner_;
  CallFaults& faults_;
};

class FailingTransport final : public peer::PeerTransport {
 public:
  FailingTransport(peer::PeerTransport& inner, CallFaults& faults)
      : inner_(inner), faults_(faults) {}

  Task<Result<void>> put(layout::MemberIndex member, std::uint64_t layout_version, RecordKey key,
                         std::vector<Slice> pieces) override {
    return guarded(inner_.put(member, layout_version, key, std::move(pieces)));
  }
  Task<Result<Slice>> read(layout::MemberIndex member, RecordKey key, std::uint64_t offset,
                           std::uint32_t length) override {
    ++reads_;
    return guarded(inner_.read(member, key, offset, length));
  }
  Task<Result<std::vector<bool>>> have(layout::MemberIndex member,
                                       std::vector<RecordKey> keys) override {
    return guarded(inner_.have(member, std::move(keys)));
  }
  Task<Result<void>> quarantine(layout::MemberIndex member, RecordKey key) override {
    return guarded(inner_.quarantine(member, key));
  }

  [[nodiscard]] std::uint64_t reads() const { return reads_; }

 private:
  template <class T>
  Task<Result<T>> guarded(Task<Result<T>> call) {
    return guard(faults_, std::move(call), Code::closed);
  }

  peer::PeerTransport& inner_;
  CallFaults& faults_;
  std::atomic<std::uint64_t> reads_{0};
};

}  // namespace mas::test
