#include "object/object_reader.h"

#include "mas/observe/log.h"

namespace mas::object {

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
    if (bytes.has_value()) co_return bytes;
    if (looked_again_) {
      if (bytes.error().code() == Code::damaged) co_await mark_damaged();
      co_return bytes;
    }
    MAS_CO_CHECK(co_await look_again(bytes.error()));
  }
}

Task<Result<void>> ObjectReader::look_again(Error error) {
  looked_again_ = true;
  context_.records.drop(object_.hash);
  Result<std::optional<meta::Object>> now = co_await context_.deps.meta.find(object_.hash);
  // Without the metadata store, what is known has to do.
  if (now.has_value()) {
    if (!*now) co_return Error(Code::no_such_file, "This file has been deleted.");
    // A deleted file goes on being read by those who began before.
    if ((*now)->state == meta::ObjectState::live) object_ = **now;
  }
  log::info("looking for shards at every member", {{"hash", object_.hash.hex()}, {"error", error}});
  reader_.retry_everywhere(object_.extents);
  co_return Result<void>();
}

Task<void> ObjectReader::mark_damaged() {
  context_.records.drop(object_.hash);
  Result<void> marked =
      co_await context_.deps.meta.set_damaged(object_.hash, object_.generation, true);
  if (marked.has_error()) {
    log::warn("damaged file could not be marked",
              {{"hash", object_.hash.hex()}, {"error", marked.error()}});
  } else {
    log::error("file is damaged beyond repair", {{"hash", object_.hash.hex()}});
  }
}

}  // namespace mas::object
