#include <algorithm>
#include <cstring>

#include "codec/reed_solomon.h"
#include "codec/shard_format.h"
#include "codec/shard_header.h"
#include "mas/codec/stripe.h"

namespace mas::codec {
namespace {

Error invalid(const char* what) {
  return {Code::invalid_argument, std::string("Shards cannot be rebuilt: ") + what + "."};
}

// The same bytes at an address that Jerasure takes. What came from a socket may lie anywhere.
Slice aligned(const Slice& slice, BufferPool* buffers) {
  if (reinterpret_cast<std::uintptr_t>(slice.data()) % kCodingAlignment == 0) return slice;
  Buffer copy = take_buffer(buffers, slice.size());
  std::memcpy(copy.data(), slice.data(), slice.size());
  return std::move(copy).freeze(slice.size());
}

struct Plan {
  std::size_t length = 0;
  std::vector<int> survivors;  // k of them, data shards first
  std::vector<int> missing;    // wanted and not there
};

Result<Plan> plan(const Profile& profile, const std::vector<Slice>& have,
                  std::span<const int> wanted) {
  if (profile.k == 0 || profile.width() > format::kMaxWidth ||
      have.size() != static_cast<std::size_t>(profile.width())) {
    return invalid("the profile does not fit");
  }
  Plan plan;
  for (int number = 0; number < profile.width(); ++number) {
    const Slice& shard = have[number];
    if (shard.empty()) continue;
    if (plan.length == 0) plan.length = shard.size();
    if (shard.size() != plan.length) return invalid("their lengths differ");
    if (plan.survivors.size() < profile.k) plan.survivors.push_back(number);
  }
  if (plan.survivors.size() < profile.k) return invalid("too few are left");
  if (profile.k > 1 && plan.length % format::kSmallRounding != 0) {
    return invalid("their length is not a shard's");
  }
  for (int number : wanted) {
    if (number < 0 || number >= profile.width()) return invalid("a number is out of range");
    bool known = !have[number].empty() ||
                 std::find(plan.missing.begin(), plan.missing.end(), number) != plan.missing.end();
    if (!known) plan.missing.push_back(number);
  }
  return plan;
}

}  // namespace

Result<void> reconstruct(const Profile& profile, std::vector<Slice>& have,
                         std::span<const int> wanted, BufferPool* buffers) {
  MAS_TRY(Plan plan, codec::plan(profile, have, wanted));
  if (plan.missing.empty()) return {};
  if (profile.k == 1) {
    for (int number : plan.missing) have[number] = have[plan.survivors.front()];
    return {};
  }
  auto matrix = recovery_matrix(profile, plan.survivors, plan.missing);
  if (!matrix) return Error(Code::internal, "The coding matrix cannot be inverted.");

  std::vector<Slice> sources;
  for (int number : plan.survivors) sources.push_back(aligned(have[number], buffers));
  Buffer rebuilt = take_buffer(buffers, plan.missing.size() * plan.length);
  std::vector<const std::uint8_t*> from(sources.size());
  std::vector<std::uint8_t*> to(plan.missing.size());
  for (std::size_t at = 0; at < plan.length; at += kChecksumBlock) {
    for (std::size_t i = 0; i < from.size(); ++i) from[i] = sources[i].data() + at;
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = rebuilt.data() + i * plan.length + at;
    multiply(*matrix, from, to, std::min(kChecksumBlock, plan.length - at));
  }
  Slice all = std::move(rebuilt).freeze(plan.missing.size() * plan.length);
  for (std::size_t i = 0; i < plan.missing.size(); ++i) {
    have[plan.missing[i]] = all.sub(i * plan.length, plan.length);
  }
  return {};
}

}  // namespace mas::codec
