// Objects over in-process stores and in-memory metadata: a whole cluster without a network, every
// call of which can be made to fail. Calls run to their end on the calling thread.
//
//   ObjectRig rig({.pods = 6});
//   Receipt receipt = must(rig.put(content));
//   rig.drop(2);
//   CHECK(must(rig.get(receipt.object)) == content);
#pragma once

#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <catch2/catch.hpp>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "mas/codec/hash.h"
#include "mas/codec/stripe.h"
#include "mas/meta/memory.h"
#include "mas/object/objects.h"
#include "mas/runtime/io_threads.h"
#include "support/byte_streams.h"
#include "support/failing_seams.h"
#include "support/inline_pool.h"
#include "support/memory_store.h"
#include "support/must.h"
#include "support/stalling_transport.h"

namespace mas::test {

// Sizes that put many boundaries into little data.
inline config::Object small_options() {
  config::Object options;
  options.unit = 16 * kKiB;
  options.stripe = 128 * kKiB;
  options.small_object = 8 * kKiB;
  options.extent = 512 * kKiB;
  options.buffer_budget = 64 * kMiB;
  options.record_cache = Duration::zero();
  return options;
}

// Bytes that are the same for the same seed; every other 20,000 of them compress.
inline std::string make_content(std::size_t size, std::uint64_t seed = 1) {
  std::string bytes(size, 'c');
  auto rng = make_seeded_rng(seed);
  for (std::size_t at = 0; at < size; at += 40'000) {
    std::size_t length = std::min<std::size_t>(20'000, size - at);
    rng->fill({reinterpret_cast<std::uint8_t*>(bytes.data()) + at, length});
  }
  return bytes;
}

inline Hash hash_of(std::string_view content) { return codec::sha256(as_bytes(content)); }

// A name that is known from the start, as PutRequest wants it.
inline std::function<Result<std::string>()> named(std::string name) {
  return [name = std::move(name)]() -> Result<std::string> { return name; };
}

// Runs `tasks` side by side on the calling thread until all have ended.
inline void run_together(std::vector<Task<void>> tasks) {
  auto all = [](std::vector<Task<void>> parts) -> Task<void> {
    Executor home = co_await boost::asio::this_coro::executor;
    Gate gate;
    for (Task<void>& part : parts) spawn(home, gate, std::move(part), "test");
    co_await gate.close();
  };
  run_blocking(all(std::move(tasks)));
}

// Reads into each of `sinks` with `read`, beside `quick`; each has `expected` in the end.
template <class Sink, class Read>
void read_beside(const std::vector<std::unique_ptr<Sink>>& sinks, Read read, Task<void> quick,
                 std::string_view expected) {
  std::vector<Task<void>> tasks;
  for (auto& sink : sinks) tasks.push_back(read(*sink));
  tasks.push_back(std::move(quick));
  run_together(std::move(tasks));
  for (auto& sink : sinks) {
    const bool same = sink->bytes == expected;
    CHECK(same);
  }
}

struct RigOptions {
  std::size_t pods = 1;
  config::Object object = small_options();
  config::Limits limits = {};
  bool threads = false;  // real pools instead of inline ones
  config::Write write = {};
  config::Read read = {};
  std::vector<std::string> zones = {};  // of the first pods
  Clock* clock = nullptr;               // the system's
  membership::GenerationWatch* watch = nullptr;
};

class ObjectRig {
 public:
  explicit ObjectRig(RigOptions options = {}) {
    codec::initialise();
    if (options.clock != nullptr) clock_ = options.clock;
    std::vector<layout::Member> members;
    for (std::size_t i = 0; i < options.pods; ++i) {
      stores_.push_back(std::make_unique<MemoryStore>(static_cast<std::uint8_t>(i + 1)));
      pointers_.push_back(stores_.back().get());
      std::string zone = i < options.zones.size() ? options.zones[i] : "";
      members.push_back({"mas-" + std::to_string(i), stores_.back()->incarnation(), zone, 1});
    }
    membership::ClusterView view;
    view.layout = layout::found(Id128{{1}}, members);
    board_ = std::make_unique<membership::ViewBoard>(std::move(view));
    transport_ = peer::make_in_process_transport(pointers_);
    failing_transport_ = std::make_unique<FailingTransport>(*transport_, faults);
    stalling_transport_ = std::make_unique<StallingTransport>(*failing_transport_);
    failing_meta_ = std::make_unique<FailingMeta>(*meta_, faults);
    if (options.threads) {
      cpu_ = make_thread_pool("cpu", 2, 1000);
    } else {
      cpu_ = std::make_unique<InlinePool>();
    }
    background_.start();
    watch_ = options.watch;
    write_ = options.write;
    read_ = options.read;
    restart(options.object, options.limits);
  }
  ~ObjectRig() { stop(); }
  ObjectRig(const ObjectRig&) = delete;
  ObjectRig& operator=(const ObjectRig&) = delete;

  // Another daemon over the same stores and metadata.
  void restart(const config::Object& options, const config::Limits& limits = {}) {
    stop();
    objects_ = make_daemon(options, limits, *failing_meta_, *stalling_transport_);
  }
  // One more daemon over the same stores and metadata, whose calls never fail; to be closed.
  std::unique_ptr<object::Objects> make_other() {
    return make_daemon(small_options(), {}, *meta_, *transport_);
  }
  // The metadata store is another one from now on: lost, or restored from a backup.
  void replace_meta(std::unique_ptr<meta::MetaStore> meta, const config::Object& options) {
    stop();
    meta_ = std::move(meta);
    failing_meta_ = std::make_unique<FailingMeta>(*meta_, faults);
    restart(options);
  }
  // Waits for work in the background; nothing can be asked afterwards but restart().
  void stop() {
    if (!objects_) return;
    run_blocking(objects_->close());
    objects_.reset();
  }

  // Seams and knobs.
  CallFaults faults;
  MemoryStore& store(std::size_t pod) { return *stores_[pod]; }
  void drop(std::size_t pod) { pointers_[pod] = nullptr; }
  void bring_back(std::size_t pod) { pointers_[pod] = stores_[pod].get(); }
  meta::MetaStore& meta() { return *meta_; }
  object::Objects& objects() { return *objects_; }
  [[nodiscard]] std::uint64_t reads() const { return failing_transport_->reads(); }
  double counter(const std::string& name) { return metrics_.counter(name, "").value(); }
  // What the objects work through, faults and all.
  meta::MetaStore& failing_meta() { return *failing_meta_; }
  peer::PeerTransport& transport() { return *stalling_transport_; }
  StallingTransport& stalls() { return *stalling_transport_; }
  observe::Metrics& metrics() { return metrics_; }
  Executor background() { return background_.executor(0); }
  membership::ViewBoard& board() { return *board_; }

  // The calls of Objects, run to their end.
  Result<object::Receipt> put(const std::string& content, object::PutRequest request = {}) {
    MemorySource source(content);
    return run_blocking_for(objects_->put(std::move(request), source));
  }
  Result<object::Receipt> put_from(MemorySource& source, object::PutRequest request = {}) {
    return run_blocking_for(objects_->put(std::move(request), source));
  }
  Result<meta::Object> find(const Hash& hash, bool fresh = true) {
    return run_blocking_for(objects_->find(hash, fresh));
  }
  Result<std::string> get(const meta::Object& object) { return get(object, 0, object.size); }
  Result<std::string> get(const meta::Object& object, std::uint64_t from, std::uint64_t length) {
    MemorySink sink;
    Result<void> got = run_blocking_for(objects_->get(object, from, length, sink));
    if (got.has_error()) {
      // Whatever was written before must be right all the same.
      partial = sink.bytes();
      return got.error();
    }
    return sink.bytes();
  }
  Result<void> remove(const Hash& hash) { return run_blocking_for(objects_->remove(hash)); }
  Result<object::InitResult> init(const object::SessionKey& key, bool instant = true) {
    return run_blocking_for(objects_->init(key, "name", instant));
  }
  Result<object::PartResult> part(const object::SessionKey& key, std::uint32_t number,
                                  const std::string& content, object::PartRequest request = {}) {
    MemorySource source(content);
    request.number = number;
    return run_blocking_for(objects_->put_part(key, std::move(request), source));
  }
  Result<object::FinishResult> finish(const object::SessionKey& key,
                                      object::FinishRequest request = {}) {
    return run_blocking_for(objects_->finish(key, std::move(request)));
  }
  Result<object::SessionStatus> session(const object::SessionKey& key) {
    return run_blocking_for(objects_->session(key));
  }
  Result<void> abort(const object::SessionKey& key) {
    return run_blocking_for(objects_->abort(key));
  }

  // What a download of `hash` gives, from its record on.
  Result<std::string> download(const Hash& hash) {
    MAS_TRY(meta::Object object, find(hash));
    return get(object);
  }

  // Ends the record of a deleted file, as if every pod had collected what it left.
  void forget_deleted(const Hash& hash) {
    const meta::Object record = *must(run_blocking_for(meta_->find(hash)));
    must(run_blocking_for(meta_->release(hash, record.generation, 1)));
    const auto listed = must(run_blocking_for(meta_->freed(0, 100'000)));
    const std::vector<std::string> everybody{"everybody"};
    must(run_blocking_for(meta_->collected("everybody", listed.back().sequence, everybody)));
    must(run_blocking_for(meta_->erase(hash, record.generation, 1)));
  }

  // Extents with shards in some store that nothing refers to and that are not listed as freed: what
  // collection could never explain.
  std::set<Id128> unexplained() {
    std::set<Id128> extents;
    for (const auto& store : stores_) {
      for (const RecordKey& key : store->keys()) {
        if (key.kind == RecordKind::shard) extents.insert(key.extent());
      }
    }
    std::vector<Id128> ids(extents.begin(), extents.end());
    std::vector<bool> referenced = must(run_blocking_for(meta_->referenced(ids)));
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (referenced[i]) extents.erase(ids[i]);
    }
    for (const meta::FreedEntry& freed : must(run_blocking_for(meta_->freed(0, 100'000)))) {
      if (!freed.manifests) extents.erase(freed.extent.id);
    }
    return extents;
  }
  // The same of manifests: those of some store that neither a record nor the freed list accounts
  // for.
  std::set<RecordKey> orphaned_manifests() {
    std::set<RecordKey> orphaned;
    const auto freed = must(run_blocking_for(meta_->freed(0, 100'000)));
    for (const auto& store : stores_) {
      for (const RecordKey& key : store->keys()) {
        if (key.kind != RecordKind::manifest) continue;
        const auto record = must(run_blocking_for(meta_->find(key.hash())));
        const bool deleted = record && record->state == meta::ObjectState::condemned;
        const bool needed = record && (record->generation == key.major ||
                                       (deleted && record->generation > key.major));
        const bool listed =
            std::any_of(freed.begin(), freed.end(), [&key](const meta::FreedEntry& entry) {
              return entry.manifests && entry.manifests->covers(key.hash(), key.major);
            });
        if (!needed && !listed) orphaned.insert(key);
      }
    }
    return orphaned;
  }
  std::vector<meta::Upload> open_uploads() {
    return must(run_blocking_for(meta_->uploads(std::nullopt, 1000)));
  }

  std::string partial;  // what a failed get() wrote

 private:
  std::unique_ptr<object::Objects> make_daemon(const config::Object& options,
                                               const config::Limits& limits, meta::MetaStore& meta,
                                               peer::PeerTransport& transport) {
    Pools pools{*cpu_, *cpu_, *cpu_};
    object::Dependencies dependencies{
        meta, transport, *board_, pools, *clock_, *rng_, metrics_, background_.executor(0), watch_};
    return object::make_objects(options, limits, dependencies, write_, read_);
  }

  std::vector<std::unique_ptr<MemoryStore>> stores_;
  std::vector<store::Store*> pointers_;
  std::unique_ptr<meta::MetaStore> meta_ = meta::make_memory_meta();
  std::unique_ptr<membership::ViewBoard> board_;
  std::unique_ptr<peer::PeerTransport> transport_;
  std::unique_ptr<FailingTransport> failing_transport_;
  std::unique_ptr<StallingTransport> stalling_transport_;
  std::unique_ptr<FailingMeta> failing_meta_;
  std::unique_ptr<Pool> cpu_;
  std::unique_ptr<Clock> own_clock_ = make_system_clock();
  Clock* clock_ = own_clock_.get();
  std::unique_ptr<Rng> rng_ = make_seeded_rng(7);
  observe::Metrics metrics_;
  membership::GenerationWatch* watch_ = nullptr;
  config::Write write_;
  config::Read read_;
  IoThreads background_{1};
  std::unique_ptr<object::Objects> objects_;
};

}  // namespace mas::test
