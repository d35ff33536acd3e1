// What a pod keeps on its disk about its cluster, so that it knows another or an older metadata
// store when it sees one: the last two layouts and the highest generation. And how far it has
// counted its heartbeats, so that a clock that was set back does not make a later process look like
// an earlier.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mas/fs/fs.h"
#include "mas/layout/layout.h"

namespace mas::membership {

struct Kept {
  bool was_member = false;              // of `layouts`' cluster, at any time
  std::vector<layout::Layout> layouts;  // newest first, at most two
  std::uint64_t generation = 0;         // stored or heard of
  std::uint64_t sequence = 0;           // no heartbeat has said this one yet, nor any above it

  [[nodiscard]] bool knows_cluster() const { return !layouts.empty(); }
  [[nodiscard]] std::uint64_t version() const {
    return layouts.empty() ? 0 : layouts.front().version;
  }
  // `layout` is newer than all of them.
  void adopt(layout::Layout layout);
};

// doc/layout-format.md. Errors: corrupt.
[[nodiscard]] std::string encode_layouts(const Kept& kept);
[[nodiscard]] Result<Kept> decode_layouts(std::string_view bytes);
[[nodiscard]] std::string encode_generation(std::uint64_t generation);
[[nodiscard]] Result<std::uint64_t> decode_generation(std::string_view bytes);
[[nodiscard]] std::string encode_sequence(std::uint64_t sequence);
[[nodiscard]] Result<std::uint64_t> decode_sequence(std::string_view bytes);

// Blocking. Makes the directory if it is missing; it is there to stay when this returns.
[[nodiscard]] Result<void> make_kept_directory(fs::Fs& fs, const std::string& directory);
// Blocking. Absent files mean that the pod knows of no cluster. Errors: io, corrupt.
[[nodiscard]] Result<Kept> load_kept(fs::Fs& fs, const std::string& directory);
// Durable when they return.
[[nodiscard]] Result<void> save_layouts(fs::Fs& fs, const std::string& directory, const Kept& kept);
[[nodiscard]] Result<void> save_generation(fs::Fs& fs, const std::string& directory,
                                           std::uint64_t generation);
[[nodiscard]] Result<void> save_sequence(fs::Fs& fs, const std::string& directory,
                                         std::uint64_t sequence);

// What is wrong with a store that says this, given what is kept; empty if nothing is. `found` is
// nullptr if the store has no layout.
[[nodiscard]] std::string distrust_layout(const Kept& kept, const layout::Layout* found);
// What is wrong with a store that has never given generation `known`.
[[nodiscard]] std::string distrust_generation(std::uint64_t known);

}  // namespace mas::membership
