#include <mutex>
#include <shared_mutex>

#include "store/index.h"

namespace mas::store {
namespace {

class MemoryIndex final : public Index {
 public:
  Lookup find_cached(const RecordKey& key, Location& location) override {
    std::shared_lock lock(mutex_);
    auto entry = records_.find(key);
    if (entry == records_.end()) return Lookup::absent;
    location = entry->second;
    return Lookup::found;
  }

  Result<std::optional<Location>> find(const RecordKey& key) override {
    Location location;
    if (find_cached(key, location) == Lookup::absent) return std::optional<Location>();
    return std::optional<Location>(location);
  }

  Result<std::vector<std::pair<RecordKey, Location>>> list(const ListFrom& from,
                                                           std::size_t limit) override {
    std::shared_lock lock(mutex_);
    std::vector<std::pair<RecordKey, Location>> page;
    auto entry = records_.begin();
    if (from.key) {
      entry = from.including ? records_.lower_bound(*from.key) : records_.upper_bound(*from.key);
    }
    for (; entry != records_.end() && page.size() < limit; ++entry) page.push_back(*entry);
    return page;
  }

  Result<void> write(const IndexBatch& batch) override {
    std::unique_lock lock(mutex_);
    for (const auto& [key, location] : batch.records) {
      if (location) {
        records_[key] = *location;
      } else {
        records_.erase(key);
      }
    }
    return {};
  }

  Result<void> flush() override { return {}; }
  Result<std::optional<IndexState>> load() override { return std::optional<IndexState>(); }

 private:
  std::shared_mutex mutex_;
  std::map<RecordKey, Location> records_;
};

}  // namespace

std::unique_ptr<Index> make_memory_index() { return std::make_unique<MemoryIndex>(); }

}  // namespace mas::store
