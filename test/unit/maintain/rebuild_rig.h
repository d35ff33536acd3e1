// Six pods in one process whose metadata is lost, older than the pods, or another cluster's, and a
// rebuild over them. Waits take no time.
#pragma once

#include <map>

#include "mas/maintain/rebuild.h"
#include "mas/meta/hand_over.h"
#include "support/object_rig.h"

namespace mas::test {

// What waits on it goes on at once.
class HurriedClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override { return system_->now(); }
  [[nodiscard]] WallTime wall() const override { return system_->wall(); }
  [[nodiscard]] std::unique_ptr<Timer> make_timer(Executor) override {
    return std::make_unique<NoTimer>();
  }

 private:
  class NoTimer final : public Timer {
   public:
    Task<bool> wait(Duration) override { co_return true; }
    void cancel() override {}
  };
  std::unique_ptr<Clock> system_ = make_system_clock();
};

class RebuildRig {
 public:
  explicit RebuildRig(std::size_t pods = 6) : objects({.pods = pods}), board_(view_of(pods)) {
    must(run_blocking_for(objects.meta().propose_layout(0, layout())));
  }

  [[nodiscard]] const layout::Layout& layout() { return objects.board().current()->layout; }

  // Files by their hash, as they should read back.
  Hash put(const std::string& content) {
    Hash hash = must(objects.put(content)).object.hash;
    files[hash] = content;
    return hash;
  }
  // The same in parts, through a session.
  Hash put_in_parts(const std::string& content, std::size_t part = 200'000) {
    const object::SessionKey key{hash_of(content), "s"};
    must(objects.init(key));
    std::uint32_t number = 0;
    for (std::size_t at = 0; at < content.size(); at += part) {
      must(objects.part(key, ++number, content.substr(at, part)));
    }
    REQUIRE(must(objects.finish(key)).receipt);
    files[key.hash] = content;
    return key.hash;
  }
  void remove(const Hash& hash) {
    must(objects.remove(hash));
    files.erase(hash);
  }
  // Of every kind that has its record elsewhere: copies, one stripe, several, parts, nothing.
  void put_some(std::uint64_t seed, int count = 2) {
    for (int i = 0; i < count; ++i, ++seed) {
      put(make_content(3'000 + seed, seed * 10));
      put(make_content(100'000 + seed, seed * 10 + 1));
      put(make_content(300'000 + seed, seed * 10 + 2));
      put_in_parts(make_content(500'000 + seed, seed * 10 + 3));
    }
  }

  // A store with what the present one holds.
  std::unique_ptr<meta::MetaStore> backup() {
    auto copy = meta::make_memory_meta();
    must(run_blocking_for(meta::hand_over(objects.meta(), *copy)));
    return copy;
  }
  void use(std::unique_ptr<meta::MetaStore> meta) {
    objects.replace_meta(std::move(meta), small_options());
  }
  void lose_metadata() { use(meta::make_memory_meta()); }

  void go_down(std::size_t pod) {
    objects.drop(pod);
    view_.pods[pod].alive = false;
    board_.publish(view_);
  }
  void come_back(std::size_t pod) {
    objects.bring_back(pod);
    view_.pods[pod].alive = true;
    board_.publish(view_);
  }
  // What the pod asked says of itself and of the others.
  membership::ClusterView& view() { return view_; }
  void publish() { board_.publish(view_); }

  Result<maintain::RebuildReport> rebuild(maintain::RebuildOptions options = {}) {
    maintain::RebuildDependencies deps{objects.failing_meta(), objects.transport(), board_, clock_,
                                       &objects.objects()};
    auto run = maintain::make_rebuild(options, deps);
    Result<void> done = run_blocking_for(run->run());
    report = run->report();
    if (done.has_error()) return done.error();
    return report;
  }

  // Everything put and not removed reads back, and the store lists nothing else.
  void check_files() {
    for (const auto& [hash, content] : files) {
      Result<std::string> read = objects.download(hash);
      INFO(hash.hex() << " of " << content.size() << " bytes");
      REQUIRE(read.has_value());
      CHECK(*read == content);
    }
    CHECK(live().size() == files.size());
  }
  std::vector<meta::Object> live() {
    meta::ListQuery query;
    query.limit = 1000;
    return must(run_blocking_for(objects.meta().list(query))).objects;
  }
  std::optional<meta::Object> record(const Hash& hash) {
    return must(run_blocking_for(objects.meta().find(hash)));
  }
  std::uint64_t next_generation() {
    return must(run_blocking_for(objects.meta().next_generation(1)));
  }
  std::optional<layout::Layout> stored_layout() {
    return must(run_blocking_for(objects.meta().current_layout()));
  }

  ObjectRig objects;
  std::map<Hash, std::string> files;
  maintain::RebuildReport report;  // of the last run, failed or not

 private:
  membership::ClusterView view_of(std::size_t pods) {
    view_.layout = layout();
    for (std::size_t i = 0; i < pods; ++i) {
      membership::Pod pod;
      pod.last.slot = view_.layout.members[i].slot;
      pod.last.incarnation = view_.layout.members[i].incarnation;
      pod.last.cluster = view_.layout.cluster;
      pod.last.layout_version = view_.layout.version;
      pod.self = i == 0;
      view_.pods.push_back(pod);
    }
    return view_;
  }

  HurriedClock clock_;
  membership::ClusterView view_;
  membership::ViewBoard board_;
};

}  // namespace mas::test
