// A store in a test: its dependencies, blocking shorthands, and an Fs that counts.
#pragma once

#include <unistd.h>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mas/fs/fault_fs.h"
#include "mas/runtime/io_threads.h"
#include "mas/runtime/sync.h"
#include "mas/store/store.h"
#include "support/held_pool.h"
#include "support/must.h"

namespace mas::store::test {

// A directory on the real disk, removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "mas-store-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) FAIL("no temporary directory");
    path_ = pattern;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline config::Store small_options() {
  config::Store options;
  options.segment_size = 1 << 20;
  options.frame_bytes = 256 * 1024;
  options.index_cache = 4 << 20;
  return options;
}

// What outlives any one store: the disk and the machine.
struct Machine {
  explicit Machine(fs::Fs& disk) : fs(&disk) {}

  fs::Fs* fs;
  // What is put while it holds shares a frame.
  mas::test::HeldPool pool{make_thread_pool("disk", 3, 10'000)};
  // Its tasks end before it.
  ~Machine() { pool.hold(); }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  std::unique_ptr<Clock> clock = make_system_clock();
  std::unique_ptr<Rng> rng = make_seeded_rng(7);
  observe::Metrics metrics;
  IndexKind index = IndexKind::rocksdb;
  config::Store options = small_options();
  std::vector<std::string> directories{"/data"};

  Result<std::unique_ptr<Store>> try_open() {
    const Dependencies dependencies{*fs, pool, *clock, *rng, metrics, index};
    return store::open(options, directories, dependencies);
  }
  std::unique_ptr<Store> open() { return must(try_open()); }
};

inline RecordKey key_of(std::uint64_t number, std::uint16_t shard = 0) {
  Id128 extent;
  extent.bytes[0] = static_cast<std::uint8_t>(number >> 8U);
  extent.bytes[15] = static_cast<std::uint8_t>(number);
  return RecordKey::shard(extent, number, shard);
}

// `size` bytes that differ by seed and position.
inline std::string bytes_of(std::uint64_t seed, std::size_t size) {
  std::string text(size, '\0');
  std::uint64_t state = seed * 0x9E3779B97F4A7C15ULL + 1;
  for (char& c : text) {
    state ^= state << 13U;
    state ^= state >> 7U;
    state ^= state << 17U;
    c = static_cast<char>(state >> 24U);
  }
  return text;
}

inline Slice slice_of(std::string_view text) { return Slice::copy_of(as_bytes(text)); }

// The same at a block boundary, as stripe buffers are.
inline Slice aligned_slice(std::string_view text) {
  Buffer buffer = Buffer::allocate(text.size());
  std::copy(text.begin(), text.end(), buffer.data());
  return std::move(buffer).freeze(text.size());
}

inline Result<void> try_put(Store& store, const RecordKey& key, const std::string& text) {
  std::vector<Slice> pieces;
  pieces.push_back(slice_of(text));
  return run_blocking_for(store.put(key, std::move(pieces)));
}
inline void put(Store& store, const RecordKey& key, const std::string& text) {
  must(try_put(store, key, text));
}
using Puts = std::vector<std::pair<RecordKey, std::string>>;

inline Task<void> put_into(Store& store, RecordKey key, std::string text, std::size_t& failed) {
  std::vector<Slice> pieces;
  pieces.push_back(slice_of(text));
  Result<void> done = co_await store.put(key, std::move(pieces));
  if (done.has_error()) ++failed;
}

// Puts them all at once, so that they share frames as far as their sizes allow (each less than 64
// KiB). How many failed.
inline std::size_t put_together(Machine& machine, Store& store, const Puts& puts) {
  std::size_t failed = 0;
  auto all = [](Machine& where, Store& into, const Puts& what, std::size_t& bad) -> Task<void> {
    const Executor executor = co_await boost::asio::this_coro::executor;
    Gate gate;
    where.pool.hold();
    for (const auto& [key, text] : what) {
      spawn(executor, gate, put_into(into, key, text, bad), "put");
    }
    // Each of them is started behind this, and runs until it waits for the pool.
    for (int i = 0; i < 4; ++i) {
      co_await boost::asio::post(executor, boost::asio::use_awaitable);
    }
    where.pool.release();
    co_await gate.close();
  };
  run_blocking(all(machine, store, puts, failed));
  return failed;
}

inline void remove(Store& store, const RecordKey& key) {
  must(run_blocking_for(store.remove({key})));
}
inline void close(Store& store) { must(run_blocking_for(store.close())); }

inline Result<Slice> try_get(Store& store, const RecordKey& key, std::uint64_t offset = 0,
                             std::uint32_t length = 1U << 31U) {
  return run_blocking_for(store.read(key, offset, length));
}
// The payload, or nullopt if there is no such record.
inline std::optional<std::string> get(Store& store, const RecordKey& key) {
  Result<Slice> bytes = try_get(store, key);
  if (bytes.has_error() && bytes.error().code() == Code::not_found) return std::nullopt;
  return std::string(as_text(must(std::move(bytes)).view()));
}

inline std::vector<RecordInfo> list(Store& store, std::optional<RecordKey> after = std::nullopt,
                                    std::size_t limit = 100'000) {
  return must(run_blocking_for(store.list(after, limit)));
}

}  // namespace mas::store::test
