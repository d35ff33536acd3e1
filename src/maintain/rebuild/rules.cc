#include "maintain/rebuild/rules.h"

#include <algorithm>
#include <map>
#include <set>

#include "mas/object/repair.h"

namespace mas::maintain::rebuild {
namespace {

// The object that a copy holds, if it is what its key says.
std::optional<meta::Object> decode_manifest(const peer::Carried& copy) {
  Result<meta::Object> object = meta::decode_object(copy.object);
  bool right =
      object.has_value() && object->hash == copy.key.hash() && object->generation == copy.key.major;
  if (!right) return std::nullopt;
  return *std::move(object);
}

// A header's object has exactly the stripe whose header it stands in.
std::optional<meta::Object> decode_header(const peer::Carried& shard) {
  Result<meta::Object> object = meta::decode_object(shard.object);
  bool right = object.has_value() && object->state == meta::ObjectState::live &&
               object::has_one_stripe(*object) && object->extents[0].id == shard.key.extent();
  if (!right) return std::nullopt;
  return *std::move(object);
}

void take(Versions& versions, meta::Object object) {
  if (object.state == meta::ObjectState::live) {
    add(versions, {std::move(object), std::nullopt});
  } else if (!versions.deletion || versions.deletion->generation < object.generation) {
    versions.deletion = std::move(object);
  }
}

}  // namespace

void add(Versions& versions, Candidate more) {
  auto later = [&](const Candidate& other) {
    return other.object.generation <= more.object.generation;
  };
  auto place = std::find_if(versions.live.begin(), versions.live.end(), later);
  versions.live.insert(place, std::move(more));
}

Versions sort_manifests(const Hash& hash, const std::vector<peer::Carried>& copies) {
  struct Form {
    meta::Object object;
    int copies = 0;
  };
  std::map<std::uint64_t, std::map<std::string, Form>> generations;
  for (const peer::Carried& copy : copies) {
    auto& forms = generations[copy.key.major];
    auto object = decode_manifest(copy);
    if (!object) continue;
    Form& form = forms[copy.object];
    form.object = *std::move(object);
    ++form.copies;
  }
  Versions versions;
  versions.hash = hash;
  for (auto& [generation, forms] : generations) {
    if (forms.empty()) {
      versions.unreadable = generation;
      continue;
    }
    // A deletion that was released is written again without extents: the other form says more.
    auto fewer = [](const auto& a, const auto& b) {
      const Form& left = a.second;
      const Form& right = b.second;
      const bool released = left.object.state == meta::ObjectState::condemned &&
                            right.object.state == meta::ObjectState::condemned &&
                            left.object.extents.empty() != right.object.extents.empty();
      return released ? left.object.extents.empty() : left.copies < right.copies;
    };
    take(versions, std::move(std::max_element(forms.begin(), forms.end(), fewer)->second.object));
  }
  return versions;
}

std::vector<Candidate> sort_headers(const std::vector<peer::Carried>& shards) {
  std::map<std::uint64_t, meta::Object> generations;
  std::set<std::uint16_t> numbers;
  for (const peer::Carried& shard : shards) {
    auto object = decode_header(shard);
    if (!object) continue;
    numbers.insert(shard.key.minor);
    generations[object->generation] = *std::move(object);
  }
  std::vector<Candidate> candidates;
  for (auto& [generation, object] : generations) {
    candidates.push_back({std::move(object), static_cast<int>(numbers.size())});
  }
  return candidates;
}

bool outlives(const meta::Object& live, const meta::Object& deletion) {
  if (live.generation <= deletion.generation) return false;
  return live.replaces == 0 || live.replaces >= deletion.generation;
}

Verdict judge(const std::optional<meta::Object>& stored, Versions versions) {
  const std::uint64_t stands = stored ? stored->generation : 0;
  std::optional<meta::Object> last = std::move(versions.deletion);
  Verdict verdict;
  if (last && last->generation > stands) verdict.deletion = last;
  bool deleted_later = stored && stored->state == meta::ObjectState::condemned &&
                       (!last || last->generation < stored->generation);
  if (deleted_later) last = stored;
  for (Candidate& candidate : versions.live) {
    const meta::Object& object = candidate.object;
    bool later = object.generation > stands && object.generation > versions.unreadable;
    if (later && (!last || outlives(object, *last))) {
      verdict.candidates.push_back(std::move(candidate));
    }
  }
  return verdict;
}

}  // namespace mas::maintain::rebuild
