// The directories of the file system in memory: every entry knows what it is now and what it would
// be after a power loss.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fs/fault_content.h"
#include "mas/core/result.h"

namespace mas::fs {

struct FaultNode;
using NodePointer = std::shared_ptr<FaultNode>;

struct FaultEntry {
  NodePointer now;      // nullptr: removed
  NodePointer durable;  // nullptr: not there after a power loss

  [[nodiscard]] bool is_synced() const noexcept { return now == durable; }
};

// Changes of entries that reach the disk together.
using EntryChanges = std::vector<std::pair<std::string, NodePointer>>;

struct FaultNode {
  bool is_directory = false;
  FaultContent content;                       // of a file
  std::map<std::string, FaultEntry> entries;  // of a directory
  bool ordered = false;                       // its changes reach the disk in their order only
  std::vector<EntryChanges> unsynced;         // changes since it was synced

  [[nodiscard]] bool has_entries() const;
  // Changes entries; each must be there or be made by this.
  void change(EntryChanges changes);
  void sync_entries();
  // What of a directory's entries a power loss leaves.
  [[nodiscard]] std::map<std::string, FaultEntry> entries_after_power_loss(Rng& rng,
                                                                           double keep) const;
};

// Not thread-safe.
class FaultTree {
 public:
  FaultTree();

  // nullptr if there is nothing.
  [[nodiscard]] NodePointer find(const std::string& path) const;
  // Errors: not_found (its directory), already_exists.
  Result<NodePointer> create(const std::string& path, bool directory);
  // Errors: not_found, already_exists (a directory that is not empty).
  Result<void> remove(const std::string& path);
  // Errors: not_found, already_exists (the target is a directory that is not empty).
  Result<void> rename(const std::string& from, const std::string& to);
  // The entries of this directory, as they are now, are durable. Errors: not_found.
  Result<void> sync(const std::string& path);
  // Bytes in files, each rounded up to whole blocks.
  [[nodiscard]] std::uint64_t used() const;

  // Shares nothing with this tree.
  [[nodiscard]] FaultTree copy() const;
  [[nodiscard]] FaultTree after_power_loss(Rng& rng, double keep) const;

 private:
  struct Place {
    NodePointer directory;
    std::string name;
  };
  Result<Place> place_of(const std::string& path) const;

  NodePointer root_;
};

}  // namespace mas::fs
