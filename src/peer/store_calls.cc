#include "peer/store_calls.h"

#include <algorithm>

#include "mas/codec/stripe.h"
#include "mas/observe/log.h"
#include "mas/peer/carried.h"
#include "peer/verify_record.h"

namespace mas::peer {
namespace {

constexpr std::size_t kLookedAt = 256;
constexpr std::size_t kPageBytes = 256 * kKiB;
// A header with the largest manifest and all its units and blocks is not longer than this.
constexpr std::uint32_t kFirstRead = 4 * kKiB;
constexpr std::uint32_t kLongestHeader = 1 * kMiB;
constexpr std::uint32_t kLongestManifest = 4 * kMiB;

bool is_gone(const Error& error) { return error.code() == Code::not_found; }

Task<Result<std::string>> manifest_record(store::Store& store, RecordKey key,
                                          std::uint32_t length) {
  if (length > kLongestManifest) co_return Error(Code::corrupt, "No manifest is that long.");
  MAS_CO_TRY(Slice bytes, co_await store.read(key, 0, length));
  co_return std::string(as_text(bytes.view()));
}

}  // namespace

Task<Result<std::string>> carried_by(store::Store& store, RecordKey shard) {
  MAS_CO_TRY(Slice front, co_await store.read(shard, 0, kFirstRead));
  auto prefix = front.view().first(std::min<std::size_t>(front.size(), codec::kHeaderPrefix));
  MAS_CO_TRY(std::size_t size, codec::header_size(prefix));
  if (size > kLongestHeader) co_return Error(Code::corrupt, "A header is never that long.");
  if (size > front.size()) {
    MAS_CO_TRY(front, co_await store.read(shard, 0, static_cast<std::uint32_t>(size)));
  }
  MAS_CO_TRY(codec::ShardHeader header, codec::parse_header(front.view()));
  bool right = header.stripe.extent == shard.extent() && header.stripe.number == shard.major &&
               header.shard == shard.minor;
  if (!right) co_return Error(Code::corrupt, "The header is another shard's.");
  co_return std::move(header.manifest);
}

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

Task<Result<CarriedPage>> carried_in(store::Store& store, std::optional<RecordKey> after) {
  MAS_CO_TRY(auto listed, co_await store.list(after, kLookedAt));
  CarriedPage page;
  std::size_t bytes = 0;
  for (const store::RecordInfo& record : listed) {
    const RecordKey& key = record.key;
    page.next = key;
    bool shard = key.kind == RecordKind::shard;
    // Only objects of one stripe have their record in it.
    if (shard && key.major > 0) continue;
    auto reading = shard ? carried_by(store, key) : manifest_record(store, key, record.length);
    Result<std::string> object = co_await std::move(reading);
    if (object.has_error() && is_gone(object.error())) continue;
    bool unreadable = object.has_error() && object.error().code() == Code::corrupt;
    if (object.has_error() && !unreadable) co_return object.error();
    if (!unreadable && object->empty()) continue;
    page.records.push_back({key, unreadable ? std::string() : *std::move(object)});
    bytes += RecordKey::kEncodedSize + page.records.back().object.size();
    if (bytes >= kPageBytes) co_return page;
  }
  if (listed.size() < kLookedAt) {
    page.next.reset();
  } else if (page.next->kind == RecordKind::shard) {
    // The other stripes of this extent hold none.
    page.next->major = UINT64_MAX;
    page.next->minor = UINT16_MAX;
  }
  co_return page;
}

}  // namespace mas::peer
