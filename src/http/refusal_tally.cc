#include "http/refusal_tally.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "mas/core/network.h"
#include "mas/observe/log.h"

namespace mas::http {
namespace {

constexpr std::array kStatuses{401, 403, 429};

}  // namespace

void RefusalTally::Counts::add(const Counts& more) noexcept {
  for (std::size_t i = 0; i < of.size(); ++i) of[i] += more.of[i];
}

bool RefusalTally::is_refusal(int status) noexcept {
  return std::find(kStatuses.begin(), kStatuses.end(), status) != kStatuses.end();
}

void RefusalTally::count(std::string_view client, int status) {
  const auto at = static_cast<std::size_t>(std::find(kStatuses.begin(), kStatuses.end(), status) -
                                           kStatuses.begin());
  if (at == kStatuses.size()) return;
  std::string address = network_of(client);
  std::lock_guard lock(mutex_);
  auto found = addresses_.find(address);
  if (found != addresses_.end()) {
    ++found->second.of[at];
  } else if (addresses_.size() < kMostAddresses) {
    ++addresses_[std::move(address)].of[at];
  } else {
    ++others_.of[at];
  }
}

void RefusalTally::tell() {
  Map counted;
  Counts others;
  {
    std::lock_guard lock(mutex_);
    counted.swap(addresses_);
    others = std::exchange(others_, Counts());
  }
  using Row = std::pair<std::string, Counts>;
  std::vector<Row> rows(counted.begin(), counted.end());
  const std::size_t lines = std::min(rows.size(), kMostLines);
  std::partial_sort(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(lines), rows.end(),
                    [](const Row& a, const Row& b) { return a.second.sum() > b.second.sum(); });
  auto write = [this](std::string_view client, const Counts& counts) {
    log::info(event_, {{"client", client},
                       {"count", counts.sum()},
                       {"status_401", counts.of[0]},
                       {"status_403", counts.of[1]},
                       {"status_429", counts.of[2]}});
  };
  for (std::size_t i = 0; i < lines; ++i) write(rows[i].first, rows[i].second);
  for (std::size_t i = lines; i < rows.size(); ++i) others.add(rows[i].second);
  if (others.sum() > 0) write("others", others);
}

}  // namespace mas::http
