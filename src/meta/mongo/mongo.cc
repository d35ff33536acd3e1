#include "mas/meta/mongo.h"

#include <atomic>
#include <utility>

#include "mas/runtime/offload.h"
#include "meta/keys.h"
#include "meta/mongo/ids.h"
#include "meta/mongo/mongo_meta.h"
#include "meta/mongo/queries.h"
#include "meta/mongo/store_base.h"
#include "meta/operations.h"

namespace mas::meta {
namespace mongo {
namespace {

class MongoMeta final : public StoreBase {
 public:
  MongoMeta(const config::Meta& options, Pool& driver, Clock& clock, Rng& rng,
            observe::Metrics& metrics)
      : StoreBase(options, driver, clock, rng, metrics) {}

  // Before the first call. Errors: invalid_argument.
  Result<void> set_up(const config::Meta& options, const config::Mongodb& server, Hook hook) {
    MAS_TRY(documents_, Documents::connect(options, server, breaker_, std::move(hook)));
    intents_ = std::make_unique<Intents>(*documents_, clock_, rng_);
    breaker_.set_probe([this] { return documents_->ping(); });
    return {};
  }

  Task<Result<std::optional<Object>>> find(Hash hash) override {
    auto op = [hash](const Attempt& db) { return ops::find(db, hash); };
    return read<Result<std::optional<Object>>>(std::move(op));
  }
  Task<Result<CommitResult>> commit(Object object, std::uint64_t expected,
                                    std::optional<Id128> from) override {
    auto op = [object = std::move(object), expected, from](
                  Attempt& now, Transaction& tx) -> Result<CommitResult> {
      MAS_CHECK(warm_commit(now, object, expected, from));
      return ops::commit(tx, object, expected, from);
    };
    return write<Result<CommitResult>>(std::move(op));
  }
  Task<Result<Object>> condemn(Hash hash, std::uint64_t generation, std::uint64_t deletion,
                               std::int64_t now) override {
    auto op = [hash, generation, deletion, now](Attempt&, Transaction& tx) {
      return ops::condemn(tx, hash, generation, deletion, now);
    };
    return write<Result<Object>>(std::move(op));
  }
  Task<Result<void>> set_damaged(Hash hash, std::uint64_t generation, bool damaged) override {
    auto op = [hash, generation, damaged](Attempt&, Transaction& tx) {
      return ops::set_damaged(tx, hash, generation, damaged);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<void>> release(Hash hash, std::uint64_t generation, std::int64_t now) override {
    auto op = [hash, generation, now](Attempt& db, Transaction& tx) -> Result<void> {
      MAS_CHECK(warm_release(db, hash));
      return ops::release(tx, hash, generation, now);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<void>> erase(Hash hash, std::uint64_t generation, std::int64_t now) override {
    auto op = [hash, generation, now](Attempt&, Transaction& tx) {
      return ops::erase(tx, hash, generation, now);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<Object>> restore(Object object, std::int64_t now) override {
    auto op = [this, object = std::move(object), now](Attempt& db,
                                                      Transaction& tx) -> Result<Object> {
      MAS_CHECK(warm_restore(*documents_, db, object));
      return ops::restore(tx, object, now);
    };
    return write<Result<Object>>(std::move(op));
  }
  Task<Result<ObjectPage>> list(ListQuery query) override {
    auto op = [query = std::move(query)](const Attempt& db) { return ops::list(db, query); };
    return read<Result<ObjectPage>>(std::move(op));
  }
  Task<Result<std::vector<Object>>> condemned(std::int64_t before, std::uint32_t limit) override {
    auto op = [this, before, limit](Attempt& db) -> Result<std::vector<Object>> {
      MAS_CHECK(intents_->sweep());
      return mongo::condemned(*documents_, db, before, limit);
    };
    return read<Result<std::vector<Object>>>(std::move(op));
  }
  Task<Result<std::vector<Object>>> released(std::uint64_t before, std::uint32_t limit) override {
    auto op = [this, before, limit](Attempt& db) -> Result<std::vector<Object>> {
      MAS_CHECK(intents_->sweep());
      return mongo::released(*documents_, db, before, limit);
    };
    return read<Result<std::vector<Object>>>(std::move(op));
  }
  Task<Result<std::vector<RecordVersion>>> versions(std::vector<Hash> hashes) override {
    auto op = [hashes = std::move(hashes)](const Attempt& db) {
      return mongo::versions(db, hashes);
    };
    return read<Result<std::vector<RecordVersion>>>(std::move(op));
  }
  Task<Result<void>> free(std::vector<Extent> extents, std::int64_t now) override {
    auto op = [extents = std::move(extents), now](Attempt&, Transaction& tx) {
      return ops::free(tx, extents, now);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<void>> free_manifests(std::vector<ManifestRange> manifests,
                                    std::int64_t now) override {
    auto op = [manifests = std::move(manifests), now](Attempt& db,
                                                      Transaction& tx) -> Result<void> {
      MAS_CHECK(warm_manifests(db, manifests));
      return ops::free_manifests(tx, manifests, now);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<std::vector<bool>>> referenced(std::vector<Id128> extents) override {
    auto op = [extents = std::move(extents)](const Attempt& db) -> Result<std::vector<bool>> {
      std::vector<std::string> keys;
      for (const Id128& extent : extents) keys.push_back(keys::owner(extent));
      MAS_CHECK(db.prefetch(keys));
      return ops::referenced(db, extents);
    };
    return read<Result<std::vector<bool>>>(std::move(op));
  }
  Task<Result<std::vector<FreedEntry>>> freed(std::uint64_t after, std::uint32_t limit) override {
    auto op = [this, after, limit](const Attempt& db) -> Result<std::vector<FreedEntry>> {
      MAS_CHECK(intents_->sweep());
      return ops::freed(db, after, limit);
    };
    return read<Result<std::vector<FreedEntry>>>(std::move(op));
  }
  Task<Result<void>> collected(std::string slot, std::uint64_t past,
                               std::vector<std::string> slots) override {
    auto note = [slot = std::move(slot), past, slots = std::move(slots)](Attempt&,
                                                                         Transaction& tx) {
      return ops::note_collected(tx, slot, past, slots);
    };
    auto noted = write<Result<std::uint64_t>>(std::move(note));
    MAS_CO_TRY(std::uint64_t everyone, co_await std::move(noted));
    if (everyone == 0) co_return Result<void>();
    auto drop = [this, everyone]() -> Tried<Result<void>> {
      return drop_collected(*documents_, everyone);
    };
    auto dropped = run<Result<void>>(std::move(drop));
    auto result = co_await std::move(dropped);
    // How far the slot has come is noted in any case.
    if (result.has_error()) co_return result.error().mark_maybe_happened();
    co_return result;
  }
  Task<Result<Upload>> open(Upload upload) override {
    auto op = [upload = std::move(upload)](Attempt&, Transaction& tx) {
      return ops::open(tx, upload);
    };
    return write<Result<Upload>>(std::move(op));
  }
  Task<Result<std::optional<Upload>>> find_upload(Id128 id) override {
    auto op = [id](const Attempt& db) { return ops::find_upload(db, id); };
    return read<Result<std::optional<Upload>>>(std::move(op));
  }
  Task<Result<std::optional<Upload>>> find_session(Hash hash, std::string session) override {
    auto op = [hash, session = std::move(session)](const Attempt& db) {
      return ops::find_session(db, hash, session);
    };
    return read<Result<std::optional<Upload>>>(std::move(op));
  }
  Task<Result<void>> register_extent(Id128 upload, Extent extent) override {
    auto op = [upload, extent](Attempt&, Transaction& tx) {
      return ops::register_extent(tx, upload, extent);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<PutPartResult>> put_part(Id128 upload, Part part, std::int64_t expires,
                                       std::uint64_t max_total, std::int64_t now,
                                       std::vector<Extent> lost) override {
    auto op = [upload, part = std::move(part), expires, max_total, now, lost = std::move(lost)](
                  Attempt&, Transaction& tx) {
      return ops::put_part(tx, upload, part, expires, max_total, now, lost);
    };
    return write<Result<PutPartResult>>(std::move(op));
  }
  Task<Result<void>> progress(Id128 upload, Id128 extent, std::uint64_t durable) override {
    auto op = [upload, extent, durable](Attempt&, Transaction& tx) {
      return ops::progress(tx, upload, extent, durable);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<void>> drop_parts(Id128 upload, std::vector<Part> parts, std::int64_t now) override {
    auto op = [upload, parts = std::move(parts), now](Attempt& db,
                                                      Transaction& tx) -> Result<void> {
      MAS_CHECK(warm_drop(db, upload, parts));
      return ops::drop_parts(tx, upload, parts, now);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<void>> discard(Id128 upload, std::vector<Extent> extents, std::int64_t now) override {
    auto op = [upload, extents = std::move(extents), now](Attempt&, Transaction& tx) {
      return ops::discard(tx, upload, extents, now);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<std::vector<Part>>> parts(Id128 upload, std::uint32_t after,
                                        std::uint32_t limit) override {
    auto op = [upload, after, limit](const Attempt& db) -> Result<std::vector<Part>> {
      // A change of parts that was decided but not carried out yet is found at their upload.
      MAS_CHECK(ops::find_upload(db, upload));
      return ops::parts(db, upload, after, limit);
    };
    return read<Result<std::vector<Part>>>(std::move(op));
  }
  Task<Result<bool>> advance_hash(Id128 upload, HashRun expected, HashRun next,
                                  std::vector<Extent> extents) override {
    auto op = [upload, expected = std::move(expected), next = std::move(next),
               extents = std::move(extents)](Attempt&, Transaction& tx) {
      return ops::advance_hash(tx, upload, expected, next, extents);
    };
    return write<Result<bool>>(std::move(op));
  }
  Task<Result<void>> touch(Id128 upload, std::int64_t expires) override {
    auto op = [upload, expires](Attempt&, Transaction& tx) {
      return ops::touch(tx, upload, expires);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<Upload>> seal(Id128 upload, std::uint32_t part_count) override {
    auto op = [upload, part_count](Attempt&, Transaction& tx) {
      return ops::seal(tx, upload, part_count);
    };
    return write<Result<Upload>>(std::move(op));
  }
  Task<Result<void>> reopen(Id128 upload) override {
    auto op = [upload](Attempt&, Transaction& tx) { return ops::reopen(tx, upload); };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<void>> close(Id128 upload, bool even_sealed, std::int64_t now) override {
    auto op = [upload, even_sealed, now](Attempt& db, Transaction& tx) -> Result<void> {
      MAS_CHECK(warm_end(db, upload));
      return ops::close(tx, upload, even_sealed, now);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<bool>> expire(Id128 upload, std::uint64_t touches, std::int64_t now) override {
    auto op = [upload, touches, now](Attempt& db, Transaction& tx) -> Result<bool> {
      MAS_CHECK(warm_end(db, upload));
      return ops::expire(tx, upload, touches, now);
    };
    return write<Result<bool>>(std::move(op));
  }
  Task<Result<std::vector<Upload>>> sealed(std::uint32_t limit) override {
    auto op = [this, limit](Attempt& db) -> Result<std::vector<Upload>> {
      MAS_CHECK(intents_->sweep());
      return mongo::sealed(*documents_, db, limit);
    };
    return read<Result<std::vector<Upload>>>(std::move(op));
  }
  Task<Result<std::vector<Upload>>> uploads(std::optional<Id128> after,
                                            std::uint32_t limit) override {
    auto op = [after, limit](const Attempt& db) { return ops::uploads(db, after, limit); };
    return read<Result<std::vector<Upload>>>(std::move(op));
  }
  Task<Result<std::optional<layout::Layout>>> current_layout() override {
    auto op = [this](const Attempt& db) {
      auto layout = ops::current_layout(db);
      // Emptied under a running pod: with the records the indexes are gone.
      bool has_one = layout.has_value() && *layout;
      if (has_one) had_layout_ = true;
      if (layout.has_value() && !has_one && had_layout_.exchange(false)) documents_->expect_new();
      return layout;
    };
    return read<Result<std::optional<layout::Layout>>>(std::move(op));
  }
  Task<Result<void>> propose_layout(std::uint64_t expected, layout::Layout next) override {
    auto op = [expected, next = std::move(next)](Attempt&, Transaction& tx) {
      return ops::propose_layout(tx, expected, next);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<void>> acknowledge_layout(std::string member, std::uint64_t version) override {
    auto op = [member = std::move(member), version](Attempt&, Transaction& tx) {
      return ops::acknowledge_layout(tx, member, version);
    };
    return write<Result<void>>(std::move(op));
  }
  Task<Result<std::vector<LayoutAck>>> layout_acknowledgements() override {
    auto op = [](const Attempt& db) { return ops::layout_acknowledgements(db); };
    return read<Result<std::vector<LayoutAck>>>(std::move(op));
  }

  Task<Result<std::uint64_t>> next_generation_after(std::uint64_t known,
                                                    std::uint32_t count) override {
    if (count == 0) {
      co_return Error(Code::invalid_argument, "Numbers are taken one or more at a time.");
    }
    auto taken = generations_.take(known, count);
    co_return co_await std::move(taken);
  }

  Task<Result<void>> ping() override {
    auto once = [this]() -> Tried<Result<void>> { return documents_->ping(); };
    return run<Result<void>>(std::move(once));
  }

  Task<void> close_store() override {
    co_await callers_.close();
    co_await waiting_.gate.close();
    // What callers left behind at their deadlines.
    co_await running_.close();
    auto forget = [this]() -> Result<void> {
      intents_->forget_finished();
      return {};
    };
    auto forgotten = offload(driver_, std::move(forget));
    (void)co_await std::move(forgotten);  // others sweep them otherwise
    co_await breaker_.close();
  }

 private:
  Task<Result<std::uint64_t>> reserve(std::uint64_t known, std::uint64_t count) {
    auto once = [this, known, count]() -> Tried<Result<std::uint64_t>> {
      const std::string id = id_of(keys::counter(ops::kGenerationCounter));
      MAS_TRY(const std::optional<std::uint64_t> last, documents_->add(id, known, count));
      if (!last) return Result<std::uint64_t>(ops::never_given(known));
      return Result<std::uint64_t>(*last - count + 1);
    };
    return run<Result<std::uint64_t>>(std::move(once));
  }

  std::atomic<bool> had_layout_{false};
  GenerationSource generations_{
      [this](std::uint64_t known, std::uint64_t count) { return reserve(known, count); }};
};

}  // namespace

Result<std::unique_ptr<MetaStore>> open_hooked(const config::Meta& options,
                                               const config::Mongodb& server, Pool& driver,
                                               Clock& clock, Rng& rng, observe::Metrics& metrics,
                                               Hook hook) {
  auto store = std::make_unique<MongoMeta>(options, driver, clock, rng, metrics);
  MAS_CHECK(store->set_up(options, server, std::move(hook)));
  return std::unique_ptr<MetaStore>(std::move(store));
}

}  // namespace mongo

Result<std::unique_ptr<MetaStore>> open_mongo(const config::Meta& options,
                                              const config::Mongodb& server, Pool& driver,
                                              Clock& clock, Rng& rng, observe::Metrics& metrics) {
  return mongo::open_hooked(options, server, driver, clock, rng, metrics, {});
}

}  // namespace mas::meta
