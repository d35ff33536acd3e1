// A MetaStore in front of another, for tests: every call goes through one function of the derived
// class, which may delay it, lose it or make it fail.
//
//   class Counting final : public MetaCalls<Counting> {
//    public:
//     using MetaCalls::MetaCalls;
//     template <class T>
//     Task<Result<T>> run(Task<Result<T>> call) { ++calls; return call; }
//   };
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "mas/meta/meta_store.h"

namespace mas::test {

// `Derived` has a member template run(); the task it is given has not begun. `inner` outlives this.
template <class Derived>
class MetaCalls : public meta::MetaStore {
 public:
  explicit MetaCalls(meta::MetaStore& inner) : inner_(&inner) {}

  Task<Result<std::optional<meta::Object>>> find(Hash hash) override {
    return self().run(inner_->find(hash));
  }
  Task<Result<meta::CommitResult>> commit(meta::Object object, std::uint64_t expected,
                                          std::optional<Id128> from) override {
    return self().run(inner_->commit(std::move(object), expected, from));
  }
  Task<Result<meta::Object>> condemn(Hash hash, std::uint64_t generation, std::uint64_t deletion,
                                     std::int64_t now) override {
    return self().run(inner_->condemn(hash, generation, deletion, now));
  }
  Task<Result<void>> set_damaged(Hash hash, std::uint64_t generation, bool damaged) override {
    return self().run(inner_->set_damaged(hash, generation, damaged));
  }
  Task<Result<void>> release(Hash hash, std::uint64_t generation, std::int64_t now) override {
    return self().run(inner_->release(hash, generation, now));
  }
  Task<Result<void>> erase(Hash hash, std::uint64_t generation, std::int64_t now) override {
    return self().run(inner_->erase(hash, generation, now));
  }
  Task<Result<meta::Object>> restore(meta::Object object, std::int64_t now) override {
    return self().run(inner_->restore(std::move(object), now));
  }
  Task<Result<meta::ObjectPage>> list(meta::ListQuery query) override {
    return self().run(inner_->list(std::move(query)));
  }
  Task<Result<std::vector<meta::Object>>> condemned(std::int64_t before,
                                                    std::uint32_t limit) override {
    return self().run(inner_->condemned(before, limit));
  }
  Task<Result<std::vector<meta::Object>>> released(std::uint64_t before,
                                                   std::uint32_t limit) override {
    return self().run(inner_->released(before, limit));
  }
  Task<Result<std::vector<meta::RecordVersion>>> versions(std::vector<Hash> hashes) override {
    return self().run(inner_->versions(std::move(hashes)));
  }
  Task<Result<void>> free_manifests(std::vector<meta::ManifestRange> manifests,
                                    std::int64_t now) override {
    return self().run(inner_->free_manifests(std::move(manifests), now));
  }
  Task<Result<std::vector<bool>>> referenced(std::vector<Id128> extents) override {
    return self().run(inner_->referenced(std::move(extents)));
  }
  Task<Result<bool>> expire(Id128 upload, std::uint64_t touches, std::int64_t now) override {
    return self().run(inner_->expire(upload, touches, now));
  }
  Task<Result<void>> free(std::vector<meta::Extent> extents, std::int64_t now) override {
    return self().run(inner_->free(std::move(extents), now));
  }
  Task<Result<std::vector<meta::FreedEntry>>> freed(std::uint64_t after,
                                                    std::uint32_t limit) override {
    return self().run(inner_->freed(after, limit));
  }
  Task<Result<void>> collected(std::string slot, std::uint64_t past,
                               std::vector<std::string> slots) override {
    return self().run(inner_->collected(std::move(slot), past, std::move(slots)));
  }
  Task<Result<meta::Upload>> open(meta::Upload upload) override {
    return self().run(inner_->open(std::move(upload)));
  }
  Task<Result<std::optional<meta::Upload>>> find_upload(Id128 id) override {
    return self().run(inner_->find_upload(id));
  }
  Task<Result<std::optional<meta::Upload>>> find_session(Hash hash, std::string session) override {
    return self().run(inner_->find_session(hash, std::move(session)));
  }
  Task<Result<void>> register_extent(Id128 upload, meta::Extent extent) override {
    return self().run(inner_->register_extent(upload, extent));
  }
  Task<Result<meta::PutPartResult>> put_part(Id128 upload, meta::Part part, std::int64_t expires,
                                             std::uint64_t max_total, std::int64_t now,
                                             std::vector<meta::Extent> lost) override {
    return self().run(
        inner_->put_part(upload, std::move(part), expires, max_total, now, std::move(lost)));
  }
  Task<Result<void>> discard(Id128 upload, std::vector<meta::Extent> extents,
                             std::int64_t now) override {
    return self().run(inner_->discard(upload, std::move(extents), now));
  }
  Task<Result<std::vector<meta::Part>>> parts(Id128 upload, std::uint32_t after,
                                              std::uint32_t limit) override {
    return self().run(inner_->parts(upload, after, limit));
  }
  Task<Result<bool>> advance_hash(Id128 upload, meta::HashRun expected, meta::HashRun next,
                                  std::vector<meta::Extent> extents) override {
    return self().run(
        inner_->advance_hash(upload, std::move(expected), std::move(next), std::move(extents)));
  }
  Task<Result<void>> progress(Id128 upload, Id128 extent, std::uint64_t durable) override {
    return self().run(inner_->progress(upload, extent, durable));
  }
  Task<Result<void>> drop_parts(Id128 upload, std::vector<meta::Part> parts,
                                std::int64_t now) override {
    return self().run(inner_->drop_parts(upload, std::move(parts), now));
  }
  Task<Result<void>> touch(Id128 upload, std::int64_t expires) override {
    return self().run(inner_->touch(upload, expires));
  }
  Task<Result<meta::Upload>> seal(Id128 upload, std::uint32_t part_count) override {
    return self().run(inner_->seal(upload, part_count));
  }
  Task<Result<void>> reopen(Id128 upload) override { return self().run(inner_->reopen(upload)); }
  Task<Result<void>> close(Id128 upload, bool even_sealed, std::int64_t now) override {
    return self().run(inner_->close(upload, even_sealed, now));
  }
  Task<Result<std::vector<meta::Upload>>> sealed(std::uint32_t limit) override {
    return self().run(inner_->sealed(limit));
  }
  Task<Result<std::optional<layout::Layout>>> current_layout() override {
    return self().run(inner_->current_layout());
  }
  Task<Result<void>> propose_layout(std::uint64_t expected, layout::Layout next) override {
    return self().run(inner_->propose_layout(expected, std::move(next)));
  }
  Task<Result<void>> acknowledge_layout(std::string member, std::uint64_t version) override {
    return self().run(inner_->acknowledge_layout(std::move(member), version));
  }
  Task<Result<std::vector<meta::Upload>>> uploads(std::optional<Id128> after,
                                                  std::uint32_t limit) override {
    return self().run(inner_->uploads(after, limit));
  }
  Task<Result<std::vector<meta::LayoutAck>>> layout_acknowledgements() override {
    return self().run(inner_->layout_acknowledgements());
  }
  Task<Result<std::uint64_t>> next_generation_after(std::uint64_t known,
                                                    std::uint32_t count) override {
    return self().run(inner_->next_generation_after(known, count));
  }
  Task<Result<void>> ping() override { return self().run(inner_->ping()); }
  Task<void> close_store() override { return inner_->close_store(); }

 protected:
  meta::MetaStore* inner_;

 private:
  Derived& self() { return static_cast<Derived&>(*this); }
};

}  // namespace mas::test
