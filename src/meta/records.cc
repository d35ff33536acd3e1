#include "mas/meta/records.h"

#include <type_traits>

#include "mas/core/endian.h"
#include "mas/core/xxh3.h"

namespace mas::meta {
namespace {

// First bytes of each record: what it is and its version (doc/metadata-format.md).
constexpr std::uint8_t kFreedManifests = 2;  // kinds of freed entries; 1 is an extent
constexpr char kObject = 'O', kUpload = 'U', kPart = 'P', kFreed = 'F', kExtents = 'E';

// The latest version; lower ones are read as well. Objects that are released and freed manifests
// are written in version 2; all other objects and freed entries keep the form they always had.
constexpr std::uint8_t version_of(char kind) { return kind == kExtents ? 1 : 2; }

constexpr std::size_t kExtentBytes = 16 + 8 + 4 + 1 + 1;

template <std::size_t N>
void put_array(ByteWriter& out, const std::array<std::uint8_t, N>& bytes) {
  out.raw(bytes);
}

template <std::size_t N>
void get_array(ByteReader& in, std::array<std::uint8_t, N>& bytes) {
  bytes = in.read<std::array<std::uint8_t, N>>();
}

void start(ByteWriter& out, char kind, std::uint8_t version) {
  out.write(kind);
  out.write(version);
}

// The version of a record of this kind; 0: it is none.
std::uint8_t started(ByteReader& in, char kind) {
  if (in.read<char>() != kind) return 0;
  auto version = in.read<std::uint8_t>();
  return version <= version_of(kind) ? version : std::uint8_t{0};
}

void start(ByteWriter& out, char kind) { start(out, kind, version_of(kind)); }

void put_extent(ByteWriter& out, const Extent& extent) {
  put_array(out, extent.id.bytes);
  out.write(extent.length);
  out.write(extent.stripe_size);
  out.write(extent.profile.k);
  out.write(extent.profile.m);
}

bool get_extent(ByteReader& in, Extent& extent) {
  get_array(in, extent.id.bytes);
  extent.length = in.read<std::uint64_t>();
  extent.stripe_size = in.read<std::uint32_t>();
  extent.profile.k = in.read<std::uint8_t>();
  extent.profile.m = in.read<std::uint8_t>();
  return in.ok() && extent.profile.k >= 1 && extent.profile.width() <= 16;
}

void put_extents(ByteWriter& out, const std::vector<Extent>& extents) {
  out.write(static_cast<std::uint32_t>(extents.size()));
  for (const Extent& extent : extents) put_extent(out, extent);
}

bool get_extents(ByteReader& in, std::vector<Extent>& extents) {
  auto count = in.read<std::uint32_t>();
  // Checked before anything is allocated for it.
  if (!in.ok() || count > in.remaining() / kExtentBytes) return false;
  extents.resize(count);
  for (Extent& extent : extents) {
    if (!get_extent(in, extent)) return false;
  }
  return true;
}

void put_registered(ByteWriter& out, const std::vector<Registered>& registered) {
  out.write(static_cast<std::uint32_t>(registered.size()));
  for (const Registered& one : registered) {
    put_extent(out, one.extent);
    out.write(one.durable);
  }
}

bool get_registered(ByteReader& in, std::uint8_t version, std::vector<Registered>& registered) {
  const std::size_t each = kExtentBytes + (version >= 2 ? sizeof(std::uint64_t) : 0);
  auto count = in.read<std::uint32_t>();
  if (!in.ok() || count > in.remaining() / each) return false;
  registered.resize(count);
  for (Registered& one : registered) {
    if (!get_extent(in, one.extent)) return false;
    if (version >= 2) one.durable = in.read<std::uint64_t>();
  }
  return in.ok();
}

// The run of version 1 says nothing of the parts it is over: it is not believed.
void get_run(ByteReader& in, std::uint8_t version, HashRun& run) {
  run.parts = in.read<std::uint32_t>();
  run.bytes = in.read<std::uint64_t>();
  run.state = in.text();
  if (version >= 2) {
    get_array(in, run.chain.bytes);
  } else {
    run = HashRun{};
  }
}

template <class E>
bool get_enum(ByteReader& in, E& value, E last) {
  using Raw = std::underlying_type_t<E>;
  auto raw = in.read<Raw>();
  value = static_cast<E>(raw);
  return in.ok() && raw >= 1 && raw <= static_cast<Raw>(last);
}

bool get_bool(ByteReader& in, bool& value) {
  auto raw = in.read<std::uint8_t>();
  value = raw == 1;
  return in.ok() && raw <= 1;
}

bool read_object(ByteReader& in, Object& object) {
  const std::uint8_t version = started(in, kObject);
  if (version == 0) return false;
  get_array(in, object.hash.bytes);
  object.size = in.read<std::uint64_t>();
  object.name = in.text();
  object.created = in.read<std::int64_t>();
  object.generation = in.read<std::uint64_t>();
  object.replaces = in.read<std::uint64_t>();
  if (!get_enum(in, object.state, ObjectState::condemned)) return false;
  if (!get_bool(in, object.damaged)) return false;
  object.condemned_at = in.read<std::int64_t>();
  if (version == 2) {
    object.released = in.read<std::uint64_t>();
    return object.state == ObjectState::condemned && object.released > 0 && in.at_end();
  }
  return get_extents(in, object.extents) && in.at_end();
}

bool read_upload(ByteReader& in, Upload& upload) {
  const std::uint8_t version = started(in, kUpload);
  if (version == 0) return false;
  get_array(in, upload.id.bytes);
  if (!get_enum(in, upload.kind, UploadKind::recode)) return false;
  get_array(in, upload.hash.bytes);
  upload.session = in.text();
  upload.name = in.text();
  if (!get_enum(in, upload.state, UploadState::closed)) return false;
  upload.created = in.read<std::int64_t>();
  upload.expires = in.read<std::int64_t>();
  if (version >= 2) upload.touches = in.read<std::uint64_t>();
  upload.stored = in.read<std::uint64_t>();
  upload.part_count = in.read<std::uint32_t>();
  if (version >= 2) upload.part_extents = in.read<std::uint32_t>();
  get_run(in, version, upload.run);
  return get_registered(in, version, upload.registered) && in.at_end();
}

bool read_part(ByteReader& in, Part& part) {
  const std::uint8_t version = started(in, kPart);
  if (version == 0) return false;
  part.number = in.read<std::uint32_t>();
  part.size = in.read<std::uint64_t>();
  get_array(in, part.sum.bytes);
  if (version >= 2) get_array(in, part.sender.bytes);
  return get_extents(in, part.extents) && in.at_end() && part.number >= 1;
}

bool read_freed(ByteReader& in, FreedEntry& freed) {
  const std::uint8_t version = started(in, kFreed);
  if (version == 0) return false;
  freed.sequence = in.read<std::uint64_t>();
  freed.freed_at = in.read<std::int64_t>();
  if (version == 1) return get_extent(in, freed.extent) && in.at_end();
  if (in.read<std::uint8_t>() != kFreedManifests) return false;
  ManifestRange& range = freed.manifests.emplace();
  get_array(in, range.hash.bytes);
  range.first = in.read<std::uint64_t>();
  range.last = in.read<std::uint64_t>();
  return in.at_end() && range.first <= range.last;
}

bool read_extents(ByteReader& in, std::vector<Extent>& extents) {
  return started(in, kExtents) != 0 && get_extents(in, extents) && in.at_end();
}

template <class T>
Result<T> decode(std::string_view bytes, bool (*read)(ByteReader&, T&), const char* what) {
  ByteReader in(as_bytes(bytes));
  T value;
  if (!read(in, value)) {
    return Error(Code::corrupt, std::string("A metadata record is not a valid ") + what + ".");
  }
  return value;
}

}  // namespace

Sum128 chain_after(const Sum128& chain, const Part& part) {
  ByteWriter out;
  put_array(out, chain.bytes);
  out.write(part.number);
  out.write(part.size);
  put_array(out, part.sum.bytes);
  return xxh3_128(as_bytes(std::move(out).take()));
}

std::string encode(const Object& object) {
  ByteWriter out;
  const bool released = object.released > 0;
  start(out, kObject, released ? 2 : 1);
  put_array(out, object.hash.bytes);
  out.write(object.size);
  out.text(object.name);
  out.write(object.created);
  out.write(object.generation);
  out.write(object.replaces);
  out.write(object.state);
  out.write(static_cast<std::uint8_t>(object.damaged));
  out.write(object.condemned_at);
  if (released) {
    out.write(object.released);
  } else {
    put_extents(out, object.extents);
  }
  return std::move(out).take();
}

std::string encode(const Upload& upload) {
  ByteWriter out;
  start(out, kUpload);
  put_array(out, upload.id.bytes);
  out.write(upload.kind);
  put_array(out, upload.hash.bytes);
  out.text(upload.session);
  out.text(upload.name);
  out.write(upload.state);
  out.write(upload.created);
  out.write(upload.expires);
  out.write(upload.touches);
  out.write(upload.stored);
  out.write(upload.part_count);
  out.write(upload.part_extents);
  out.write(upload.run.parts);
  out.write(upload.run.bytes);
  out.text(upload.run.state);
  put_array(out, upload.run.chain.bytes);
  put_registered(out, upload.registered);
  return std::move(out).take();
}

std::string encode(const Part& part) {
  ByteWriter out;
  start(out, kPart);
  out.write(part.number);
  out.write(part.size);
  put_array(out, part.sum.bytes);
  put_array(out, part.sender.bytes);
  put_extents(out, part.extents);
  return std::move(out).take();
}

std::string encode(const FreedEntry& freed) {
  ByteWriter out;
  start(out, kFreed, freed.manifests ? 2 : 1);
  out.write(freed.sequence);
  out.write(freed.freed_at);
  if (freed.manifests) {
    out.write(kFreedManifests);
    put_array(out, freed.manifests->hash.bytes);
    out.write(freed.manifests->first);
    out.write(freed.manifests->last);
  } else {
    put_extent(out, freed.extent);
  }
  return std::move(out).take();
}

std::string encode(const std::vector<Extent>& extents) {
  ByteWriter out;
  start(out, kExtents);
  put_extents(out, extents);
  return std::move(out).take();
}

Result<Object> decode_object(std::string_view bytes) {
  return decode<Object>(bytes, read_object, "object");
}
Result<Upload> decode_upload(std::string_view bytes) {
  return decode<Upload>(bytes, read_upload, "upload");
}
Result<Part> decode_part(std::string_view bytes) { return decode<Part>(bytes, read_part, "part"); }
Result<FreedEntry> decode_freed(std::string_view bytes) {
  return decode<FreedEntry>(bytes, read_freed, "entry of the freed list");
}
Result<std::vector<Extent>> decode_extents(std::string_view bytes) {
  return decode<std::vector<Extent>>(bytes, read_extents, "list of extents");
}

}  // namespace mas::meta
