// What is made of the records found under one hash. Pure.
#pragma once

#include <optional>
#include <vector>

#include "mas/meta/records.h"
#include "mas/peer/transport.h"

namespace mas::maintain::rebuild {

// A live record, and what is known of its content.
struct Candidate {
  meta::Object object;
  // Different shards that were seen of an object of one stripe; nullopt: not counted yet.
  std::optional<int> shards_seen;
};

// Everything found under one hash.
struct Versions {
  Hash hash;
  std::optional<meta::Object> deletion;  // the highest
  std::vector<Candidate> live;           // highest generation first
  // The highest generation of which every copy is unreadable; 0 for none.
  std::uint64_t unreadable = 0;
};

// Out of the copies of the manifests of one hash. Of copies that differ, the form that most have.
[[nodiscard]] Versions sort_manifests(const Hash& hash, const std::vector<peer::Carried>& copies);
// Out of the shards of one extent: the objects that their headers name.
[[nodiscard]] std::vector<Candidate> sort_headers(const std::vector<peer::Carried>& shards);
// Puts `more` in its place in `versions`.
void add(Versions& versions, Candidate more);

// Whether `live` came after `deletion` and was not made obsolete by it. It names the generation it
// replaced, so one that replaces an earlier one than the deletion was never published. One that
// replaces nothing drew its number before it looked for a record, and a deletion draws its own
// after it has seen one: with the higher number it found the deleted record erased.
[[nodiscard]] bool outlives(const meta::Object& live, const meta::Object& deletion);

struct Verdict {
  std::optional<meta::Object> deletion;  // to be restored
  std::vector<Candidate> candidates;     // then the first of these that is whole
};
// `stored`: what the store holds.
[[nodiscard]] Verdict judge(const std::optional<meta::Object>& stored, Versions versions);

}  // namespace mas::maintain::rebuild
