// A store on a given disk, with blocking calls and a ledger of what was acknowledged.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ledger.h"
#include "mas/store/store.h"

namespace mas::crash {

inline constexpr std::uint64_t kSegmentSize = 256 * 1024;
inline const std::string kDirectory = "/pod/data";

// The n-th key of the tests, and the name it has in a ledger.
[[nodiscard]] RecordKey key_number(int n);
[[nodiscard]] std::string name_of(const RecordKey& key);
// Content that differs by key and version at every length.
[[nodiscard]] std::string content_of(int n, int version, std::size_t length);

class StoreRig {
 public:
  static Result<std::unique_ptr<StoreRig>> open(fs::Fs& fs,
                                                store::IndexKind index = store::IndexKind::rocksdb);
  ~StoreRig();
  StoreRig(const StoreRig&) = delete;
  StoreRig& operator=(const StoreRig&) = delete;

  struct Put {
    int key = 0;
    std::string content;
  };
  Result<void> put(Ledger& ledger, Put put);
  // All at once, so that they share frames. False if one failed.
  bool put_all(Ledger& ledger, std::vector<Put> puts);
  Result<void> remove(Ledger& ledger, const std::vector<int>& keys);
  Result<State> read(const RecordKey& key);
  // Everything the store lists. Errors: of any of the calls.
  Result<std::map<std::string, State>> read_all();
  // A whole pass; the keys whose records were damaged.
  Result<std::vector<RecordKey>> scrub();
  Result<bool> compact_one();
  Result<void> close();
  store::Store& store() { return *store_; }

 private:
  StoreRig();

  std::unique_ptr<Clock> clock_;
  std::unique_ptr<Rng> rng_;
  observe::Metrics metrics_;
  std::unique_ptr<store::Store> store_;
};

}  // namespace mas::crash
