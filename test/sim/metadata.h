// Metadata: the cluster's metadata store, which can be lost or come back from a backup, and whoever
// has it rebuilt then.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "sim/life.h"
#include "support/meta_calls.h"

namespace mas::sim {

class Cluster;
class Pod;

// The store itself, behind which another one can be put.
class ReplaceableMeta final : public test::MetaCalls<ReplaceableMeta> {
 public:
  explicit ReplaceableMeta(std::unique_ptr<meta::MetaStore> first);

  template <class T>
  Task<Result<T>> run(Task<Result<T>> call) {
    return call;
  }
  [[nodiscard]] meta::MetaStore& present() noexcept { return *inner_; }
  void replace(std::unique_ptr<meta::MetaStore> next);

 private:
  // Those before the last one stay: calls that were made to them may still begin.
  std::vector<std::unique_ptr<meta::MetaStore>> stores_;
};

// What pods ask: some calls stand still before they are looked at, for longer than many others
// take. Those that say what a hash has come to more often than others: what changes meanwhile is
// what they must notice.
class StallingMeta final : public test::MetaCalls<StallingMeta> {
 public:
  StallingMeta(meta::MetaStore& inner, Life& life)
      : MetaCalls(inner), life_(life), rand_(life.world().rand().fork()) {}

  template <class T>
  Task<Result<T>> run(Task<Result<T>> call) {
    const bool stalls = stalls_ && rand_.chance(0.02);
    if (!stalls) return call;
    return after(rand_.between(Duration(0), kLongest), std::move(call));
  }
  Task<Result<bool>> advance_hash(Id128 upload, meta::HashRun expected, meta::HashRun next,
                                  std::vector<meta::Extent> extents) override {
    Task<Result<bool>> call =
        inner_->advance_hash(upload, std::move(expected), std::move(next), std::move(extents));
    const bool stalls = stalls_ && rand_.chance(0.4);
    if (!stalls) return call;
    return after(rand_.between(Duration(0), kLongest), std::move(call));
  }
  void set_stalls(bool stalls) { stalls_ = stalls; }

 private:
  static constexpr Duration kLongest = std::chrono::seconds(3);
  template <class T>
  Task<Result<T>> after(Duration d, Task<Result<T>> call) {
    life_.world().count("stalled call");
    co_await life_.pause(d);
    co_return co_await std::move(call);
  }

  Life& life_;
  Rand rand_;
  bool stalls_ = false;
};

// Loses the metadata, and has it rebuilt.
class Restorer {
 public:
  Restorer(World& world, Cluster& cluster, ReplaceableMeta& meta)
      : world_(world), cluster_(cluster), meta_(meta) {}
  ~Restorer() { *there_ = false; }
  Restorer(const Restorer&) = delete;
  Restorer& operator=(const Restorer&) = delete;

  // Told with true when the metadata is not to be trusted any more, with false when it is again.
  void listen(std::function<void(bool)> listener) { listener_ = std::move(listener); }
  // The store is stopped, and comes back empty or, with `from_backup`, as it was when it was
  // stopped less some seconds. Pods are asked to rebuild it until one has. Not twice at once.
  void lose(bool from_backup);
  // From lose() until it is rebuilt.
  [[nodiscard]] bool is_lost() const noexcept { return is_lost_; }
  // The store is down, and comes back by itself.
  [[nodiscard]] bool is_stopped() const noexcept { return is_stopped_; }

 private:
  void forget_ended(meta::MetaStore& backup);
  void come_back(std::unique_ptr<meta::MetaStore> with);
  void ask();
  [[nodiscard]] bool has_ended_well();
  [[nodiscard]] bool is_rebuilt();
  [[nodiscard]] bool sees_everybody(Pod& pod);

  World& world_;
  Cluster& cluster_;
  ReplaceableMeta& meta_;
  std::function<void(bool)> listener_;
  bool is_lost_ = false;
  bool is_stopped_ = false;
  std::size_t asked_ = 0;  // the pod that rebuilds
  Instant again_{};        // not before this, if the last one ended well
  std::shared_ptr<bool> there_ = std::make_shared<bool>(true);
};

}  // namespace mas::sim
