// What the metadata store keeps: objects, uploads, parts, extents. The same meaning in every
// adapter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mas/core/ids.h"
#include "mas/core/result.h"
#include "mas/runtime/clock.h"

namespace mas::meta {

// The stored form of (a piece of) a part: consecutive stripes under one random id.
struct Extent {
  Id128 id;
  std::uint64_t length = 0;       // plain bytes, 1 to 1 GiB (0 only for an empty object: no extent)
  std::uint32_t stripe_size = 0;  // plain bytes of each stripe but the last
  Profile profile;                // k = 1 for small copies: the shards are m + 1 equal copies
  friend bool operator==(const Extent&, const Extent&) = default;
};

struct Part {
  std::uint32_t number = 0;  // 1 to 10,000
  std::uint64_t size = 0;
  Sum128 sum;                   // XXH3-128 of the plain bytes
  std::vector<Extent> extents;  // in order
  Id128 sender = {};            // fingerprint of the token that sent it; all zero: not known
  friend bool operator==(const Part&, const Part&) = default;
};

enum class ObjectState : std::uint8_t { live = 1, condemned = 2 };

struct Object {
  Hash hash;
  std::uint64_t size = 0;
  std::string name;
  std::int64_t created = 0;      // Unix seconds
  std::uint64_t generation = 0;  // from next_generation(); higher is later
  std::uint64_t replaces = 0;    // the generation this one took the place of, 0 for none
  ObjectState state = ObjectState::live;
  bool damaged = false;
  std::int64_t condemned_at = 0;  // Unix seconds
  std::vector<Extent> extents;    // the content, in order
  // Of a condemned record that refers to nothing any more: where on the freed list the last of what
  // it gave up stands. 0 for all others.
  std::uint64_t released = 0;
  friend bool operator==(const Object&, const Object&) = default;
};

enum class UploadState : std::uint8_t { open = 1, sealed = 2, published = 3, closed = 4 };
enum class UploadKind : std::uint8_t { session = 1, single = 2, recode = 3 };

// The SHA-256 over the unbroken run of parts from 1.
struct HashRun {
  std::uint32_t parts = 0;  // parts 1 to `parts` are in the state
  std::uint64_t bytes = 0;
  std::string state;  // codec::Sha256::save()
  Sum128 chain = {};  // chain_after() of each of these parts in order: which bytes were hashed
  friend bool operator==(const HashRun&, const HashRun&) = default;
};

// The chain over parts 1 to `part` from that over the parts before it (all zero before the first):
// XXH3-128 of that chain, then number, size and sum of the part as they stand in its record.
[[nodiscard]] Sum128 chain_after(const Sum128& chain, const Part& part);

// An extent that is being written: it belongs to an upload, but to no part yet.
struct Registered {
  Extent extent;              // `length`: what it may become at most
  std::uint64_t durable = 0;  // plain bytes from its start that its writer knows to be durable
  friend bool operator==(const Registered&, const Registered&) = default;
};

// An upload has at most so many extents, registered or in parts, so that what publishes or ends it
// fits into one document of a metadata server.
inline constexpr std::size_t kMostExtents = 32'768;

struct Upload {
  Id128 id;
  UploadKind kind = UploadKind::session;
  Hash hash;            // all zero for an `object` upload whose hash is not known yet
  std::string session;  // "" by default; (kind, hash, session) is unique among open sessions
  std::string name;
  UploadState state = UploadState::open;
  std::int64_t created = 0;   // Unix seconds
  std::int64_t expires = 0;   // Unix seconds; an estimate for clients, decides nothing; never falls
  std::uint64_t touches = 0;  // raised by each sign of life of who uploads or finishes; never falls
  std::uint64_t stored = 0;   // bytes of the recorded parts, kept by put_part
  std::uint32_t part_count = 0;    // recorded parts, kept by put_part
  std::uint32_t part_extents = 0;  // extents of the recorded parts, kept by put_part
  HashRun run;
  std::vector<Registered> registered;  // in order of registration
  friend bool operator==(const Upload&, const Upload&) = default;
};

// The manifests of `hash` of generations `first` to `last`, both inclusive.
struct ManifestRange {
  Hash hash;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  [[nodiscard]] bool covers(const Hash& of, std::uint64_t generation) const noexcept {
    return of == hash && first <= generation && generation <= last;
  }
  friend bool operator==(const ManifestRange&, const ManifestRange&) = default;
};

// What nothing refers to any more, waiting to be collected: an extent, or manifests.
struct FreedEntry {
  std::uint64_t sequence = 0;  // position in the freed list
  Extent extent;               // says nothing where there are `manifests`
  std::int64_t freed_at = 0;   // Unix seconds
  std::optional<ManifestRange> manifests = {};
  friend bool operator==(const FreedEntry&, const FreedEntry&) = default;
};

// Where a hash's record stands among all that were ever stored under that hash.
struct RecordVersion {
  std::uint64_t generation = 0;  // 0: there is no record
  ObjectState state = ObjectState::live;
  bool released = false;
  friend bool operator==(const RecordVersion&, const RecordVersion&) = default;
};

// How far a member is with taking over new layouts.
struct LayoutAck {
  std::string slot;
  std::uint64_t version = 0;
  friend bool operator==(const LayoutAck&, const LayoutAck&) = default;
};

// Binary forms with a version in front; corrupt on anything else. doc/metadata-format.md describes
// them.
[[nodiscard]] std::string encode(const Object& object);
[[nodiscard]] std::string encode(const Upload& upload);
[[nodiscard]] std::string encode(const Part& part);
[[nodiscard]] std::string encode(const FreedEntry& freed);
[[nodiscard]] std::string encode(const std::vector<Extent>& extents);
[[nodiscard]] Result<Object> decode_object(std::string_view bytes);
[[nodiscard]] Result<Upload> decode_upload(std::string_view bytes);
[[nodiscard]] Result<Part> decode_part(std::string_view bytes);
[[nodiscard]] Result<FreedEntry> decode_freed(std::string_view bytes);
[[nodiscard]] Result<std::vector<Extent>> decode_extents(std::string_view bytes);

}  // namespace mas::meta
