// File descriptors, which are bounded like memory and disk: how a shortage of them is told from a
// fault of the disk, and how many of them files may hold, so that connections get only the rest.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mas/core/error.h"

namespace mas::fs {

// Whether opening something failed for want of descriptors or memory (EMFILE, ENFILE, ENOMEM).
// Nothing was touched then: it passes, and the call may be made again.
[[nodiscard]] bool is_exhausted(const Error& error);
// What a client is told then. Code `busy`.
[[nodiscard]] Error exhausted();

// How many this process may have open.
[[nodiscard]] std::uint64_t descriptor_limit();

// Most tables that one database keeps open, and most segments that one volume keeps open to be
// read, where there are `volumes` of them. A sixteenth of the limit each, shared by the volumes.
[[nodiscard]] std::uint32_t most_open_tables(std::uint64_t limit, std::size_t volumes);
[[nodiscard]] std::uint32_t most_open_segments(std::uint64_t limit, std::size_t volumes);
// What all files of a pod need at the most: those, and the ones that are written.
[[nodiscard]] std::uint64_t descriptors_of_files(std::uint64_t limit, std::size_t volumes);

}  // namespace mas::fs
