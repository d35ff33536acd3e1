#include "peer/store_calls.h"

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
  co_return co_await store.quarantine(key, info->version);
}

}  // namespace mas::peer
