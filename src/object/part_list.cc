#include "object/part_list.h"

#include <algorithm>

namespace mas::object {
namespace {

constexpr std::uint32_t kPage = 1000;
constexpr std::size_t kMostNamed = 1000;

}  // namespace

Task<Result<std::vector<meta::Part>>> all_parts(Context& context, Id128 upload) {
  std::vector<meta::Part> all;
  for (;;) {
    std::uint32_t after = all.empty() ? 0 : all.back().number;
    MAS_CO_TRY(std::vector<meta::Part> page,
               co_await context.deps.meta.parts(upload, after, kPage));
    if (page.empty()) co_return all;
    all.insert(all.end(), std::make_move_iterator(page.begin()),
               std::make_move_iterator(page.end()));
  }
}

std::uint64_t total_size(const std::vector<meta::Part>& parts) {
  std::uint64_t total = 0;
  for (const meta::Part& part : parts) total += part.size;
  return total;
}

std::vector<std::uint32_t> missing_parts(const std::vector<meta::Part>& parts,
                                         std::optional<std::uint32_t> count,
                                         std::optional<std::uint64_t> size) {
  std::vector<std::uint32_t> missing;
  std::uint32_t next = 1;
  auto skip_to = [&](std::uint32_t number) {
    for (; next < number && missing.size() < kMostNamed; ++next) missing.push_back(next);
  };
  for (const meta::Part& part : parts) {
    skip_to(part.number);
    next = std::max(next, part.number + 1);
    if (missing.size() == kMostNamed) return missing;
  }
  if (count) skip_to(std::min(*count, UINT32_MAX - 1) + 1);
  if (missing.empty() && size && total_size(parts) < *size) missing.push_back(next);
  return missing;
}

}  // namespace mas::object
