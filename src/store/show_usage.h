// The gauges mas_store_*: what the store says of itself, at each scrape.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mas/store/directories.h"

namespace mas::store {

// A store that was opened from directories.
class HasDirectories {
 public:
  virtual ~HasDirectories() = default;
  // See absent_directories().
  [[nodiscard]] virtual std::vector<std::string> absent() const = 0;
  // See reach().
  [[nodiscard]] virtual Reach reach() const = 0;
  // See list_all().
  virtual Task<Result<std::vector<RecordInfo>>> list_all(std::optional<RecordKey> after,
                                                         std::size_t limit) = 0;
};

// Shown for as long as what is returned lives; `store` outlives it.
[[nodiscard]] std::shared_ptr<void> show_usage(observe::Metrics& metrics, const Store& store);

}  // namespace mas::store
