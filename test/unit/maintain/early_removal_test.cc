// What never was part of a file does not wait for the grace of deleted files.
#include "collect_rig.h"
#include "mas/maintain/freed_board.h"

using namespace mas;
using namespace mas::test;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

struct Fixture : CollectRig {
  void watch(Duration time) { step_for(*worker, time); }
  meta::Upload open() {
    meta::Upload upload;
    upload.id = rng->id();
    rng->fill(upload.hash.bytes);
    return get(meta->open(upload));
  }
  // An extent that the upload was sent.
  meta::Extent send(const meta::Upload& upload) {
    meta::Extent sent = extent();
    must(run_blocking_for(meta->register_extent(upload.id, sent)));
    put_shards(sent);
    return sent;
  }
  meta::Extent record(const meta::Upload& upload, std::uint8_t content) {
    meta::Part part;
    part.number = 1;
    part.size = 100;
    part.sum.bytes[0] = content;
    part.extents = {send(upload)};
    (void)get(meta->put_part(upload.id, part, 0, UINT64_MAX, now()));
    return part.extents[0];
  }
};

}  // namespace

TEST_CASE(
    "parts that were replaced, bodies given up and sessions dropped go within the half hour") {
  Fixture f;
  meta::Upload upload = f.open(), dropped = f.open();
  const meta::Extent replaced = f.record(upload, 1), kept = f.record(upload, 2);
  const meta::Extent cut_off = f.send(upload), of_dropped = f.record(dropped, 1);
  must(run_blocking_for(f.meta->discard(upload.id, {cut_off}, f.now())));
  must(run_blocking_for(f.meta->close(dropped.id, false, f.now())));
  const meta::Object object = f.put_object();
  f.condemn(object);

  f.watch(minutes(9));
  for (const auto& extent : {replaced, cut_off, of_dropped}) CHECK(f.shards_of(extent) == 4);
  f.watch(minutes(20));
  for (const auto& extent : {replaced, cut_off, of_dropped}) CHECK(f.shards_of(extent) == 0);
  CHECK(f.shards_of(kept) == 4);
  // Somebody may be reading the deleted file.
  f.watch(hours(23));
  CHECK(f.shards_of(object.extents[0]) == 4);
  f.watch(hours(2));
  CHECK(f.shards_of(object.extents[0]) == 0);
  CHECK(f.shards_of(kept) == 4);
  for (const meta::FreedEntry& entry : f.get(f.meta->freed(0, 10))) CHECK(entry.manifests);
}

TEST_CASE("what a write under way stored after the early removal goes with the grace") {
  Fixture f;
  meta::Upload upload = f.open();
  const meta::Extent cut_off = f.send(upload);
  must(run_blocking_for(f.meta->close(upload.id, false, f.now())));
  f.watch(minutes(30));
  REQUIRE(f.shards_of(cut_off) == 0);
  f.put_shards(cut_off);
  CHECK(f.get(f.meta->freed(0, 10)).size() == 1);
  f.watch(hours(25));
  CHECK(f.shards_of(cut_off) == 0);
}

TEST_CASE("a restart begins the margin anew, and many at once go in steps") {
  Fixture f;
  meta::Upload upload = f.open();
  std::vector<meta::Extent> sent;
  for (int i = 0; i < 700; ++i) sent.push_back(f.send(upload));
  must(run_blocking_for(f.meta->close(upload.id, false, f.now())));
  f.watch(minutes(8));
  f.start();
  f.watch(minutes(8));
  for (const meta::Extent& extent : sent) REQUIRE(f.shards_of(extent) == 4);
  f.watch(minutes(20));
  for (const meta::Extent& extent : sent) REQUIRE(f.shards_of(extent) == 0);
}

TEST_CASE("nothing goes early while the pod must not remove anything") {
  Fixture f;
  meta::Upload upload = f.open();
  const meta::Extent cut_off = f.send(upload);
  must(run_blocking_for(f.meta->close(upload.id, false, f.now())));
  membership::ClusterView view = f.alone();
  view.frozen_why = "The broker is away.";
  f.view.publish(view);
  f.watch(hours(2));
  CHECK(f.shards_of(cut_off) == 4);
  f.view.publish(f.alone());
  f.watch(minutes(30));
  CHECK(f.shards_of(cut_off) == 0);
}

TEST_CASE("up to when what was sent in vain is gone is told, and no further than it is") {
  Fixture f;
  maintain::FreedBoard board(f.metrics, f.clock, std::chrono::seconds(5));
  f.worker = maintain::make_collect_worker(f.options, f.deps(), nullptr, std::nullopt, {board});
  CHECK(board.gone_before() == Instant());
  f.watch(minutes(1));
  const Instant begun = f.clock.now();
  CHECK(begun - board.gone_before() <= f.options.collect_interval + minutes(1));
  meta::Upload upload = f.open();
  const meta::Extent sent = f.send(upload);
  must(run_blocking_for(f.meta->close(upload.id, false, f.now())));
  const Instant given_up = f.clock.now();
  membership::ClusterView view = f.alone();
  view.frozen_why = "The broker is away.";
  f.view.publish(view);
  f.watch(hours(2));
  CHECK(board.gone_before() <= given_up);
  f.view.publish(f.alone());
  for (int i = 0; i < 60; ++i) {
    f.watch(minutes(1));
    const bool told = board.gone_before() > given_up;
    if (told) CHECK(f.shards_of(sent) == 0);
  }
  CHECK(f.clock.now() - board.gone_before() <= minutes(30));
}
