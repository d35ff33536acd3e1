// A store over another that shows what it was asked to remove and scrub.
#pragma once

#include "support/memory_store.h"

namespace mas::test {

class Watched final : public store::Store {
 public:
  explicit Watched(MemoryStore& inner) : inner_(inner) {}
  std::vector<RecordKey> removed;
  Task<Result<void>> put(RecordKey key, std::vector<Slice> pieces) override {
    return inner_.put(key, std::move(pieces));
  }
  Task<Result<void>> remove(std::vector<RecordKey> keys) override {
    removed.insert(removed.end(), keys.begin(), keys.end());
    return inner_.remove(std::move(keys));
  }
  Task<Result<Slice>> read(RecordKey key, std::uint64_t offset, std::uint32_t length) override {
    return inner_.read(key, offset, length);
  }
  Task<Result<store::RecordInfo>> stat(RecordKey key) override { return inner_.stat(key); }
  Task<Result<std::vector<store::RecordInfo>>> list(std::optional<RecordKey> after,
                                                    std::size_t limit) override {
    return inner_.list(after, limit);
  }
  Task<Result<void>> quarantine(RecordKey key, std::uint64_t version) override {
    return inner_.quarantine(key, version);
  }
  Task<Result<store::ScrubStep>> scrub(std::optional<RecordKey> from, std::uint64_t most) override {
    ++scrubs;
    last_from = from;
    last_most = most;
    co_return next_scrub;
  }
  Task<Result<bool>> compact_one() override { co_return compactable-- > 0; }
  [[nodiscard]] store::Usage usage() const override { return shown; }
  [[nodiscard]] Id128 incarnation() const override { return inner_.incarnation(); }
  Task<Result<void>> close() override { return inner_.close(); }

  int compactable = 0;
  int scrubs = 0;
  std::optional<RecordKey> last_from;
  std::uint64_t last_most = 0;
  store::ScrubStep next_scrub;
  store::Usage shown;

 private:
  MemoryStore& inner_;
};

}  // namespace mas::test
