#include "sim/acknowledged.h"

#include <utility>
#include <vector>

#include "sim/at_once.h"
#include "sim/forwarding_store.h"
#include "store/format.h"

namespace mas::sim {
namespace {

Task<std::string> first_missing(store::Store& store, std::vector<RecordKey> keys) {
  for (const RecordKey& key : keys) {
    const auto record = co_await store.stat(key);
    if (record.has_error()) co_return store::describe(key);
  }
  co_return std::string();
}

}  // namespace

// A put and a removal on their way at the same time may happen in any order.
class Acknowledged::Followed final : public ForwardingStore {
 public:
  Followed(std::unique_ptr<store::Store> inner, Acknowledged& all)
      : ForwardingStore(std::move(inner)), all_(all) {}

  Task<Result<void>> put(RecordKey key, std::vector<Slice> pieces) override {
    const std::uint64_t begun = all_.now();
    Result<void> stored = co_await inner_->put(key, std::move(pieces));
    const auto removed = all_.removed_.find(key);
    const bool races = all_.being_removed_.contains(key) ||
                       (removed != all_.removed_.end() && removed->second > begun);
    if (stored.has_value() && !races) all_.there_.insert(key);
    co_return stored;
  }
  Task<Result<void>> remove(std::vector<RecordKey> keys) override {
    for (const RecordKey& key : keys) begin_removal(key);
    Result<void> removed = co_await inner_->remove(keys);
    for (const RecordKey& key : keys) {
      const auto at = all_.being_removed_.find(key);
      if (at != all_.being_removed_.end()) all_.being_removed_.erase(at);
    }
    co_return removed;
  }
  // Whoever reads says that it is not what was written: then it was not there.
  Task<Result<void>> quarantine(RecordKey key, std::uint64_t version) override {
    all_.there_.erase(key);
    return inner_->quarantine(key, version);
  }

 private:
  void begin_removal(const RecordKey& key) {
    all_.there_.erase(key);
    all_.removed_[key] = all_.now();
    all_.being_removed_.insert(key);
  }
  Acknowledged& all_;
};

std::unique_ptr<store::Store> Acknowledged::follow(std::unique_ptr<store::Store> store) {
  being_removed_.clear();
  return std::make_unique<Followed>(std::move(store), *this);
}

std::string Acknowledged::missing_from(store::Store& store) {
  if (given_up_) return "";
  return at_once(first_missing(store, {there_.begin(), there_.end()}));
}

}  // namespace mas::sim
