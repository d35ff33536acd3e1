#include "mas/fs/descriptors.h"

#include <sys/resource.h>

#include <algorithm>

namespace mas::fs {
namespace {

constexpr std::uint64_t kShares = 16;
// RocksDB takes no less.
constexpr std::uint64_t kFewestTables = 20, kMostTables = 256;
// A pod may have thousands of segments.
constexpr std::uint64_t kFewestSegments = 8, kMostSegments = 512;
// A database's log, manifest, lock and directories, and what its flushes and compactions write; and
// the segments that are written, compacted and looked through.
constexpr std::uint64_t kOthersOfDatabase = 12;
constexpr std::uint64_t kOthersOfVolume = 8;

std::uint32_t share(std::uint64_t limit, std::size_t volumes, std::uint64_t fewest,
                    std::uint64_t most) {
  const std::uint64_t each = limit / (kShares * std::max<std::size_t>(volumes, 1));
  return static_cast<std::uint32_t>(std::clamp(each, fewest, most));
}

}  // namespace

bool is_exhausted(const Error& error) { return error.code() == Code::busy; }

Error exhausted() {
  return {Code::busy, "The server is short of file descriptors or memory; try again shortly."};
}

std::uint64_t descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;  // the usual one
  return limit.rlim_cur;
}

std::uint32_t most_open_tables(std::uint64_t limit, std::size_t volumes) {
  return share(limit, volumes, kFewestTables, kMostTables);
}

std::uint32_t most_open_segments(std::uint64_t limit, std::size_t volumes) {
  return share(limit, volumes, kFewestSegments, kMostSegments);
}

std::uint64_t descriptors_of_files(std::uint64_t limit, std::size_t volumes) {
  const std::uint64_t of_volume = most_open_tables(limit, volumes) + kOthersOfDatabase +
                                  most_open_segments(limit, volumes) + kOthersOfVolume;
  return most_open_tables(limit, 1) + kOthersOfDatabase + volumes * of_volume;
}

}  // namespace mas::fs
