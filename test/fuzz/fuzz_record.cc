// Metadata records: what decodes encodes to the very same bytes, so that a record has one form; one
// of an older version to that of today's with the same meaning.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "auth/lifetimes.h"
#include "mas/meta/records.h"

namespace {

using namespace mas;
using namespace mas::meta;

template <class T>
void check(std::string_view bytes, Result<T> (*decode)(std::string_view)) {
  auto record = decode(bytes);
  if (record.has_error()) return;
  const std::string again = encode(*record);
  if (again == bytes) return;
  const bool older = bytes[0] == again[0] && bytes[1] < again[1];
  if (!older) std::abort();
  auto same = decode(again);
  if (same.has_error() || !(*same == *record)) std::abort();
}

// Not of one form (an entry may be doubled or past its end), but saved and loaded it is.
void check_lifetimes(std::string_view bytes) {
  auth::Lifetimes table(config::Token{}, 1000);
  if (table.load(bytes, WallTime{1'000}).has_error()) return;
  std::string saved = table.save(WallTime{1'000});
  auth::Lifetimes again(config::Token{}, 1000);
  if (again.load(saved, WallTime{1'000}).has_error()) std::abort();
  if (again.save(WallTime{1'000}) != saved) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check<Object>(bytes, decode_object);
  check<Upload>(bytes, decode_upload);
  check<Part>(bytes, decode_part);
  check<FreedEntry>(bytes, decode_freed);
  check<std::vector<Extent>>(bytes, decode_extents);
  check_lifetimes(bytes);
  return 0;
}
