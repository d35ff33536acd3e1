#include "meta/rules.h"

#include <algorithm>
#include <string>

namespace mas::meta::rules {
namespace {

Error no_such_file() { return Error(Code::no_such_file, "There is no such file."); }

Error moved_on(const char* what) {
  return Error(Code::conflict, std::string("The ") + what + " has changed meanwhile.");
}

// Version 1 did not count extents.
void count_out(Upload& upload, const Part& part) {
  upload.part_extents -=
      std::min(upload.part_extents, static_cast<std::uint32_t>(part.extents.size()));
}

}  // namespace

std::vector<Extent> extents_of(const std::vector<Registered>& registered) {
  std::vector<Extent> extents;
  extents.reserve(registered.size());
  for (const Registered& one : registered) extents.push_back(one.extent);
  return extents;
}

Error not_open() {
  return Error(Code::upload_not_open, "This upload is not open; initialise it again.");
}

std::set<Id128> ids_of(const std::vector<Extent>& extents) {
  std::set<Id128> ids;
  for (const Extent& extent : extents) ids.insert(extent.id);
  return ids;
}

bool same_ids(const std::vector<Extent>& a, const std::vector<Extent>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Extent& x, const Extent& y) { return x.id == y.id; });
}

CommitVerdict judge_commit(const std::optional<Object>& current, const Object& next,
                           std::uint64_t expected) {
  if (!current) return expected == 0 ? CommitVerdict::create : CommitVerdict::lose;
  bool condemned = current->state == ObjectState::condemned;
  if (!condemned && same_ids(current->extents, next.extents)) return CommitVerdict::repeat;
  bool named = current->generation == expected || (condemned && expected == 0);
  // A lower generation would be taken for deleted when metadata is rebuilt from manifests.
  bool later = next.generation > current->generation;
  return named && later ? CommitVerdict::replace : CommitVerdict::lose;
}

Result<Object> condemn(const std::optional<Object>& current, std::uint64_t generation,
                       std::uint64_t deletion, std::int64_t now) {
  if (!current) return no_such_file();
  if (current->state == ObjectState::condemned) {
    if (current->generation == deletion && current->replaces == generation) return *current;
    return no_such_file();
  }
  if (current->generation != generation) return moved_on("file");
  if (deletion <= generation) {
    return Error(Code::invalid_argument, "A deletion needs a later generation than its file's.");
  }
  Object next = *current;
  next.state = ObjectState::condemned;
  next.generation = deletion;
  next.replaces = generation;
  next.condemned_at = now;
  return next;
}

Result<Object> set_damaged(const std::optional<Object>& current, std::uint64_t generation,
                           bool damaged) {
  if (!current || current->state == ObjectState::condemned) return no_such_file();
  if (current->generation != generation) return moved_on("file");
  Object next = *current;
  next.damaged = damaged;
  return next;
}

Result<std::optional<Object>> release(const std::optional<Object>& current,
                                      std::uint64_t generation) {
  if (!current) return std::optional<Object>();
  if (current->state != ObjectState::condemned || current->generation != generation) {
    return moved_on("file");
  }
  if (current->released > 0) return std::optional<Object>();
  Object next = *current;
  next.extents.clear();
  return std::optional<Object>(std::move(next));
}

Result<bool> may_erase(const std::optional<Object>& current, std::uint64_t generation) {
  if (!current) return false;
  if (current->generation != generation || current->released == 0) return moved_on("file");
  return true;
}

Result<void> register_extent(Upload& upload, const Extent& extent) {
  if (upload.state != UploadState::open) return not_open();
  if (upload.registered.size() + upload.part_extents >= kMostExtents) {
    return Error(Code::body_too_large,
                 "This upload is stored in too many pieces; send it anew, in larger parts.");
  }
  upload.registered.push_back({extent, 0});
  ++upload.touches;
  return {};
}

void touch(Upload& upload, std::int64_t expires) {
  ++upload.touches;
  upload.expires = std::max(upload.expires, expires);
}

Result<void> progress(Upload& upload, const Id128& extent, std::uint64_t durable) {
  if (upload.state != UploadState::open) return not_open();
  for (Registered& one : upload.registered) {
    if (one.extent.id == extent) one.durable = std::max(one.durable, durable);
  }
  ++upload.touches;
  return {};
}

Result<PartOutcome> put_part(Upload& upload, const std::optional<Part>& previous, const Part& part,
                             std::int64_t expires, std::uint64_t max_total,
                             const std::vector<Extent>& lost) {
  if (upload.state != UploadState::open) return not_open();
  PartOutcome outcome;
  if (previous && same_ids(previous->extents, part.extents) && previous->size == part.size) {
    outcome.winner = *previous;  // a repeat of the call that recorded it
    touch(upload, expires);
    return outcome;
  }
  std::set<Id128> mine = ids_of(part.extents);
  auto is_mine = [&](const Registered& one) { return mine.count(one.extent.id) > 0; };
  auto registered = std::count_if(upload.registered.begin(), upload.registered.end(), is_mine);
  if (static_cast<std::size_t>(registered) != mine.size() || mine.size() != part.extents.size()) {
    return Error(Code::conflict, "A part names an extent that is not registered with its upload.");
  }
  bool stands = previous && (lost.empty() || !same_ids(previous->extents, lost));
  bool same = stands && previous->size == part.size && previous->sum == part.sum;
  if (same) {
    outcome.winner = *previous;
    outcome.winner.sender = part.sender;  // who sent it last has sent it, too
    outcome.recorded = outcome.winner != *previous;
    outcome.freed = part.extents;
  } else {
    std::uint64_t others = upload.stored - (previous ? previous->size : 0);
    if (others > max_total || part.size > max_total - others) {
      return Error(Code::body_too_large, "The parts together are larger than this token allows.");
    }
    outcome.winner = part;
    outcome.recorded = true;
    if (previous) outcome.freed = previous->extents;
    upload.stored = others + part.size;
    upload.part_count += previous ? 0 : 1;
    if (previous) count_out(upload, *previous);
    upload.part_extents += static_cast<std::uint32_t>(part.extents.size());
    if (part.number <= upload.run.parts) upload.run = HashRun{};
  }
  std::erase_if(upload.registered, is_mine);
  touch(upload, expires);
  return outcome;
}

AdvanceVerdict judge_advance(const Upload& upload, const std::optional<Part>& part,
                             const HashRun& expected, const HashRun& next,
                             const std::vector<Extent>& extents) {
  if (upload.run == next) return AdvanceVerdict::repeat;
  if (upload.run != expected) return AdvanceVerdict::lose;
  if (next == HashRun{}) return AdvanceVerdict::advance;
  const bool follows = part && part->number == next.parts && expected.parts + 1 == next.parts &&
                       same_ids(part->extents, extents) &&
                       expected.bytes + part->size == next.bytes &&
                       chain_after(expected.chain, *part) == next.chain;
  return follows ? AdvanceVerdict::advance : AdvanceVerdict::lose;
}

void drop_part(Upload& upload, const Part& part) {
  count_out(upload, part);
  upload.stored -= std::min(upload.stored, part.size);
  upload.part_count -= std::min(upload.part_count, 1U);
  if (part.number <= upload.run.parts) upload.run = HashRun{};
}

Result<void> seal(Upload& upload, std::uint32_t part_count, bool higher_part) {
  if (upload.state == UploadState::sealed) return {};
  if (upload.state != UploadState::open) return not_open();
  // Distinct numbers from 1, none above part_count, part_count of them: all are there.
  if (upload.part_count != part_count || higher_part) {
    return Error(Code::conflict, "Parts of this upload are missing, or there are more than named.");
  }
  upload.state = UploadState::sealed;
  ++upload.touches;
  return {};
}

Result<void> may_close(const Upload& upload, bool even_sealed) {
  if (upload.state == UploadState::sealed && !even_sealed) {
    return Error(Code::conflict, "This upload is being finished.");
  }
  return {};
}

bool may_expire(const Upload& upload, std::uint64_t touches) {
  return upload.state == UploadState::open && upload.touches == touches;
}

}  // namespace mas::meta::rules
