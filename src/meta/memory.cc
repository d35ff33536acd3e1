#include "mas/meta/memory.h"

#include <mutex>
#include <utility>

#include "meta/operations.h"

namespace mas::meta {
namespace {

class MapReader final : public Reader {
 public:
  Result<std::optional<std::string>> get(std::string_view key) const override {
    auto it = map_.find(key);
    if (it == map_.end()) return std::optional<std::string>();
    return std::optional<std::string>(it->second);
  }
  Result<void> scan(std::string_view from, std::string_view to, const Visit& visit) const override {
    for (auto it = map_.lower_bound(from); it != map_.end() && it->first < to; ++it) {
      MAS_TRY(bool go_on, visit(it->first, it->second));
      if (!go_on) break;
    }
    return {};
  }
  void apply(const Transaction::Changes& changes) {
    for (const auto& [key, value] : changes) {
      if (value) {
        map_[key] = *value;
      } else {
        map_.erase(key);
      }
    }
  }

 private:
  std::map<std::string, std::string, std::less<>> map_;
};

class MemoryMeta final : public MetaStore {
 public:
  Task<Result<std::optional<Object>>> find(Hash hash) override {
    co_return read([&](const Reader& db) { return ops::find(db, hash); });
  }
  Task<Result<CommitResult>> commit(Object object, std::uint64_t expected,
                                    std::optional<Id128> from) override {
    co_return write([&](Transaction& tx) { return ops::commit(tx, object, expected, from); });
  }
  Task<Result<Object>> condemn(Hash hash, std::uint64_t generation, std::uint64_t deletion,
                               std::int64_t now) override {
    co_return write(
        [&](Transaction& tx) { return ops::condemn(tx, hash, generation, deletion, now); });
  }
  Task<Result<void>> set_damaged(Hash hash, std::uint64_t generation, bool damaged) override {
    co_return write(
        [&](Transaction& tx) { return ops::set_damaged(tx, hash, generation, damaged); });
  }
  Task<Result<void>> release(Hash hash, std::uint64_t generation, std::int64_t now) override {
    co_return write([&](Transaction& tx) { return ops::release(tx, hash, generation, now); });
  }
  Task<Result<void>> erase(Hash hash, std::uint64_t generation, std::int64_t now) override {
    co_return write([&](Transaction& tx) { return ops::erase(tx, hash, generation, now); });
  }
  Task<Result<Object>> restore(Object object, std::int64_t now) override {
    co_return write([&](Transaction& tx) { return ops::restore(tx, object, now); });
  }
  Task<Result<ObjectPage>> list(ListQuery query) override {
    co_return read([&](const Reader& db) { return ops::list(db, query); });
  }
  Task<Result<std::vector<Object>>> condemned(std::int64_t before, std::uint32_t limit) override {
    co_return read([&](const Reader& db) { return ops::condemned(db, before, limit); });
  }
  Task<Result<std::vector<Object>>> released(std::uint64_t before, std::uint32_t limit) override {
    co_return read([&](const Reader& db) { return ops::released(db, before, limit); });
  }
  Task<Result<std::vector<RecordVersion>>> versions(std::vector<Hash> hashes) override {
    co_return read([&](const Reader& db) { return ops::versions(db, hashes); });
  }

  Task<Result<void>> free(std::vector<Extent> extents, std::int64_t now) override {
    co_return write([&](Transaction& tx) { return ops::free(tx, extents, now); });
  }
  Task<Result<void>> free_manifests(std::vector<ManifestRange> manifests,
                                    std::int64_t now) override {
    co_return write([&](Transaction& tx) { return ops::free_manifests(tx, manifests, now); });
  }
  Task<Result<std::vector<bool>>> referenced(std::vector<Id128> extents) override {
    co_return read([&](const Reader& db) { return ops::referenced(db, extents); });
  }
  Task<Result<std::vector<FreedEntry>>> freed(std::uint64_t after, std::uint32_t limit) override {
    co_return read([&](const Reader& db) { return ops::freed(db, after, limit); });
  }
  Task<Result<void>> collected(std::string slot, std::uint64_t past,
                               std::vector<std::string> slots) override {
    co_return write([&](Transaction& tx) { return ops::collected(tx, slot, past, slots); });
  }

  Task<Result<Upload>> open(Upload upload) override {
    co_return write([&](Transaction& tx) { return ops::open(tx, upload); });
  }
  Task<Result<std::optional<Upload>>> find_upload(Id128 id) override {
    co_return read([&](const Reader& db) { return ops::find_upload(db, id); });
  }
  Task<Result<std::optional<Upload>>> find_session(Hash hash, std::string session) override {
    co_return read([&](const Reader& db) { return ops::find_session(db, hash, session); });
  }
  Task<Result<void>> register_extent(Id128 upload, Extent extent) override {
    co_return write([&](Transaction& tx) { return ops::register_extent(tx, upload, extent); });
  }
  Task<Result<PutPartResult>> put_part(Id128 upload, Part part, std::int64_t expires,
                                       std::uint64_t max_total, std::int64_t now,
                                       std::vector<Extent> lost) override {
    co_return write([&](Transaction& tx) {
      return ops::put_part(tx, upload, part, expires, max_total, now, lost);
    });
  }
  Task<Result<void>> progress(Id128 upload, Id128 extent, std::uint64_t durable) override {
    co_return write([&](Transaction& tx) { return ops::progress(tx, upload, extent, durable); });
  }
  Task<Result<void>> drop_parts(Id128 upload, std::vector<Part> parts, std::int64_t now) override {
    co_return write([&](Transaction& tx) { return ops::drop_parts(tx, upload, parts, now); });
  }
  Task<Result<void>> discard(Id128 upload, std::vector<Extent> extents, std::int64_t now) override {
    co_return write([&](Transaction& tx) { return ops::discard(tx, upload, extents, now); });
  }
  Task<Result<std::vector<Part>>> parts(Id128 upload, std::uint32_t after,
                                        std::uint32_t limit) override {
    co_return read([&](const Reader& db) { return ops::parts(db, upload, after, limit); });
  }
  Task<Result<bool>> advance_hash(Id128 upload, HashRun expected, HashRun next,
                                  std::vector<Extent> extents) override {
    co_return write(
        [&](Transaction& tx) { return ops::advance_hash(tx, upload, expected, next, extents); });
  }
  Task<Result<void>> touch(Id128 upload, std::int64_t expires) override {
    co_return write([&](Transaction& tx) { return ops::touch(tx, upload, expires); });
  }
  Task<Result<Upload>> seal(Id128 upload, std::uint32_t part_count) override {
    co_return write([&](Transaction& tx) { return ops::seal(tx, upload, part_count); });
  }
  Task<Result<void>> reopen(Id128 upload) override {
    co_return write([&](Transaction& tx) { return ops::reopen(tx, upload); });
  }
  Task<Result<void>> close(Id128 upload, bool even_sealed, std::int64_t now) override {
    co_return write([&](Transaction& tx) { return ops::close(tx, upload, even_sealed, now); });
  }
  Task<Result<bool>> expire(Id128 upload, std::uint64_t touches, std::int64_t now) override {
    co_return write([&](Transaction& tx) { return ops::expire(tx, upload, touches, now); });
  }
  Task<Result<std::vector<Upload>>> sealed(std::uint32_t limit) override {
    co_return read([&](const Reader& db) { return ops::sealed(db, limit); });
  }
  Task<Result<std::vector<Upload>>> uploads(std::optional<Id128> after,
                                            std::uint32_t limit) override {
    co_return read([&](const Reader& db) { return ops::uploads(db, after, limit); });
  }

  Task<Result<std::optional<layout::Layout>>> current_layout() override {
    co_return read([&](const Reader& db) { return ops::current_layout(db); });
  }
  Task<Result<void>> propose_layout(std::uint64_t expected, layout::Layout next) override {
    co_return write([&](Transaction& tx) { return ops::propose_layout(tx, expected, next); });
  }
  Task<Result<void>> acknowledge_layout(std::string member, std::uint64_t version) override {
    co_return write([&](Transaction& tx) { return ops::acknowledge_layout(tx, member, version); });
  }
  Task<Result<std::vector<LayoutAck>>> layout_acknowledgements() override {
    co_return read([](const Reader& db) { return ops::layout_acknowledgements(db); });
  }
  Task<Result<std::uint64_t>> next_generation_after(std::uint64_t known,
                                                    std::uint32_t count) override {
    co_return write([&](Transaction& tx) {
      return ops::take_numbers(tx, ops::kGenerationCounter, known, count);
    });
  }

  Task<Result<void>> ping() override {
    co_return read([](const Reader&) { return Result<void>(); });
  }
  Task<void> close_store() override {
    std::lock_guard lock(mutex_);
    closed_ = true;
    co_return;
  }

 private:
  static Error closed() {
    return Error(Code::metadata_unavailable, "The metadata store is closed; try again shortly.");
  }

  // `f` is an ops function's call; no coroutine, so its lambda may capture.
  template <class F>
  std::invoke_result_t<F, const Reader&> read(F f) {
    std::lock_guard lock(mutex_);
    if (closed_) return closed();
    return f(map_);
  }
  template <class F>
  std::invoke_result_t<F, Transaction&> write(F f) {
    std::lock_guard lock(mutex_);
    if (closed_) return closed();
    Transaction tx = Transaction::on(map_);
    auto result = f(tx);
    if (result.has_value()) map_.apply(tx.changes());
    return result;
  }

  std::mutex mutex_;
  MapReader map_;
  bool closed_ = false;
};

}  // namespace

std::unique_ptr<MetaStore> make_memory_meta() { return std::make_unique<MemoryMeta>(); }

}  // namespace mas::meta
