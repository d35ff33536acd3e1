#include "object/object_reader.h"

#include "mas/observe/log.h"
#include "object/newest_layout.h"

namespace mas::object {
namespace {

// Each but the first because somebody stored the file anew under this reader.
constexpr int kMostLooks = 5;

Error behind() {
  return Error(Code::too_few_pods_read,
               "This pod does not know yet where all pieces of this file are; try again.");
}

Error deleted() { return Error(Code::no_such_file, "This file has been deleted."); }

}  // namespace

ObjectReader::ObjectReader(Context& context, meta::Object object, std::uint64_t from,
                           std::uint64_t length, std::uint32_t window)
    : context_(context),
      object_(std::move(object)),
      reader_(context, object_.extents, from, length, window) {}

Task<Result<Slice>> ObjectReader::next() {
  for (;;) {
    Instant began = context_.deps.clock.now();
    Result<Slice> bytes = co_await reader_.next();
    context_.reads.note(context_.deps.clock.now() - began);
    if (bytes.has_value() || bytes.error().code() == Code::busy) co_return bytes;
    if (looks_ > 0) {
      if (bytes.error().code() != Code::damaged) co_return bytes;
      MAS_CO_TRY(const bool changed, co_await mark_damaged());
      if (!changed || looks_ == kMostLooks) co_return bytes;
    }
    MAS_CO_CHECK(co_await look_again(bytes.error()));
  }
}

Task<Result<void>> ObjectReader::look_again(Error error) {
  ++looks_;
  context_.records.drop(object_.hash);
  Result<std::optional<meta::Object>> now = co_await context_.deps.meta.find(object_.hash);
  // Without the metadata store, what is known has to do.
  if (now.has_value()) {
    if (!*now) co_return deleted();
    // A deleted file goes on being read by those who began before.
    if ((*now)->state == meta::ObjectState::live) object_ = **now;
  }
  log::info("looking for shards at every member", {{"hash", object_.hash.hex()}, {"error", error}});
  reader_.retry_everywhere(object_.extents);
  co_return Result<void>();
}

Task<Result<bool>> ObjectReader::mark_damaged() {
  context_.records.drop(object_.hash);
  const bool known = co_await went_by_newest_layout(context_, reader_.layout_version());
  if (!known) co_return behind();
  Result<void> marked =
      co_await context_.deps.meta.set_damaged(object_.hash, object_.generation, true);
  if (marked.has_value()) {
    log::error("file is damaged beyond repair", {{"hash", object_.hash.hex()}});
    co_return false;
  }
  const Code code = marked.error().code();
  // Deleted, and removed under this reader's hands.
  if (code == Code::no_such_file) co_return deleted();
  // Stored anew since the record was fetched: what was read says nothing of what is there now.
  if (code == Code::conflict) co_return true;
  log::warn("damaged file could not be marked",
            {{"hash", object_.hash.hex()}, {"error", marked.error()}});
  co_return false;
}

}  // namespace mas::object
