#include "mas/meta/hand_over.h"

#include <algorithm>

#include "mas/observe/log.h"

namespace mas::meta {
namespace {

constexpr std::uint32_t kPage = 500;

Error not_empty(std::string_view what) {
  return Error(Code::conflict, "The metadata store is not empty: it holds " + std::string(what) +
                                   " that this pod does not know. Give the cluster an empty one.");
}

class HandOver {
 public:
  HandOver(MetaStore& from, MetaStore& to) : from_(from), to_(to) {}

  Task<Result<HandedOver>> run() {
    MAS_CO_TRY(auto layout, co_await from_.current_layout());
    if (!layout) co_return Error(Code::refused, "There is no layout to hand over.");
    MAS_CO_TRY(auto there, co_await to_.current_layout());
    if (there && there->cluster != layout->cluster) {
      co_return Error(Code::refused,
                      "The metadata store belongs to another cluster; this pod's own records "
                      "cannot be handed over to it.");
    }
    if (there) {
      done_.already = true;
      co_return done_;
    }
    MAS_CO_CHECK(co_await carry_generation());
    MAS_CO_CHECK(co_await carry_objects());
    MAS_CO_CHECK(co_await carry_uploads());
    MAS_CO_CHECK(co_await carry_freed());
    MAS_CO_CHECK(co_await compare());
    Result<void> proposed = co_await to_.propose_layout(0, *layout);
    if (proposed.has_error()) {
      // Its answer may have been lost the first time.
      MAS_CO_TRY(there, co_await to_.current_layout());
      if (!there || there->cluster != layout->cluster) co_return proposed.error();
    }
    co_return done_;
  }

 private:
  // So that `to` gives none again that `from` has given.
  Task<Result<void>> carry_generation() {
    MAS_CO_TRY(const std::uint64_t next, co_await from_.next_generation(1));
    MAS_CO_TRY(const std::uint64_t reached, co_await to_.next_generation(1));
    if (reached >= next) co_return Result<void>();
    std::uint64_t left = next - reached;
    while (left > 0) {
      const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(left, 1U << 30U));
      MAS_CO_CHECK(co_await to_.next_generation(count));
      left -= count;
    }
    co_return Result<void>();
  }

  Task<Result<void>> carry_objects() {
    ListQuery query;
    query.limit = kPage;
    query.include_condemned = true;
    do {
      MAS_CO_TRY(ObjectPage page, co_await from_.list(query));
      for (Object& object : page.objects) MAS_CO_CHECK(co_await carry(std::move(object)));
      query.after = page.next;
    } while (query.after);
    co_return Result<void>();
  }

  // A deleted one is made and deleted again: its own generation is the deletion's, the one before
  // it is as good as any for what was deleted.
  Task<Result<void>> carry(Object object) {
    ++done_.objects;
    MAS_CO_TRY(auto there, co_await to_.find(object.hash));
    if (there && *there == object) co_return Result<void>();
    Object live = object;
    const bool condemned = object.state == ObjectState::condemned;
    if (condemned) {
      live.state = ObjectState::live;
      live.condemned_at = 0;
      live.generation = object.generation - 1;
    }
    if (!there) {
      MAS_CO_TRY(CommitResult made, co_await to_.commit(live, 0, std::nullopt));
      if (!made.committed) co_return not_empty("a file");
    } else if (there->extents != object.extents) {
      co_return not_empty("a file");
    }
    if (object.damaged) {
      MAS_CO_CHECK(co_await to_.set_damaged(object.hash, live.generation, true));
    }
    if (!condemned) co_return Result<void>();
    Result<Object> deleted =
        co_await to_.condemn(object.hash, live.generation, object.generation, object.condemned_at);
    if (deleted.has_error()) co_return deleted.error();
    // Sequences of `from` mean nothing to `to`: there it waits for everybody anew.
    if (object.released == 0) co_return Result<void>();
    co_return co_await to_.release(object.hash, object.generation, object.condemned_at);
  }

  Task<Result<void>> carry_uploads() {
    std::optional<Id128> after;
    for (;;) {
      MAS_CO_TRY(auto page, co_await from_.uploads(after, kPage));
      for (Upload& upload : page) MAS_CO_CHECK(co_await carry(std::move(upload)));
      if (page.size() < kPage) co_return Result<void>();
      after = page.back().id;
    }
  }

  Task<Result<void>> carry(Upload upload) {
    ++done_.uploads;
    MAS_CO_TRY(Upload there, co_await to_.open(upload));
    if (there.id != upload.id) co_return not_empty("an upload");
    if (there.state == UploadState::sealed) co_return Result<void>();
    for (const Registered& one : upload.registered) {
      MAS_CO_CHECK(co_await to_.register_extent(upload.id, one.extent));
      MAS_CO_CHECK(co_await to_.progress(upload.id, one.extent.id, one.durable));
    }
    std::uint32_t after = 0;
    for (;;) {
      MAS_CO_TRY(auto parts, co_await from_.parts(upload.id, after, kPage));
      for (const Part& part : parts) MAS_CO_CHECK(co_await carry(upload, part));
      if (parts.size() < kPage) break;
      after = parts.back().number;
    }
    if (upload.state != UploadState::sealed) co_return Result<void>();
    Result<Upload> sealed = co_await to_.seal(upload.id, upload.part_count);
    if (sealed.has_error()) co_return sealed.error();
    co_return Result<void>();
  }

  Task<Result<void>> carry(const Upload& upload, Part part) {
    ++done_.parts;
    MAS_CO_TRY(auto there, co_await to_.parts(upload.id, part.number - 1, 1));
    if (!there.empty() && there.front() == part) co_return Result<void>();
    for (const Extent& extent : part.extents) {
      MAS_CO_CHECK(co_await to_.register_extent(upload.id, extent));
    }
    MAS_CO_TRY(PutPartResult put,
               co_await to_.put_part(upload.id, part, upload.expires, UINT64_MAX, upload.created));
    if (put.winner.extents != part.extents) co_return not_empty("a part");
    co_return Result<void>();
  }

  Task<Result<void>> carry_freed() {
    std::uint64_t after = 0;
    for (;;) {
      MAS_CO_TRY(auto page, co_await from_.freed(after, kPage));
      for (const FreedEntry& freed : page) {
        ++done_.freed;
        MAS_CO_CHECK(co_await carry(freed));
      }
      if (page.size() < kPage) co_return Result<void>();
      after = page.back().sequence;
    }
  }

  // Manifests are listed again by a repeat, which only has them looked for twice.
  Task<Result<void>> carry(FreedEntry freed) {
    if (freed.manifests) {
      std::vector<ManifestRange> manifests{*freed.manifests};
      co_return co_await to_.free_manifests(std::move(manifests), freed.freed_at);
    }
    std::vector<Extent> extents{freed.extent};
    co_return co_await to_.free(std::move(extents), freed.freed_at);
  }

  // Everything once more, side by side.
  Task<Result<void>> compare() {
    ListQuery query;
    query.limit = kPage;
    query.include_condemned = true;
    ListQuery other = query;
    std::vector<Object> ours;
    std::vector<Object> theirs;
    bool our_end = false;
    bool their_end = false;
    while (!our_end || !their_end || !ours.empty() || !theirs.empty()) {
      MAS_CO_CHECK(co_await fill(from_, query, ours, our_end));
      MAS_CO_CHECK(co_await fill(to_, other, theirs, their_end));
      const std::size_t both = std::min(ours.size(), theirs.size());
      if (both == 0 && (!ours.empty() || !theirs.empty())) co_return not_empty("a file");
      for (std::size_t i = 0; i < both; ++i) {
        if (ours[i].hash != theirs[i].hash || ours[i].extents != theirs[i].extents ||
            ours[i].state != theirs[i].state || ours[i].generation != theirs[i].generation) {
          co_return not_empty("a file");
        }
      }
      ours.erase(ours.begin(), ours.begin() + static_cast<std::ptrdiff_t>(both));
      theirs.erase(theirs.begin(), theirs.begin() + static_cast<std::ptrdiff_t>(both));
    }
    co_return Result<void>();
  }

  static Task<Result<void>> fill(MetaStore& store, ListQuery& query, std::vector<Object>& into,
                                 bool& end) {
    while (into.empty() && !end) {
      MAS_CO_TRY(ObjectPage page, co_await store.list(query));
      into = std::move(page.objects);
      query.after = page.next;
      end = !page.next;
    }
    co_return Result<void>();
  }

  MetaStore& from_;
  MetaStore& to_;
  HandedOver done_;
};

}  // namespace

Task<Result<HandedOver>> hand_over(MetaStore& from, MetaStore& to) {
  HandOver work(from, to);
  co_return co_await work.run();
}

}  // namespace mas::meta
