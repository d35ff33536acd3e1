// What other pods are served of this pod's store: all of it, or shards only once this pod has left
// the layout. Then nothing is put, removed or quarantined for them, and nothing is told of
// manifests, as they know nothing of later deletions.
#pragma once

#include "mas/membership/cluster_view.h"
#include "mas/store/store.h"

namespace mas::app {

class ServedStore final : public store::Store {
 public:
  // Both outlive it.
  ServedStore(store::Store& inner, const membership::ViewBoard& board)
      : inner_(inner), board_(board) {}

  Task<Result<void>> put(RecordKey key, std::vector<Slice> pieces) override;
  Task<Result<void>> remove(std::vector<RecordKey> keys) override;
  Task<Result<Slice>> read(RecordKey key, std::uint64_t offset, std::uint32_t length) override;
  Task<Result<store::RecordInfo>> stat(RecordKey key) override;
  Task<Result<std::vector<store::RecordInfo>>> list(std::optional<RecordKey> after,
                                                    std::size_t limit) override;
  Task<Result<void>> quarantine(RecordKey key, std::uint64_t version) override;
  Task<Result<store::ScrubStep>> scrub(std::optional<RecordKey> from,
                                       std::uint64_t max_bytes) override;
  Task<Result<bool>> compact_one() override;
  [[nodiscard]] store::Usage usage() const override { return inner_.usage(); }
  [[nodiscard]] Id128 incarnation() const override { return inner_.incarnation(); }
  // The inner one is closed by whoever opened it.
  Task<Result<void>> close() override;

 private:
  // Why it may not be changed; fine where it may.
  [[nodiscard]] Result<void> may_change() const;
  [[nodiscard]] bool is_hidden(const RecordKey& key) const;

  store::Store& inner_;
  const membership::ViewBoard& board_;
};

}  // namespace mas::app
