// A store whose calls go on to another, for others to change a few.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "mas/store/store.h"

namespace mas::sim {

class ForwardingStore : public store::Store {
 public:
  explicit ForwardingStore(std::unique_ptr<store::Store> inner) : inner_(std::move(inner)) {}

  Task<Result<void>> put(RecordKey key, std::vector<Slice> pieces) override {
    return inner_->put(key, std::move(pieces));
  }
  Task<Result<void>> remove(std::vector<RecordKey> keys) override {
    return inner_->remove(std::move(keys));
  }
  Task<Result<Slice>> read(RecordKey key, std::uint64_t offset, std::uint32_t length) override {
    return inner_->read(key, offset, length);
  }
  Task<Result<store::RecordInfo>> stat(RecordKey key) override { return inner_->stat(key); }
  Task<Result<std::vector<store::RecordInfo>>> list(std::optional<RecordKey> after,
                                                    std::size_t limit) override {
    return inner_->list(after, limit);
  }
  Task<Result<void>> quarantine(RecordKey key, std::uint64_t version) override {
    return inner_->quarantine(key, version);
  }
  Task<Result<store::ScrubStep>> scrub(std::optional<RecordKey> from,
                                       std::uint64_t max_bytes) override {
    return inner_->scrub(from, max_bytes);
  }
  Task<Result<bool>> compact_one() override { return inner_->compact_one(); }
  [[nodiscard]] store::Usage usage() const override { return inner_->usage(); }
  [[nodiscard]] Id128 incarnation() const override { return inner_->incarnation(); }
  Task<Result<void>> close() override { return inner_->close(); }

 protected:
  std::unique_ptr<store::Store> inner_;
};

}  // namespace mas::sim
