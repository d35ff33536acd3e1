#include "peer/store_calls.h"

#include "mas/observe/log.h"
#include "peer/verify_record.h"

namespace mas::peer {

Task<Result<std::vector<bool>>> have_in(store::Store& store, std::vector<RecordKey> keys) {
  std::vector<bool> held;
  held.reserve(keys.size());
  for (const RecordKey& key : keys) {
    Result<store::RecordInfo> info = co_await store.stat(key);
    if (info.has_error() && info.error().code() != Code::not_found) co_return info.error();
    held.push_back(info.has_value());
  }
  co_return held;
}

Task<Result<void>> quarantine_in(store::Store& store, RecordKey key) {
  Result<store::RecordInfo> info = co_await store.stat(key);
  if (info.has_error() && info.error().code() == Code::not_found) co_return Result<void>();
  if (info.has_error()) co_return info.error();
  // Who asks read it a while ago, over a cable: since then it may have been made anew.
  Result<Slice> record = co_await store.read(key, 0, info->length);
  if (record.has_error()) {
    Code code = record.error().code();
    if (code == Code::not_found) co_return Result<void>();
    if (code != Code::corrupt) co_return record.error();
  } else if (is_intact(key, *record)) {
    log::info("record that a reader found wrong is whole here", {{"key", to_hex(key.encode())}});
    co_return Result<void>();
  }
  co_return co_await store.quarantine(key, info->version);
}

}  // namespace mas::peer
