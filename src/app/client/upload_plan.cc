#include "app/client/upload_plan.h"

#include <algorithm>

#include "mas/core/bytes.h"
#include "mas/core/units.h"

namespace mas::app {
namespace {

UploadPlan cut(std::uint64_t file_size, std::uint64_t part_size) {
  UploadPlan plan;
  plan.file_size = file_size;
  plan.part_size = part_size;
  plan.parts = static_cast<std::uint32_t>((file_size + part_size - 1) / part_size);
  return plan;
}

bool fits(const UploadPlan& plan, const std::vector<StoredPart>& stored) {
  if (plan.parts > kMaxParts) return false;
  return std::all_of(stored.begin(), stored.end(), [&plan](const StoredPart& part) {
    return part.number >= 1 && part.number <= plan.parts && part.size == plan.size_of(part.number);
  });
}

void find_missing(UploadPlan& plan, const std::vector<StoredPart>& stored) {
  std::vector<bool> have(plan.parts + 1, false);
  for (const StoredPart& part : stored) have[part.number] = true;
  for (std::uint32_t number = 1; number <= plan.parts; ++number) {
    if (!have[number]) plan.missing.push_back(number);
  }
}

}  // namespace

std::uint64_t UploadPlan::size_of(std::uint32_t number) const {
  std::uint64_t offset = offset_of(number);
  return offset >= file_size ? 0 : std::min(part_size, file_size - offset);
}

std::uint64_t UploadPlan::bytes_missing() const {
  std::uint64_t sum = 0;
  for (std::uint32_t number : missing) sum += size_of(number);
  return sum;
}

UploadPlan plan_upload(std::uint64_t file_size, std::uint64_t wanted,
                       const std::vector<StoredPart>& stored) {
  std::uint64_t least = round_up((file_size + kMaxParts - 1) / kMaxParts, kMiB);
  UploadPlan plan = cut(file_size, file_size > wanted * kMaxParts ? least : wanted);
  if (fits(plan, stored)) {
    find_missing(plan, stored);
    return plan;
  }
  // All parts but the last are equally long, so the longest stored one is the earlier cut's size,
  // unless only the last one is there.
  std::uint64_t longest = 0;
  for (const StoredPart& part : stored) longest = std::max(longest, part.size);
  if (longest > 0) {
    UploadPlan earlier = cut(file_size, longest);
    if (fits(earlier, stored)) {
      find_missing(earlier, stored);
      return earlier;
    }
  }
  plan.restart = true;
  find_missing(plan, {});
  return plan;
}

}  // namespace mas::app
