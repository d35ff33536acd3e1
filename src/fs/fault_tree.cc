#include "fs/fault_tree.h"

#include <algorithm>
#include <functional>
#include <vector>

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
  using Content = std::function<FaultContent(const FaultContent&)>;
  using Entry = std::function<FaultEntry(const FaultEntry&)>;  // which of its nodes stay

  Copier(Content content, Entry entry) : content_(std::move(content)), entry_(std::move(entry)) {}

  NodePointer copy(const NodePointer& node) {
    if (!node) return nullptr;
    if (const auto done = copies_.find(node.get()); done != copies_.end()) return done->second;
    auto result = std::make_shared<FaultNode>();
    copies_.emplace(node.get(), result);
    result->is_directory = node->is_directory;
    result->content = content_(node->content);
    for (const auto& [name, entry] : node->entries) {
      const auto chosen = entry_(entry);
      if (!chosen.now && !chosen.durable) continue;
      result->entries[name] = {copy(chosen.now), copy(chosen.durable)};
    }
    return result;
  }

 private:
  Content content_;
  Entry entry_;
  std::map<const FaultNode*, NodePointer> copies_;
};

}  // namespace

bool FaultNode::has_entries() const {
  return std::any_of(entries.begin(), entries.end(),
                     [](const auto& item) { return item.second.now != nullptr; });
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
  auto& entry = place.directory->entries[place.name];
  if (entry.now) return Error(Code::already_exists, describe("already there:", path));
  entry.now = std::make_shared<FaultNode>();
  entry.now->is_directory = directory;
  return entry.now;
}

Result<void> FaultTree::remove(const std::string& path) {
  MAS_TRY(const auto place, place_of(path));
  const auto found = place.directory->entries.find(place.name);
  if (found == place.directory->entries.end() || !found->second.now) return missing(path);
  if (found->second.now->has_entries()) {
    return Error(Code::already_exists, describe("not empty:", path));
  }
  found->second.now = nullptr;
  if (found->second.is_synced()) place.directory->entries.erase(found);
  return {};
}

Result<void> FaultTree::rename(const std::string& from, const std::string& to) {
  MAS_TRY(const auto source, place_of(from));
  MAS_TRY(const auto target, place_of(to));
  const auto node = find(from);
  if (!node) return missing(from);
  auto& replaced = target.directory->entries[target.name];
  if (replaced.now == node) return {};
  if (replaced.now && replaced.now->has_entries()) {
    return Error(Code::already_exists, describe("not empty:", to));
  }
  replaced.now = node;
  source.directory->entries[source.name].now = nullptr;
  return {};
}

Result<void> FaultTree::sync(const std::string& path) {
  const auto node = find(path);
  if (!node || !node->is_directory) return missing(path);
  for (auto& [name, entry] : node->entries) entry.durable = entry.now;
  std::erase_if(node->entries, [](const auto& item) { return item.second.now == nullptr; });
  return {};
}

std::uint64_t FaultTree::used() const { return used_below(*root_); }

FaultTree FaultTree::copy() const {
  Copier copier([](const FaultContent& content) { return content; },
                [](const FaultEntry& entry) { return entry; });
  FaultTree result;
  result.root_ = copier.copy(root_);
  return result;
}

FaultTree FaultTree::after_power_loss(Rng& rng, double keep) const {
  Copier copier([&](const FaultContent& content) { return content.after_power_loss(rng, keep); },
                [&](const FaultEntry& entry) {
                  const bool kept = entry.is_synced() || chance(rng, keep);
                  const auto& chosen = kept ? entry.now : entry.durable;
                  return FaultEntry{chosen, chosen};
                });
  FaultTree result;
  result.root_ = copier.copy(root_);
  return result;
}

}  // namespace mas::fs
