// Bugs of a pod: its store, what it answers to others, what it takes for stored, what it collects.
#include <map>
#include <set>

#include "sim/bugs.h"
#include "sim/forwarding_store.h"
#include "sim/life.h"

namespace mas::sim {
namespace {

// Removes in memory only.
class ForgetfulStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;

  Task<Result<void>> put(RecordKey key, std::vector<Slice> pieces) override {
    removed_.erase(key);
    return inner_->put(key, std::move(pieces));
  }
  Task<Result<void>> remove(std::vector<RecordKey> keys) override {
    removed_.insert(keys.begin(), keys.end());
    co_return Result<void>();
  }
  Task<Result<Slice>> read(RecordKey key, std::uint64_t offset, std::uint32_t length) override {
    if (removed_.contains(key)) co_return Error(Code::not_found, "removed");
    co_return co_await inner_->read(key, offset, length);
  }
  Task<Result<store::RecordInfo>> stat(RecordKey key) override {
    if (removed_.contains(key)) co_return Error(Code::not_found, "removed");
    co_return co_await inner_->stat(key);
  }
  Task<Result<std::vector<store::RecordInfo>>> list(std::optional<RecordKey> after,
                                                    std::size_t limit) override {
    MAS_CO_TRY(auto page, co_await inner_->list(after, limit + removed_.size()));
    std::erase_if(page, [this](const auto& record) { return removed_.contains(record.key); });
    if (page.size() > limit) page.resize(limit);
    co_return page;
  }

 private:
  std::set<RecordKey> removed_;
};

// Removes shards, and leaves manifests.
class HalfCleanStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  Task<Result<void>> remove(std::vector<RecordKey> keys) override {
    std::erase_if(keys, [](const RecordKey& key) { return key.kind == RecordKind::manifest; });
    return inner_->remove(std::move(keys));
  }
};

// Its scrub says that all is well, and has not looked.
class BlindStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  Task<Result<store::ScrubStep>> scrub(std::optional<RecordKey>, std::uint64_t) override {
    co_return store::ScrubStep{};
  }
};

// Calls that go on to `inner_`, for others to change put().
class Forwarding : public peer::PeerTransport {
 public:
  explicit Forwarding(std::unique_ptr<peer::PeerTransport> inner) : inner_(std::move(inner)) {}
  Task<Result<Slice>> read(layout::MemberIndex member, RecordKey key, std::uint64_t offset,
                           std::uint32_t length) override {
    return inner_->read(member, key, offset, length);
  }
  Task<Result<std::vector<bool>>> have(layout::MemberIndex member,
                                       std::vector<RecordKey> keys) override {
    return inner_->have(member, std::move(keys));
  }
  Task<Result<void>> quarantine(layout::MemberIndex member, RecordKey key) override {
    return inner_->quarantine(member, key);
  }
  Task<Result<peer::CarriedPage>> carried(layout::MemberIndex member,
                                          std::optional<RecordKey> after) override {
    return inner_->carried(member, after);
  }

 protected:
  std::unique_ptr<peer::PeerTransport> inner_;
};

class HastyServer final : public Forwarding {
 public:
  HastyServer(Life& life, std::unique_ptr<peer::PeerTransport> inner)
      : Forwarding(std::move(inner)), life_(life) {}
  Task<Result<void>> put(layout::MemberIndex member, std::uint64_t layout_version, RecordKey key,
                         std::vector<Slice> pieces) override {
    spawn(life_.executor(), life_.serving(),
          later(inner_->put(member, layout_version, key, std::move(pieces))), "late put");
    co_return Result<void>();
  }

 private:
  static Task<void> later(Task<Result<void>> put) { (void)co_await std::move(put); }
  Life& life_;
};

class BoastfulServer final : public Forwarding {
 public:
  using Forwarding::Forwarding;
  Task<Result<void>> put(layout::MemberIndex member, std::uint64_t layout_version, RecordKey key,
                         std::vector<Slice> pieces) override {
    return inner_->put(member, layout_version, key, std::move(pieces));
  }
  Task<Result<std::vector<bool>>> have(layout::MemberIndex, std::vector<RecordKey> keys) override {
    co_return std::vector<bool>(keys.size(), true);
  }
};

class HopefulClient final : public Forwarding {
 public:
  using Forwarding::Forwarding;
  Task<Result<void>> put(layout::MemberIndex member, std::uint64_t layout_version, RecordKey key,
                         std::vector<Slice> pieces) override {
    (void)co_await inner_->put(member, layout_version, key, std::move(pieces));
    co_return Result<void>();
  }
};

// Who once had a shard has it for ever.
class TrustingClient final : public Forwarding {
 public:
  using Forwarding::Forwarding;
  Task<Result<void>> put(layout::MemberIndex member, std::uint64_t layout_version, RecordKey key,
                         std::vector<Slice> pieces) override {
    Result<void> done = co_await inner_->put(member, layout_version, key, std::move(pieces));
    if (done.has_value()) seen_.insert(key);
    co_return done;
  }
  Task<Result<std::vector<bool>>> have(layout::MemberIndex member,
                                       std::vector<RecordKey> keys) override {
    MAS_CO_TRY(auto held, co_await inner_->have(member, keys));
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (held[i]) seen_.insert(keys[i]);
      held[i] = seen_.contains(keys[i]);
    }
    co_return held;
  }

 private:
  std::set<RecordKey> seen_;
};

// Ends every upload whose time is over by the wall clock of its pod.
class HastyExpiry final : public maintain::Worker {
 public:
  explicit HastyExpiry(const maintain::Dependencies& deps) : deps_(deps) {}
  [[nodiscard]] std::string name() const override { return "hasty-expiry"; }
  void describe(maintain::WorkerStatus& /*status*/) const override {}

  Task<Result<Duration>> step() override {
    const std::int64_t now = deps_.clock.wall().unix_seconds();
    MAS_CO_TRY(auto uploads, co_await deps_.meta.uploads(std::nullopt, 1000));
    for (const meta::Upload& upload : uploads) {
      if (upload.expires >= now) continue;
      (void)co_await deps_.meta.close(upload.id, false, now);
    }
    co_return Duration(std::chrono::seconds(10));
  }

 private:
  maintain::Dependencies deps_;
};

// Asks once whether an object refers to a shard's extent, when it first sees it.
class AgeCollector final : public maintain::Worker {
 public:
  explicit AgeCollector(const maintain::Dependencies& deps) : deps_(deps) {}
  [[nodiscard]] std::string name() const override { return "age-collect"; }
  void describe(maintain::WorkerStatus& /*status*/) const override {}

  Task<Result<Duration>> step() override {
    constexpr Duration kOld = std::chrono::seconds(3);
    MAS_CO_TRY(auto records, co_await deps_.store.list(std::nullopt, 100'000));
    std::vector<RecordKey> old;
    for (const store::RecordInfo& record : records) {
      if (record.key.kind != RecordKind::shard) continue;
      const Id128 extent = record.key.extent();
      if (!seen_.contains(extent)) {
        std::vector<Id128> asked{extent};
        MAS_CO_TRY(auto referenced, co_await deps_.meta.referenced(std::move(asked)));
        seen_[extent] = {deps_.clock.now(), referenced.front()};
      }
      const auto& [first, referenced] = seen_[extent];
      if (!referenced && deps_.clock.now() - first > kOld) old.push_back(record.key);
    }
    MAS_CO_CHECK(co_await deps_.store.remove(std::move(old)));
    co_return Duration(std::chrono::seconds(1));
  }

 private:
  maintain::Dependencies deps_;
  std::map<Id128, std::pair<Instant, bool>> seen_;
};

}  // namespace

std::unique_ptr<store::Store> plant(Bug bug, std::unique_ptr<store::Store> store) {
  if (bug == Bug::tombstones_forgotten) return std::make_unique<ForgetfulStore>(std::move(store));
  if (bug == Bug::manifests_left) return std::make_unique<HalfCleanStore>(std::move(store));
  if (bug == Bug::scrub_blind) return std::make_unique<BlindStore>(std::move(store));
  return store;
}

std::unique_ptr<peer::PeerTransport> plant_in_server(
    Bug bug, Life& life, std::unique_ptr<peer::PeerTransport> transport) {
  if (bug == Bug::everything_held) return std::make_unique<BoastfulServer>(std::move(transport));
  if (bug != Bug::shard_answered_before_durable) return transport;
  return std::make_unique<HastyServer>(life, std::move(transport));
}

std::unique_ptr<peer::PeerTransport> plant_in_client(
    Bug bug, std::unique_ptr<peer::PeerTransport> transport) {
  if (bug == Bug::presence_remembered) {
    return std::make_unique<TrustingClient>(std::move(transport));
  }
  if (bug != Bug::missing_shards_counted) return transport;
  return std::make_unique<HopefulClient>(std::move(transport));
}

std::unique_ptr<maintain::Worker> planted_worker(Bug bug, maintain::Dependencies deps) {
  if (bug == Bug::expiry_by_wall_clock) return std::make_unique<HastyExpiry>(deps);
  if (bug != Bug::collection_by_age) return nullptr;
  return std::make_unique<AgeCollector>(deps);
}

}  // namespace mas::sim
