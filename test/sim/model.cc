#include "sim/model.h"

#include <algorithm>

#include "mas/codec/hash.h"

namespace mas::sim {
namespace {

// Longer than any message is on its way to the metadata store.
constexpr Duration kLastEffect = std::chrono::seconds(30);

}  // namespace

Change::~Change() {
  if (answered_) return;
  if (auto model = model_.lock()) model->settle_later(content_, number_);
}

void Change::acknowledge() {
  if (answered_) return;
  answered_ = true;
  if (auto model = model_.lock()) model->settle(content_, number_, Model::Outcome::happened);
}

void Change::refuse() {
  if (answered_) return;
  answered_ = true;
  if (auto model = model_.lock()) model->settle(content_, number_, Model::Outcome::refused);
}

Model::Model(World& world, std::vector<Content> contents)
    : world_(world), contents_(std::move(contents)), registers_(contents_.size()) {}

std::size_t Model::find(const Hash& hash) const {
  const auto found = std::find_if(contents_.begin(), contents_.end(),
                                  [&](const Content& content) { return content.hash == hash; });
  return static_cast<std::size_t>(found - contents_.begin());
}

std::shared_ptr<Change> Model::begin(std::size_t content, ChangeKind kind) {
  Register& about = registers_.at(content);
  Pending pending{kind, false};
  for (auto& [number, other] : about.pending) {
    if (other.kind == kind) continue;
    other.overlapped = true;
    pending.overlapped = true;
  }
  for (const auto& look : about.looks) {
    auto sight = look.lock();
    if (!sight) continue;
    (kind == ChangeKind::store ? sight->present : sight->absent) = true;
  }
  const std::uint64_t number = next_change_++;
  world_.note(kind == ChangeKind::store ? "change: store" : "change: remove", content, number);
  about.pending.emplace(number, pending);
  return std::make_shared<Change>(weak_from_this(), content, number);
}

void Model::settle(std::size_t content, std::uint64_t number, Outcome outcome) {
  Register& about = registers_.at(content);
  const auto found = about.pending.find(number);
  const Pending pending = found->second;
  about.pending.erase(found);
  constexpr const char* kNames[] = {"change happened", "change is unknown", "change refused"};
  world_.note(kNames[static_cast<std::size_t>(outcome)], content, number);
  if (outcome == Outcome::refused) return;
  const bool stored = pending.kind == ChangeKind::store;
  (stored ? about.present : about.absent) = true;
  // Alone and answered, it is what stands now.
  if (outcome == Outcome::happened && !pending.overlapped) {
    (stored ? about.absent : about.present) = false;
  }
}

void Model::settle_later(std::size_t content, std::uint64_t number) {
  world_.after(kLastEffect, [model = weak_from_this(), content, number] {
    if (auto self = model.lock()) self->settle(content, number, Outcome::unknown);
  });
}

bool Model::is_settled() const {
  return std::all_of(registers_.begin(), registers_.end(),
                     [](const Register& about) { return about.pending.empty(); });
}

void Model::set_clouded(bool clouded) {
  clouded_ = clouded;
  for (Register& about : registers_) {
    for (const auto& look : about.looks) {
      if (auto sight = look.lock()) *sight = {true, true};
    }
  }
}

void Model::may_return() {
  for (Register& about : registers_) about.present = true;
}

std::shared_ptr<Sight> Model::look(std::size_t content) {
  Register& about = registers_.at(content);
  auto sight = std::make_shared<Sight>(Sight{about.present, about.absent});
  for (const auto& [number, pending] : about.pending) {
    (pending.kind == ChangeKind::store ? sight->present : sight->absent) = true;
  }
  if (clouded_) *sight = {true, true};
  std::erase_if(about.looks, [](const auto& look) { return look.expired(); });
  about.looks.push_back(sight);
  return sight;
}

std::vector<Content> make_contents(Rand& rand, std::size_t count) {
  std::vector<Content> contents;
  for (std::size_t i = 0; i < count; ++i) {
    constexpr std::uint64_t kUpTo[] = {4'000, 4'000, 64'000, 64'000, 130'000, 200'000, 400'000};
    Content& content = contents.emplace_back();
    std::size_t size = i == 0 ? 0 : 1 + rand.below(kUpTo[rand.below(std::size(kUpTo))]);
    if (i + kBigContents >= count) size = kBigContent + rand.below(kBigContent);
    content.bytes.assign(size, 'c');
    // Every other 10,000 bytes compress.
    for (std::size_t at = 0; at < size; ++at) {
      if (at / 10'000 % 2 == 0) content.bytes[at] = static_cast<char>(rand.next());
    }
    content.hash = codec::sha256(as_bytes(content.bytes));
  }
  return contents;
}

}  // namespace mas::sim
