// MemoryStore: a store::Store kept in a map, with knobs that make chosen calls fail, hang, or give
// wrong bytes. For tests of what stands above the store. Thread-safe.
//
//   MemoryStore store;
//   store.inject({.op = MemoryStore::Op::put, .error = Error(Code::io, "no"), .skip = 2});
//   store.hang(MemoryStore::Op::read);   ...   store.release();
//   store.corrupt(key);                  // one bit of the payload flips
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mas/runtime/sync.h"
#include "mas/store/store.h"

namespace mas::test {

class MemoryStore final : public store::Store {
 public:
  enum class Op : std::uint8_t { put, remove, read, stat, list, quarantine, count };

  // Matching calls resume with `error`: the first `skip` of them pass, then `times` fail.
  struct Fault {
    std::optional<Op> op = {};          // nullopt: every call
    std::optional<RecordKey> key = {};  // nullopt: every key
    Error error = Error(Code::io, "injected");
    std::uint64_t skip = 0;
    std::uint64_t times = std::numeric_limits<std::uint64_t>::max();
    bool applied = false;  // the call takes effect all the same, and its error says "maybe"
  };

  explicit MemoryStore(std::uint8_t number = 1) {
    incarnation_.bytes.fill(number);
    usage_.capacity = usage_.free = 1 << 30;
    usage_.writable = true;
  }

  // Knobs.
  void inject(Fault fault) {
    std::lock_guard lock(mutex_);
    faults_.push_back(std::move(fault));
  }
  void clear_faults() {
    std::lock_guard lock(mutex_);
    faults_.clear();
  }
  // Matching calls wait, without having taken effect, until release().
  void hang(std::optional<Op> op = {}, std::optional<RecordKey> key = {}) {
    std::lock_guard lock(mutex_);
    hangs_.emplace_back(op, key);
    go_on_.reset();
  }
  void release() {
    {
      std::lock_guard lock(mutex_);
      hangs_.clear();
    }
    go_on_.set();
  }
  // Flips bits of the stored payload; false if there is no such byte.
  bool corrupt(const RecordKey& key, std::size_t offset = 0, std::uint8_t mask = 1) {
    std::lock_guard lock(mutex_);
    auto at = records_.find(key);
    if (at == records_.end() || offset >= at->second.payload.size()) return false;
    std::string bytes(as_text(at->second.payload.view()));
    bytes[offset] = static_cast<char>(bytes[offset] ^ mask);
    at->second.payload = Slice::copy_of(as_bytes(bytes));
    damaged_.insert(key);
    return true;
  }
  // Loses a record, as a bad sector would.
  bool lose(const RecordKey& key) {
    std::lock_guard lock(mutex_);
    return records_.erase(key) != 0;
  }
  // Puts are acknowledged and forgotten.
  void lie(bool on) {
    std::lock_guard lock(mutex_);
    lies_ = on;
  }
  void set_usage(store::Usage usage) {
    std::lock_guard lock(mutex_);
    usage_ = std::move(usage);
  }

  // What there is to see.
  [[nodiscard]] std::vector<RecordKey> keys() const {
    std::lock_guard lock(mutex_);
    std::vector<RecordKey> all;
    for (const auto& [key, record] : records_) all.push_back(key);
    return all;
  }
  [[nodiscard]] std::optional<Slice> payload(const RecordKey& key) const {
    std::lock_guard lock(mutex_);
    auto at = records_.find(key);
    if (at == records_.end()) return std::nullopt;
    return at->second.payload;
  }
  [[nodiscard]] std::uint64_t calls(Op op) const {
    std::lock_guard lock(mutex_);
    return calls_[static_cast<std::size_t>(op)];
  }
  [[nodiscard]] std::uint64_t quarantined() const {
    std::lock_guard lock(mutex_);
    return usage_.quarantined;
  }

  // store::Store.
  Task<Result<void>> put(RecordKey key, std::vector<Slice> pieces) override {
    std::optional<Fault> fault = co_await enter(Op::put, key);
    if (fault && !fault->applied) co_return fault->error;
    std::string bytes;
    for (const Slice& piece : pieces) bytes.append(as_text(piece.view()));
    if (bytes.empty()) co_return Error(Code::invalid_argument, "A record needs at least one byte.");
    {
      std::lock_guard lock(mutex_);
      if (lies_) co_return Result<void>();
      records_[key] = Record{next_version_++, Slice::copy_of(as_bytes(bytes))};
      damaged_.erase(key);
    }
    if (fault) co_return fault->error.mark_maybe_happened();
    co_return Result<void>();
  }

  Task<Result<void>> remove(std::vector<RecordKey> keys) override {
    for (const RecordKey& key : keys) {
      std::optional<Fault> fault = co_await enter(Op::remove, key);
      if (fault && !fault->applied) co_return fault->error;
      std::lock_guard lock(mutex_);
      records_.erase(key);
      if (fault) co_return fault->error.mark_maybe_happened();
    }
    co_return Result<void>();
  }

  Task<Result<Slice>> read(RecordKey key, std::uint64_t offset, std::uint32_t length) override {
    std::optional<Fault> fault = co_await enter(Op::read, key);
    if (fault) co_return fault->error;
    std::lock_guard lock(mutex_);
    auto at = records_.find(key);
    if (at == records_.end()) co_return absent();
    const Slice& payload = at->second.payload;
    std::size_t from = std::min<std::uint64_t>(offset, payload.size());
    co_return payload.sub(from, std::min<std::size_t>(length, payload.size() - from));
  }

  Task<Result<store::RecordInfo>> stat(RecordKey key) override {
    std::optional<Fault> fault = co_await enter(Op::stat, key);
    if (fault) co_return fault->error;
    std::lock_guard lock(mutex_);
    auto at = records_.find(key);
    if (at == records_.end()) co_return absent();
    co_return info(key, at->second);
  }

  Task<Result<std::vector<store::RecordInfo>>> list(std::optional<RecordKey> after,
                                                    std::size_t limit) override {
    std::optional<Fault> fault = co_await enter(Op::list, after.value_or(RecordKey{}));
    if (fault) co_return fault->error;
    std::lock_guard lock(mutex_);
    std::vector<store::RecordInfo> page;
    for (auto at = after ? records_.upper_bound(*after) : records_.begin();
         at != records_.end() && page.size() < limit; ++at) {
      page.push_back(info(at->first, at->second));
    }
    co_return page;
  }

  Task<Result<void>> quarantine(RecordKey key, std::uint64_t version) override {
    std::optional<Fault> fault = co_await enter(Op::quarantine, key);
    if (fault) co_return fault->error;
    std::lock_guard lock(mutex_);
    auto at = records_.find(key);
    if (at != records_.end() && at->second.version == version) {
      records_.erase(at);
      damaged_.erase(key);
      ++usage_.quarantined;
    }
    co_return Result<void>();
  }

  // One step is the whole pass: what corrupt() touched is found and quarantined.
  Task<Result<store::ScrubStep>> scrub(std::optional<RecordKey>, std::uint64_t) override {
    std::lock_guard lock(mutex_);
    store::ScrubStep step;
    for (const auto& [key, record] : records_) {
      ++step.records;
      step.bytes += record.payload.size();
    }
    for (const RecordKey& key : damaged_) {
      if (records_.erase(key) == 0) continue;
      step.damaged.push_back(key);
      ++usage_.quarantined;
    }
    damaged_.clear();
    co_return step;
  }
  Task<Result<bool>> compact_one() override { co_return false; }

  [[nodiscard]] store::Usage usage() const override {
    std::lock_guard lock(mutex_);
    store::Usage usage = usage_;
    usage.records = records_.size();
    return usage;
  }
  [[nodiscard]] Id128 incarnation() const override { return incarnation_; }
  Task<Result<void>> close() override { co_return Result<void>(); }

 private:
  struct Record {
    std::uint64_t version = 0;
    Slice payload;
  };

  static Error absent() { return Error(Code::not_found, "There is no such record."); }
  static store::RecordInfo info(const RecordKey& key, const Record& record) {
    return {key, record.version, static_cast<std::uint32_t>(record.payload.size())};
  }
  static bool matches(const std::optional<Op>& op, const std::optional<RecordKey>& key, Op called,
                      const RecordKey& with) {
    return (!op || *op == called) && (!key || *key == with);
  }

  // Counts the call, waits while it is told to hang, and gives the fault that hits it, if any.
  Task<std::optional<Fault>> enter(Op op, RecordKey key) {
    bool hangs = false;
    {
      std::lock_guard lock(mutex_);
      ++calls_[static_cast<std::size_t>(op)];
      hangs = std::any_of(hangs_.begin(), hangs_.end(), [&](const auto& hang) {
        return matches(hang.first, hang.second, op, key);
      });
    }
    if (hangs) co_await go_on_.wait();
    std::lock_guard lock(mutex_);
    for (Fault& fault : faults_) {
      if (!matches(fault.op, fault.key, op, key)) continue;
      if (fault.skip > 0) {
        --fault.skip;
      } else if (fault.times > 0) {
        --fault.times;
        co_return fault;
      }
    }
    co_return std::nullopt;
  }

  mutable std::mutex mutex_;
  std::map<RecordKey, Record> records_;
  std::set<RecordKey> damaged_;
  bool lies_ = false;
  std::vector<Fault> faults_;
  std::vector<std::pair<std::optional<Op>, std::optional<RecordKey>>> hangs_;
  Event go_on_;
  std::array<std::uint64_t, static_cast<std::size_t>(Op::count)> calls_{};
  std::uint64_t next_version_ = 1;
  store::Usage usage_;
  Id128 incarnation_;
};

}  // namespace mas::test
