#include "app/serve/served_store.h"

#include "mas/membership/leavers.h"

namespace mas::app {
namespace {

Error not_told() {
  return {Code::not_found, "This pod has left the layout: it tells of shards only."};
}

}  // namespace

Result<void> ServedStore::may_change() const {
  if (!membership::has_returned(*board_.current())) return {};
  return Error(Code::refused, "This pod has left the layout: nothing is changed here.");
}

bool ServedStore::is_hidden(const RecordKey& key) const {
  return key.kind != RecordKind::shard && membership::has_returned(*board_.current());
}

Task<Result<void>> ServedStore::put(RecordKey key, std::vector<Slice> pieces) {
  MAS_CO_CHECK(may_change());
  co_return co_await inner_.put(key, std::move(pieces));
}

Task<Result<void>> ServedStore::remove(std::vector<RecordKey> keys) {
  MAS_CO_CHECK(may_change());
  co_return co_await inner_.remove(std::move(keys));
}

Task<Result<Slice>> ServedStore::read(RecordKey key, std::uint64_t offset, std::uint32_t length) {
  if (is_hidden(key)) co_return not_told();
  co_return co_await inner_.read(key, offset, length);
}

Task<Result<store::RecordInfo>> ServedStore::stat(RecordKey key) {
  if (is_hidden(key)) co_return not_told();
  co_return co_await inner_.stat(key);
}

// What is listed for others is for the manifests in it.
Task<Result<std::vector<store::RecordInfo>>> ServedStore::list(std::optional<RecordKey> after,
                                                               std::size_t limit) {
  MAS_CO_CHECK(may_change());
  co_return co_await inner_.list(after, limit);
}

Task<Result<void>> ServedStore::quarantine(RecordKey key, std::uint64_t version) {
  MAS_CO_CHECK(may_change());
  co_return co_await inner_.quarantine(key, version);
}

Task<Result<store::ScrubStep>> ServedStore::scrub(std::optional<RecordKey> from,
                                                  std::uint64_t max_bytes) {
  MAS_CO_CHECK(may_change());
  co_return co_await inner_.scrub(from, max_bytes);
}

Task<Result<bool>> ServedStore::compact_one() {
  MAS_CO_CHECK(may_change());
  co_return co_await inner_.compact_one();
}

Task<Result<void>> ServedStore::close() { co_return Result<void>(); }

}  // namespace mas::app
