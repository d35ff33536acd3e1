#include "fs/fault_tree.h"

#include <algorithm>
#include <functional>

#include "fs/errors.h"

namespace mas::fs {
namespace {

std::vector<std::string> components(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start < path.size();) {
    const auto end = std::min(path.find('/', start), path.size());
    auto part = path.substr(start, end - start);
    if (!part.empty() && part != ".") parts.push_back(std::move(part));
    start = end + 1;
  }
  return parts;
}

Error missing(const std::string& path) {
  return {Code::not_found, describe("no such file or directory:", path)};
}

std::uint64_t used_below(const FaultNode& node) {
  std::uint64_t total = round_up(node.content.size(), kBlockSize);
  for (const auto& [name, entry] : node.entries) {
    if (entry.now) total += used_below(*entry.now);
  }
  return total;
}

// Copies nodes, each once, so that two names of one file still share it in the copy.
class Copier {
 public:
  // How to copy one node but for the nodes it points to, which are copied in turn.
  using Shallow = std::function<FaultNode(const FaultNode&)>;

  explicit Copier(Shallow shallow) : shallow_(std::move(shallow)) {}

  NodePointer copy(const NodePointer& node) {
    if (!node) return nullptr;
    if (const auto done = copies_.find(node.get()); done != copies_.end()) return done->second;
    auto result = std::make_shared<FaultNode>(shallow_(*node));
    copies_.emplace(node.get(), result);
    for (auto& [name, entry] : result->entries) entry = {copy(entry.now), copy(entry.durable)};
    for (auto& changes : result->unsynced) {
      for (auto& [name, target] : changes) target = copy(target);
    }
    return result;
  }

 private:
  Shallow shallow_;
  std::map<const FaultNode*, NodePointer> copies_;
};

}  // namespace

bool FaultNode::has_entries() const {
  return std::any_of(entries.begin(), entries.end(),
                     [](const auto& item) { return item.second.now != nullptr; });
}

void FaultNode::change(EntryChanges changes) {
  for (const auto& [name, target] : changes) entries[name].now = target;
  unsynced.push_back(std::move(changes));
}

void FaultNode::sync_entries() {
  for (auto& [name, entry] : entries) entry.durable = entry.now;
  std::erase_if(entries, [](const auto& item) { return item.second.now == nullptr; });
  unsynced.clear();
}

std::map<std::string, FaultEntry> FaultNode::entries_after_power_loss(Rng& rng, double keep) const {
  std::map<std::string, FaultEntry> left;
  if (ordered) {
    for (const auto& [name, entry] : entries) left[name].now = entry.durable;
    const auto all = unsynced.size();
    const auto done = keep <= 0.0 ? 0 : keep >= 1.0 ? all : rng.u64() % (all + 1);
    for (std::size_t i = 0; i < done; ++i) {
      for (const auto& [name, target] : unsynced[i]) left[name].now = target;
    }
  } else {
    for (const auto& [name, entry] : entries) {
      const bool kept = entry.is_synced() || chance(rng, keep);
      left[name].now = kept ? entry.now : entry.durable;
    }
  }
  std::erase_if(left, [](const auto& item) { return item.second.now == nullptr; });
  for (auto& [name, entry] : left) entry.durable = entry.now;
  return left;
}

FaultTree::FaultTree() : root_(std::make_shared<FaultNode>()) { root_->is_directory = true; }

NodePointer FaultTree::find(const std::string& path) const {
  NodePointer node = root_;
  for (const auto& part : components(path)) {
    const auto found = node->entries.find(part);
    if (found == node->entries.end() || !found->second.now) return nullptr;
    node = found->second.now;
  }
  return node;
}

Result<FaultTree::Place> FaultTree::place_of(const std::string& path) const {
  auto parts = components(path);
  if (parts.empty()) return Error(Code::already_exists, "the root directory cannot be changed");
  auto name = std::move(parts.back());
  parts.pop_back();
  NodePointer node = root_;
  for (const auto& part : parts) {
    const auto found = node->entries.find(part);
    if (found == node->entries.end() || !found->second.now) return missing(path);
    node = found->second.now;
  }
  if (!node->is_directory) return missing(path);
  return Place{std::move(node), std::move(name)};
}

Result<NodePointer> FaultTree::create(const std::string& path, bool directory) {
  MAS_TRY(const auto place, place_of(path));
  const auto found = place.directory->entries.find(place.name);
  if (found != place.directory->entries.end() && found->second.now) {
    return Error(Code::already_exists, describe("already there:", path));
  }
  auto node = std::make_shared<FaultNode>();
  node->is_directory = directory;
  place.directory->change({{place.name, node}});
  return node;
}

Result<void> FaultTree::remove(const std::string& path) {
  MAS_TRY(const auto place, place_of(path));
  const auto found = place.directory->entries.find(place.name);
  if (found == place.directory->entries.end() || !found->second.now) return missing(path);
  if (found->second.now->has_entries()) {
    return Error(Code::already_exists, describe("not empty:", path));
  }
  place.directory->change({{place.name, nullptr}});
  return {};
}

Result<void> FaultTree::rename(const std::string& from, const std::string& to) {
  MAS_TRY(const auto source, place_of(from));
  MAS_TRY(const auto target, place_of(to));
  const auto node = find(from);
  if (!node) return missing(from);
  const auto replaced = find(to);
  if (replaced == node) return {};
  if (replaced && replaced->has_entries()) {
    return Error(Code::already_exists, describe("not empty:", to));
  }
  if (source.directory == target.directory) {
    source.directory->change({{target.name, node}, {source.name, nullptr}});
  } else {
    target.directory->change({{target.name, node}});
    source.directory->change({{source.name, nullptr}});
  }
  return {};
}

Result<void> FaultTree::sync(const std::string& path) {
  const auto node = find(path);
  if (!node || !node->is_directory) return missing(path);
  node->sync_entries();
  return {};
}

std::uint64_t FaultTree::used() const { return used_below(*root_); }

FaultTree FaultTree::copy() const {
  Copier copier([](const FaultNode& node) { return node; });
  FaultTree result;
  result.root_ = copier.copy(root_);
  return result;
}

FaultTree FaultTree::after_power_loss(Rng& rng, double keep) const {
  Copier copier([&](const FaultNode& node) {
    FaultNode left;
    left.is_directory = node.is_directory;
    left.ordered = node.ordered;
    left.content = node.content.after_power_loss(rng, keep);
    left.entries = node.entries_after_power_loss(rng, keep);
    return left;
  });
  FaultTree result;
  result.root_ = copier.copy(root_);
  return result;
}

}  // namespace mas::fs
