#include "store_rig.h"

#include <boost/asio/this_coro.hpp>

#include "mas/runtime/io_threads.h"
#include "mas/runtime/sync.h"

namespace mas::crash {
namespace {

Task<Result<void>> put_one(store::Store& store, Ledger& ledger, RecordKey key, State content) {
  const auto name = name_of(key);
  const auto change = ledger.begin(name, content);
  std::vector<Slice> pieces;
  // In two pieces, as shards come with a header of their own.
  const auto cut = content->size() / 3;
  pieces.push_back(Slice::copy_of(as_bytes(*content).first(cut)));
  pieces.push_back(Slice::copy_of(as_bytes(*content).subspan(cut)));
  MAS_CO_CHECK(co_await store.put(key, std::move(pieces)));
  ledger.acknowledge(name, change);
  co_return Result<void>();
}

Task<void> put_and_note(store::Store& store, Ledger& ledger, RecordKey key, State content,
                        bool& failed) {
  const auto result = co_await put_one(store, ledger, key, content);
  if (result.has_error()) failed = true;
}

Task<bool> put_many(store::Store& store, Ledger& ledger, std::vector<StoreRig::Put> puts) {
  const auto executor = co_await boost::asio::this_coro::executor;
  bool failed = false;
  Gate gate;
  for (auto& put : puts) {
    auto content = make_state(std::move(put.content));
    auto task = put_and_note(store, ledger, key_number(put.key), std::move(content), failed);
    (void)spawn(executor, gate, std::move(task), "put");
  }
  co_await gate.close();
  co_return !failed;
}

Task<Result<State>> read_whole(store::Store& store, RecordKey key) {
  const auto info = co_await store.stat(key);
  if (info.has_error()) {
    if (info.error().code() == Code::not_found) co_return State();
    co_return info.error();
  }
  MAS_CO_TRY(const Slice bytes, co_await store.read(key, 0, info->length));
  co_return make_state(std::string(as_text(bytes.view())));
}

// One for all: stores are opened by the ten thousand.
Pool& disk_pool() {
  static const auto pool = make_thread_pool("disk", 2, 1000);
  return *pool;
}

}  // namespace

RecordKey key_number(int n) {
  Id128 extent;
  extent.bytes[0] = static_cast<std::uint8_t>(n % 5);
  extent.bytes[15] = static_cast<std::uint8_t>(n);
  return RecordKey::shard(extent, static_cast<std::uint64_t>(n % 3), 0);
}

std::string name_of(const RecordKey& key) {
  const auto encoded = key.encode();
  return std::string(as_text(encoded));
}

std::string content_of(int n, int version, std::size_t length) {
  std::string content = std::to_string(n) + "." + std::to_string(version) + ":";
  std::uint32_t state = static_cast<std::uint32_t>(n * 1000 + version);
  while (content.size() < length) {
    state = state * 1664525U + 1013904223U;
    content.push_back(static_cast<char>('!' + state % 90U));
  }
  content.resize(length);
  return content;
}

StoreRig::StoreRig() : clock_(make_system_clock()), rng_(make_system_rng()) {}

StoreRig::~StoreRig() = default;

Result<std::unique_ptr<StoreRig>> StoreRig::open(fs::Fs& fs, store::IndexKind index) {
  std::unique_ptr<StoreRig> rig(new StoreRig);
  config::Store options;
  options.segment_size = kSegmentSize;
  options.frame_bytes = 128 * 1024;
  options.index_cache = 1 << 20;
  const store::Dependencies dependencies{fs,         disk_pool(),   *rig->clock_,
                                         *rig->rng_, rig->metrics_, index};
  MAS_TRY(rig->store_, store::open(options, {kDirectory}, dependencies));
  return rig;
}

Result<void> StoreRig::put(Ledger& ledger, Put put) {
  auto content = make_state(std::move(put.content));
  return run_blocking_for(put_one(*store_, ledger, key_number(put.key), std::move(content)));
}

bool StoreRig::put_all(Ledger& ledger, std::vector<Put> puts) {
  return run_blocking_for(put_many(*store_, ledger, std::move(puts)));
}

Result<void> StoreRig::remove(Ledger& ledger, const std::vector<int>& keys) {
  std::vector<RecordKey> records;
  std::vector<std::pair<std::string, std::size_t>> changes;
  for (const int key : keys) {
    records.push_back(key_number(key));
    const auto name = name_of(records.back());
    changes.emplace_back(name, ledger.begin(name, nullptr));
  }
  MAS_CHECK(run_blocking_for(store_->remove(std::move(records))));
  for (const auto& [name, change] : changes) ledger.acknowledge(name, change);
  return {};
}

Result<State> StoreRig::read(const RecordKey& key) {
  return run_blocking_for(read_whole(*store_, key));
}

Result<std::map<std::string, State>> StoreRig::read_all() {
  std::map<std::string, State> found;
  std::optional<RecordKey> after;
  while (true) {
    constexpr std::size_t kPage = 20;
    MAS_TRY(const auto page, run_blocking_for(store_->list(after, kPage)));
    for (const auto& info : page) {
      auto content = read(info.key);
      if (content.has_error()) return content.error().with_context(to_hex(info.key.encode()));
      found[name_of(info.key)] = *std::move(content);
    }
    if (page.size() < kPage) return found;
    after = page.back().key;
  }
}

Result<std::vector<RecordKey>> StoreRig::scrub() {
  std::vector<RecordKey> damaged;
  std::optional<RecordKey> from;
  do {
    MAS_TRY(const auto step, run_blocking_for(store_->scrub(from, 100'000)));
    damaged.insert(damaged.end(), step.damaged.begin(), step.damaged.end());
    from = step.next;
  } while (from);
  return damaged;
}

Result<bool> StoreRig::compact_one() { return run_blocking_for(store_->compact_one()); }

Result<void> StoreRig::close() { return run_blocking_for(store_->close()); }

}  // namespace mas::crash
