#include "maintain/freed_words.h"

#include <algorithm>
#include <iterator>

#include "mas/layout/leavers.h"
#include "mas/observe/log.h"

namespace mas::maintain {
namespace {

constexpr std::uint64_t kWordGeneration = UINT64_MAX;
constexpr std::uint32_t kPage = 64;      // entries removed in a step
constexpr std::uint32_t kListed = 1000;  // entries in a look over the list
// Far more than the boards of all pods take: beyond it the newest are left to the grace.
constexpr std::size_t kMostWords = 10'000;
constexpr std::size_t kMostKept = 10'000;  // of a word; the rest is left to the grace
// Beyond the age of records: a download that has found its record has begun by then.
constexpr Duration kMargin = std::chrono::seconds(5);

}  // namespace

meta::ManifestRange word_for(const std::optional<Hash>& hash) {
  return {hash.value_or(Hash{}), kWordGeneration, kWordGeneration};
}

bool is_word(const meta::FreedEntry& entry) {
  return entry.manifests && entry.manifests->first == kWordGeneration;
}

WordFollower::WordFollower(const Dependencies& deps, FreedRemover& remover, FreedTally& waiting,
                           FreedWords words)
    : deps_(deps), remover_(remover), waiting_(waiting), shared_(std::move(words)) {}

void WordFollower::see(const meta::FreedEntry& entry) {
  if (!is_word(entry)) return;
  Word word;
  word.at = entry.sequence;
  word.seen = deps_.clock.now();
  if (entry.manifests->hash != Hash{}) {
    word.hash = entry.manifests->hash;
  } else if (words_.size() > 1) {
    // What is under way goes on, however often all is asked for; what waits behind it this one
    // says.
    words_.erase(std::next(words_.begin()), words_.end());
  }
  if (words_.size() < kMostWords) words_.push_back(std::move(word));
  shared_.board.set_followed(words_.size());
}

void WordFollower::start_again() {
  words_.clear();
  shared_.board.set_followed(0);
  shared_.board.publish(Quiet{});
  shared_.board.tell("");
}

Task<Result<void>> WordFollower::put_asked() {
  std::vector<std::optional<Hash>> asked = shared_.board.take_asked();
  if (asked.empty()) co_return Result<void>();
  std::vector<meta::ManifestRange> entries;
  for (const std::optional<Hash>& hash : asked) entries.push_back(word_for(hash));
  const std::int64_t now = deps_.clock.wall().unix_seconds();
  Result<void> put = co_await deps_.meta.free_manifests(std::move(entries), now);
  if (put.has_error()) {
    for (const std::optional<Hash>& hash : asked) (void)shared_.board.ask_now(hash);
  }
  co_return put;
}

Task<Result<bool>> WordFollower::step(std::uint64_t past,
                                      std::function<Task<Result<void>>()> believe) {
  while (!words_.empty() && words_.front().at <= past) words_.pop_front();
  shared_.board.set_followed(words_.size());
  if (words_.empty()) {
    shared_.board.tell("");
    co_return false;
  }
  Word& word = words_.front();
  const Duration age = shared_.board.record_age() + kMargin;
  if (deps_.clock.now() - word.seen < age) {
    shared_.board.tell("It waits until no pod goes by an older record.");
    co_return false;
  }
  if (std::string why = why_not_freed_now(*deps_.view.current()); !why.empty()) {
    shared_.board.tell("It waits. " + why);
    co_return false;
  }
  word.past = std::max(word.past, past);
  if (!word.prepared) MAS_CO_CHECK(co_await prepare(word));
  std::optional<Ids> held = co_await held_by_all(word.at);
  if (!held) co_return false;
  auto believing = believe();
  MAS_CO_CHECK(co_await std::move(believing));
  if (word.past + 1 < word.at) {
    MAS_CO_TRY(auto page, co_await deps_.meta.freed(word.past, kPage));
    std::erase_if(page, [&](const meta::FreedEntry& entry) { return entry.sequence >= word.at; });
    word.past = page.size() == kPage ? page.back().sequence : word.at - 1;
    shared_.board.tell("It is being freed.");
    MAS_CO_CHECK(co_await remove(word, std::move(page), *std::move(held)));
    co_return true;
  }
  std::vector<meta::FreedEntry> again = std::exchange(word.kept, {});
  MAS_CO_CHECK(co_await remove(word, std::move(again), *std::move(held)));
  if (!word.kept.empty()) {
    shared_.board.tell("All but what downloads that are running read has been freed.");
    co_return false;
  }
  words_.pop_front();
  shared_.board.set_followed(words_.size());
  if (words_.empty()) shared_.board.tell("");
  co_return !words_.empty();
}

// Which extents the file left, if it is about one, and which of all are being read by this pod.
Task<Result<void>> WordFollower::prepare(Word& word) {
  // Those of before the word would be used again while the metadata cannot be reached.
  if (shared_.forget_records) shared_.forget_records();
  const Ids read = shared_.board.being_read();
  Quiet quiet{word.at, {}};
  std::vector<Id128> run;  // extents that were freed together, up to here
  std::int64_t run_at = 0;
  std::uint64_t after = word.past;
  for (bool more = true; more;) {
    MAS_CO_TRY(auto page, co_await deps_.meta.freed(after, kListed));
    more = page.size() == kListed;
    for (const meta::FreedEntry& entry : page) {
      after = entry.sequence;
      more = more && entry.sequence < word.at;
      if (entry.sequence >= word.at) break;
      if (entry.manifests) {
        // They stand right behind the extents of the record that went.
        const bool is_its_own = word.hash && entry.manifests->hash == *word.hash;
        if (is_its_own) word.only.insert(run.begin(), run.end());
        run.clear();
        continue;
      }
      if (read.contains(entry.extent.id)) quiet.held.push_back(entry.extent.id);
      if (entry.freed_at != run_at) run.clear();
      run_at = entry.freed_at;
      if (word.hash) run.push_back(entry.extent.id);
    }
  }
  word.prepared = true;
  shared_.board.publish(std::move(quiet));
  co_return Result<void>();
}

Task<std::optional<WordFollower::Ids>> WordFollower::held_by_all(std::uint64_t up_to) {
  const Quiet own = shared_.board.quiet();
  if (own.up_to < up_to) {
    shared_.board.tell("It waits: too many downloads are running.");
    co_return std::nullopt;
  }
  Ids held(own.held.begin(), own.held.end());
  auto view = deps_.view.current();
  for (std::size_t i = 0; i < view->layout.members.size(); ++i) {
    const auto member = static_cast<layout::MemberIndex>(i);
    if (member == view->self || !layout::is_present(view->layout.members[i])) continue;
    std::string unknown =
        "It waits for " + view->layout.members[i].slot + " to say what its downloads read.";
    if (!shared_.ask) {
      shared_.board.tell(std::move(unknown));
      co_return std::nullopt;
    }
    auto asking = shared_.ask(member);
    Result<std::string> share = co_await std::move(asking);
    Result<Quiet> theirs = share.has_value() ? quiet_in(*share) : share.error();
    if (theirs.has_error() || theirs->up_to < up_to) {
      shared_.board.tell(std::move(unknown));
      co_return std::nullopt;
    }
    held.insert(theirs->held.begin(), theirs->held.end());
  }
  co_return held;
}

Task<Result<void>> WordFollower::remove(Word& word, std::vector<meta::FreedEntry> entries,
                                        Ids held) {
  std::uint64_t removed = 0;
  for (const meta::FreedEntry& entry : entries) {
    if (entry.manifests) continue;
    if (word.hash && !word.only.contains(entry.extent.id)) continue;
    if (held.contains(entry.extent.id)) {
      if (word.kept.size() < kMostKept) word.kept.push_back(entry);
      continue;
    }
    MAS_CO_CHECK(co_await remover_.remove(entry));
    waiting_.removed_early(entry);
    ++removed;
  }
  if (removed > 0) log::info("collect.freed_now", {{"extents", removed}});
  co_return Result<void>();
}

}  // namespace mas::maintain
