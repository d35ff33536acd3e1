#include "mas/meta/embedded.h"

#include <utility>

#include "mas/meta/embedded_read_only.h"
#include "mas/meta/reads_only.h"
#include "mas/observe/log.h"
#include "meta/call.h"
#include "meta/embedded_db.h"
#include "meta/generations.h"
#include "meta/operations.h"
#include "meta/pool_call.h"
#include "meta/rocks_reader.h"
#include "meta/write_queue.h"

namespace mas::meta {
namespace {

class EmbeddedMeta final : public MetaStore, public ReadsOnly {
 public:
  EmbeddedMeta(const config::Meta& options, EmbeddedDb opened, Pool& driver, Clock& clock,
               observe::Metrics& metrics)
      : opened_(std::move(opened)),
        driver_(driver),
        waiting_{clock, options.deadline, {}},
        writes_(opened_, driver, options.queue, metrics) {}

  Task<Result<std::optional<Object>>> find(Hash hash) override {
    auto op = [hash](const Reader& db) { return ops::find(db, hash); };
    return read<Result<std::optional<Object>>>(std::move(op));
  }
  Task<Result<CommitResult>> commit(Object object, std::uint64_t expected,
                                    std::optional<Id128> from) override {
    auto op = [object = std::move(object), expected, from](Transaction& tx) {
      return ops::commit(tx, object, expected, from);
    };
    return write<Result<CommitResult>>(std::move(op));
  }
  Task<Result<Object>> condemn(Hash hash, std::uint64_t generation, std::uint64_t deletion,
                               std::int64_t now) override {
    auto op = [hash, generation, deletion, now](Transaction& tx) {
      return ops::condemn(tx, hash, generation, deletion, now);
    };
    return write<Result<Object>>(std::move(op));
  }
  Task<Result<void>> set_damaged(Hash hash, std::uint64_t generation, bool damaged) override {
    auto op = [hash, generation, damaged](Transaction& tx) {
      return ops::set_damaged(tx, hash, generation, damaged);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<void>> release(Hash hash, std::uint64_t generation, std::int64_t now) override {
    auto op = [hash, generation, now](Transaction& tx) {
      return ops::release(tx, hash, generation, now);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<void>> erase(Hash hash, std::uint64_t generation, std::int64_t now) override {
    auto op = [hash, generation, now](Transaction& tx) {
      return ops::erase(tx, hash, generation, now);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<Object>> restore(Object object, std::int64_t now) override {
    auto op = [object = std::move(object), now](Transaction& tx) {
      return ops::restore(tx, object, now);
    };
    return write<Result<Object>>(std::move(op));
  }
  Task<Result<ObjectPage>> list(ListQuery query) override {
    auto op = [query = std::move(query)](const Reader& db) { return ops::list(db, query); };
    return scan<Result<ObjectPage>>(std::move(op));
  }
  Task<Result<std::vector<Object>>> condemned(std::int64_t before, std::uint32_t limit) override {
    auto op = [before, limit](const Reader& db) { return ops::condemned(db, before, limit); };
    return scan<Result<std::vector<Object>>>(std::move(op));
  }
  Task<Result<std::vector<Object>>> released(std::uint64_t before, std::uint32_t limit) override {
    auto op = [before, limit](const Reader& db) { return ops::released(db, before, limit); };
    return scan<Result<std::vector<Object>>>(std::move(op));
  }
  Task<Result<std::vector<RecordVersion>>> versions(std::vector<Hash> hashes) override {
    auto op = [hashes = std::move(hashes)](const Reader& db) { return ops::versions(db, hashes); };
    return scan<Result<std::vector<RecordVersion>>>(std::move(op));
  }
  Task<Result<void>> free(std::vector<Extent> extents, std::int64_t now) override {
    auto op = [extents = std::move(extents), now](Transaction& tx) {
      return ops::free(tx, extents, now);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<void>> free_manifests(std::vector<ManifestRange> manifests,
                                    std::int64_t now) override {
    auto op = [manifests = std::move(manifests), now](Transaction& tx) {
      return ops::free_manifests(tx, manifests, now);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<std::vector<bool>>> referenced(std::vector<Id128> extents) override {
    auto op = [extents = std::move(extents)](const Reader& db) {
      return ops::referenced(db, extents);
    };
    return scan<Result<std::vector<bool>>>(std::move(op));
  }
  Task<Result<std::vector<FreedEntry>>> freed(std::uint64_t after, std::uint32_t limit) override {
    auto op = [after, limit](const Reader& db) { return ops::freed(db, after, limit); };
    return scan<Result<std::vector<FreedEntry>>>(std::move(op));
  }
  Task<Result<void>> collected(std::string slot, std::uint64_t past,
                               std::vector<std::string> slots) override {
    auto op = [slot = std::move(slot), past, slots = std::move(slots)](Transaction& tx) {
      return ops::collected(tx, slot, past, slots);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<Upload>> open(Upload upload) override {
    auto op = [upload = std::move(upload)](Transaction& tx) { return ops::open(tx, upload); };
    return write<Result<Upload>>(std::move(op));
  }
  Task<Result<std::optional<Upload>>> find_upload(Id128 id) override {
    auto op = [id](const Reader& db) { return ops::find_upload(db, id); };
    return read<Result<std::optional<Upload>>>(std::move(op));
  }
  Task<Result<std::optional<Upload>>> find_session(Hash hash, std::string session) override {
    auto op = [hash, session = std::move(session)](const Reader& db) {
      return ops::find_session(db, hash, session);
    };
    return read<Result<std::optional<Upload>>>(std::move(op));
  }
  Task<Result<void>> register_extent(Id128 upload, Extent extent) override {
    auto op = [upload, extent](Transaction& tx) {
      return ops::register_extent(tx, upload, extent);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<PutPartResult>> put_part(Id128 upload, Part part, std::int64_t expires,
                                       std::uint64_t max_total, std::int64_t now,
                                       std::vector<Extent> lost) override {
    auto op = [upload, part = std::move(part), expires, max_total, now,
               lost = std::move(lost)](Transaction& tx) {
      return ops::put_part(tx, upload, part, expires, max_total, now, lost);
    };
    return write<Result<PutPartResult>>(std::move(op));
  }
  Task<Result<void>> progress(Id128 upload, Id128 extent, std::uint64_t durable) override {
    auto op = [upload, extent, durable](Transaction& tx) {
      return ops::progress(tx, upload, extent, durable);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<void>> drop_parts(Id128 upload, std::vector<Part> parts, std::int64_t now) override {
    auto op = [upload, parts = std::move(parts), now](Transaction& tx) {
      return ops::drop_parts(tx, upload, parts, now);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<void>> discard(Id128 upload, std::vector<Extent> extents, std::int64_t now) override {
    auto op = [upload, extents = std::move(extents), now](Transaction& tx) {
      return ops::discard(tx, upload, extents, now);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<std::vector<Part>>> parts(Id128 upload, std::uint32_t after,
                                        std::uint32_t limit) override {
    auto op = [upload, after, limit](const Reader& db) {
      return ops::parts(db, upload, after, limit);
    };
    return scan<Result<std::vector<Part>>>(std::move(op));
  }
  Task<Result<bool>> advance_hash(Id128 upload, HashRun expected, HashRun next,
                                  std::vector<Extent> extents) override {
    auto op = [upload, expected = std::move(expected), next = std::move(next),
               extents = std::move(extents)](Transaction& tx) {
      return ops::advance_hash(tx, upload, expected, next, extents);
    };
    return write<Result<bool>>(std::move(op));
  }
  Task<Result<void>> touch(Id128 upload, std::int64_t expires) override {
    auto op = [upload, expires](Transaction& tx) { return ops::touch(tx, upload, expires); };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<Upload>> seal(Id128 upload, std::uint32_t part_count) override {
    auto op = [upload, part_count](Transaction& tx) { return ops::seal(tx, upload, part_count); };
    return write<Result<Upload>>(std::move(op));
  }
  Task<Result<void>> reopen(Id128 upload) override {
    auto op = [upload](Transaction& tx) { return ops::reopen(tx, upload); };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<void>> close(Id128 upload, bool even_sealed, std::int64_t now) override {
    auto op = [upload, even_sealed, now](Transaction& tx) {
      return ops::close(tx, upload, even_sealed, now);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<bool>> expire(Id128 upload, std::uint64_t touches, std::int64_t now) override {
    auto op = [upload, touches, now](Transaction& tx) {
      return ops::expire(tx, upload, touches, now);
    };
    return write<Result<bool>>(std::move(op));
  }
  Task<Result<std::vector<Upload>>> sealed(std::uint32_t limit) override {
    auto op = [limit](const Reader& db) { return ops::sealed(db, limit); };
    return scan<Result<std::vector<Upload>>>(std::move(op));
  }
  Task<Result<std::vector<Upload>>> uploads(std::optional<Id128> after,
                                            std::uint32_t limit) override {
    auto op = [after, limit](const Reader& db) { return ops::uploads(db, after, limit); };
    return scan<Result<std::vector<Upload>>>(std::move(op));
  }
  Task<Result<std::optional<layout::Layout>>> current_layout() override {
    auto op = [](const Reader& db) { return ops::current_layout(db); };
    return read<Result<std::optional<layout::Layout>>>(std::move(op));
  }
  Task<Result<void>> propose_layout(std::uint64_t expected, layout::Layout next) override {
    auto op = [expected, next = std::move(next)](Transaction& tx) {
      return ops::propose_layout(tx, expected, next);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<void>> acknowledge_layout(std::string member, std::uint64_t version) override {
    auto op = [member = std::move(member), version](Transaction& tx) {
      return ops::acknowledge_layout(tx, member, version);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<std::vector<LayoutAck>>> layout_acknowledgements() override {
    auto op = [](const Reader& db) { return ops::layout_acknowledgements(db); };
    return scan<Result<std::vector<LayoutAck>>>(std::move(op));
  }

  Task<Result<std::uint64_t>> next_generation_after(std::uint64_t known,
                                                    std::uint32_t count) override {
    if (count == 0) {
      co_return Error(Code::invalid_argument, "Numbers are taken one or more at a time.");
    }
    if (auto ready = generations_.take(known, count)) co_return *ready;
    std::uint64_t block = GenerationBlock::kReserve + count;
    auto op = [known, block](Transaction& tx) {
      return ops::take_numbers(tx, ops::kGenerationCounter, known, block);
    };
    auto reserve = write<Result<std::uint64_t>>(std::move(op));
    MAS_CO_TRY(std::uint64_t first, co_await std::move(reserve));
    co_return generations_.install(first, block, count);
  }

  Task<Result<void>> ping() override { co_return writes_.health(); }

  [[nodiscard]] bool reads_only() const override { return writes_.last_durable() != nullptr; }
  Task<Result<std::optional<Object>>> find_durable(Hash hash) override {
    auto op = [hash](const Reader& db) { return ops::find(db, hash); };
    return durable<Result<std::optional<Object>>>(std::move(op));
  }
  Task<Result<ObjectPage>> list_durable(ListQuery query) override {
    auto op = [query = std::move(query)](const Reader& db) { return ops::list(db, query); };
    return durable<Result<ObjectPage>>(std::move(op));
  }

  Task<void> close_store() override {
    co_await callers_.close();
    co_await waiting_.gate.close();
    // What callers left behind at their deadlines.
    co_await writes_.close();
    co_await reads_.close();
  }

 private:
  static Error closed() {
    return Error(Code::metadata_unavailable, "The metadata store is closed; try again shortly.");
  }

  // `op` is an ops call with its arguments: it may outlive the caller, up to the end of the queue.
  template <class R, class F>
  Task<R> write(F op) {
    auto pass = callers_.try_enter();
    if (!pass) co_return closed();
    auto call = std::make_shared<WriteCall<R, F>>(std::move(op));
    MAS_CO_CHECK(writes_.push(call));
    auto answer = Call<R>::wait(std::move(call), waiting_);
    co_return co_await std::move(answer);
  }

  // Look-ups of a few keys: mostly in memory, so tried here first.
  template <class R, class F>
  Task<R> read(F op) {
    {
      auto pass = callers_.try_enter();
      if (!pass) co_return closed();
      // A write whose sync failed may come back with the next start: until then nobody can say
      // what is stored, and an answer that somebody acts on would be a guess.
      MAS_CO_CHECK(writes_.health());
      RocksReader cached(*opened_.db, RocksReader::Reach::cache);
      R answer = op(cached);
      if (!cached.needs_disk()) co_return answer;
    }
    auto rest = scan<R>(std::move(op));
    co_return co_await std::move(rest);
  }

  // Whatever may walk many records: on the driver pool.
  template <class R, class F>
  Task<R> scan(F op) {
    auto pass = callers_.try_enter();
    if (!pass) co_return closed();
    MAS_CO_CHECK(writes_.health());
    auto rest = look<R>(std::move(op), nullptr);
    co_return co_await std::move(rest);
  }

  template <class R, class F>
  Task<R> durable(F op) {
    auto pass = callers_.try_enter();
    if (!pass) co_return closed();
    const rocksdb::Snapshot* at = writes_.last_durable();
    if (at == nullptr) {
      co_return Error(Code::metadata_unavailable, "The metadata store has kept no earlier state.");
    }
    auto rest = look<R>(std::move(op), at);
    co_return co_await std::move(rest);
  }

  // Its caller has entered callers_.
  template <class R, class F>
  Task<R> look(F op, const rocksdb::Snapshot* at) {
    auto read = [&db = *opened_.db, op = std::move(op), at]() -> R {
      return op(RocksReader(db, RocksReader::Reach::disk, at));
    };
    using Read = PoolCall<R, decltype(read)>;
    auto call = std::make_shared<Read>(std::move(read));
    auto inside = reads_.try_enter();
    if (!inside) co_return closed();
    if (!Read::submit(call, std::move(*inside), driver_)) {
      co_return Error(Code::busy, "The server has too much queued work; try again shortly.");
    }
    auto answer = Call<R>::wait(std::move(call), waiting_);
    co_return co_await std::move(answer);
  }

  EmbeddedDb opened_;
  Pool& driver_;
  Gate callers_;
  Gate reads_;
  Waiting waiting_;
  WriteQueue writes_;
  GenerationBlock generations_;
};

}  // namespace

ReadsOnly* reads_only(MetaStore& store) {
  auto* kept = dynamic_cast<ReadsOnly*>(&store);
  return kept != nullptr && kept->reads_only() ? kept : nullptr;
}

Result<std::unique_ptr<MetaStore>> open_embedded(const config::Meta& options,
                                                 const std::string& directory, fs::Fs& fs,
                                                 Pool& driver, Clock& clock,
                                                 observe::Metrics& metrics) {
  MAS_TRY(EmbeddedDb opened, open_db(options, directory, fs));
  return std::unique_ptr<MetaStore>(
      std::make_unique<EmbeddedMeta>(options, std::move(opened), driver, clock, metrics));
}

Result<std::unique_ptr<MetaStore>> open_embedded_read_only(const config::Meta& options,
                                                           const std::string& directory, fs::Fs& fs,
                                                           Pool& driver, Clock& clock,
                                                           observe::Metrics& metrics) {
  MAS_TRY(EmbeddedDb opened, open_db_read_only(options, directory, fs));
  return std::unique_ptr<MetaStore>(
      std::make_unique<EmbeddedMeta>(options, std::move(opened), driver, clock, metrics));
}

}  // namespace mas::meta
