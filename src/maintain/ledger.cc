#include "mas/maintain/ledger.h"

#include <algorithm>
#include <string>
#include <utility>

namespace mas::maintain {

Ledger::Ledger(observe::Metrics& metrics)
    : metrics_(metrics),
      survives_(metrics.gauge("mas_ledger_survives",
                              "Shards the worst stripe may lose and still be read; below 0 it "
                              "cannot be read.")),
      unexplained_shards_(metrics.gauge("mas_unexplained_shards",
                                        "Shards that nothing refers to and that were never "
                                        "freed.")),
      orphaned_manifests_(metrics.gauge("mas_orphaned_manifests",
                                        "Manifests that no record goes by and that were never "
                                        "freed.")) {}

void Ledger::publish(LedgerPicture picture) {
  std::lock_guard lock(mutex_);
  for (const LedgerRow& row : picture.rows) most_lost_ = std::max(most_lost_, row.lost);
  for (int lost = 0; lost <= most_lost_; ++lost) {
    double stripes = 0;
    for (const LedgerRow& row : picture.rows) {
      if (row.lost == lost) stripes = static_cast<double>(row.stripes);
    }
    metrics_
        .gauge("mas_ledger_stripes", "Stripes by number of lost shards.",
               {{"lost", std::to_string(lost)}})
        .set(stripes);
  }
  survives_.set(picture.survives.value_or(0));
  picture_ = std::move(picture);
}

void Ledger::publish(const Walked& walked) {
  std::lock_guard lock(mutex_);
  walked_ = walked;
}

void Ledger::publish(const Unexplained& unexplained) {
  std::lock_guard lock(mutex_);
  unexplained_shards_.set(static_cast<double>(unexplained.shards));
  orphaned_manifests_.set(static_cast<double>(unexplained.manifests));
  unexplained_ = unexplained;
}

void Ledger::publish(const Removed& removed) {
  std::lock_guard lock(mutex_);
  removed_ = removed;
}

void Ledger::publish(const Searched& searched) {
  std::lock_guard lock(mutex_);
  searched_ = searched;
}

LedgerPicture Ledger::picture() const {
  std::lock_guard lock(mutex_);
  return picture_;
}

Walked Ledger::walked() const {
  std::lock_guard lock(mutex_);
  return walked_;
}

Unexplained Ledger::unexplained() const {
  std::lock_guard lock(mutex_);
  return unexplained_;
}

Removed Ledger::removed() const {
  std::lock_guard lock(mutex_);
  return removed_;
}

Searched Ledger::searched() const {
  std::lock_guard lock(mutex_);
  return searched_;
}

}  // namespace mas::maintain
