#include "store/show_usage.h"

namespace mas::store {

std::vector<std::string> absent_directories(const Store& store) {
  const auto* known = dynamic_cast<const HasDirectories*>(&store);
  return known == nullptr ? std::vector<std::string>() : known->absent();
}

Reach reach(const Store& store) {
  const auto* known = dynamic_cast<const HasDirectories*>(&store);
  return known == nullptr ? Reach() : known->reach();
}

Task<Result<std::vector<RecordInfo>>> list_all(Store& store, std::optional<RecordKey> after,
                                               std::size_t limit) {
  auto* known = dynamic_cast<HasDirectories*>(&store);
  return known == nullptr ? store.list(after, limit) : known->list_all(after, limit);
}

Result<std::unique_ptr<Store>> open(const config::Store& options,
                                    const std::vector<std::string>& directories,
                                    const Dependencies& dependencies) {
  return open(options, Directories{directories}, dependencies);
}

std::shared_ptr<void> show_usage(observe::Metrics& metrics, const Store& store) {
  observe::Gauge& capacity = metrics.gauge("mas_store_capacity_bytes", "Size of the volumes.");
  observe::Gauge& free = metrics.gauge("mas_store_free_bytes", "Bytes left for new shards.");
  observe::Gauge& stored = metrics.gauge("mas_store_stored_bytes", "Bytes in segments.");
  observe::Gauge& live = metrics.gauge("mas_store_live_bytes", "Bytes of live records.");
  observe::Gauge& records = metrics.gauge("mas_store_records", "Live records.");
  observe::Gauge& segments = metrics.gauge("mas_store_segments", "Segment files.");
  observe::Gauge& writable = metrics.gauge("mas_store_writable", "1 if new shards are taken.");
  observe::Gauge& stopped =
      metrics.gauge("mas_store_stopped_volumes", "Volumes that take no shards until a restart.");
  observe::Gauge& absent = metrics.gauge(
      "mas_store_absent_directories", "Data directories that are missing, emptied or unreadable.");
  return metrics.before_scrape([&] {
    const Usage now = store.usage();
    capacity.set(static_cast<double>(now.capacity));
    free.set(static_cast<double>(now.free));
    stored.set(static_cast<double>(now.stored));
    live.set(static_cast<double>(now.live));
    records.set(static_cast<double>(now.records));
    segments.set(static_cast<double>(now.segments));
    writable.set(now.writable ? 1 : 0);
    stopped.set(static_cast<double>(now.stopped.size()));
    absent.set(static_cast<double>(absent_directories(store).size()));
  });
}

}  // namespace mas::store
