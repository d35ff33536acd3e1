// What operators are told of what waits to be collected.
#include "mas/maintain/freed_board.h"

#include "mas/fs/fault_fs.h"
#include "rig.h"
#include "support/inline_pool.h"

using namespace mas;
using namespace mas::test;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

struct Fixture : MaintainRig {
  Fixture() { start(); }
  void start() {
    maintain::MarksFile file{*disk, "/freed-marks", pool};
    worker = maintain::make_collect_worker(options, deps(), nullptr, std::move(file),
                                           maintain::FreedWords{board});
  }
  Duration look() {
    for (;;) {
      const Duration rest = must(step(*worker));
      if (rest > Duration(0)) return rest;
    }
  }
  void watch(Duration time) {
    const Instant end = clock.now() + time;
    while (clock.now() < end) {
      look();
      clock.advance(options.collect_interval);
    }
    look();
  }
  void free(std::uint64_t length, Profile profile = {1, 0}) {
    meta::Extent freed = extent();
    freed.length = length;
    freed.profile = profile;
    put_shards(freed);
    must(run_blocking_for(meta->free({freed}, now())));
  }
  [[nodiscard]] Duration next() { return board.until(board.outlook().next); }
  [[nodiscard]] Duration all() { return board.until(board.outlook().all); }

  std::unique_ptr<fs::FaultFs> disk = fs::make_fault_fs(1);
  InlinePool pool;
  maintain::FreedBoard board{metrics, clock, std::chrono::seconds(5)};
  std::unique_ptr<maintain::Worker> worker;
};

}  // namespace

TEST_CASE("what was deleted is counted until it is collected, and dated") {
  Fixture f;
  f.look();
  CHECK(f.board.outlook().entries == 0);
  CHECK(f.next() == Duration(0));

  f.free(1'000);
  f.free(800, Profile{4, 2});
  const meta::Object deleted = f.put_object();
  f.condemn(deleted);
  f.look();
  // The object's extent, and the entry of its manifests.
  CHECK(f.board.outlook().entries == 4);
  CHECK(f.board.outlook().bytes == 1'000 + 1'200 + 100);
  CHECK(f.next() == hours(24));
  CHECK(f.all() == hours(24));

  f.watch(hours(12));
  CHECK(f.next() <= hours(12));
  CHECK(f.next() > hours(11));
  f.free(5'000);
  f.look();
  CHECK(f.board.outlook().entries == 5);
  CHECK(f.all() > hours(23));
  CHECK(f.next() <= hours(12));

  // Of a process that begins anew, too.
  f.watch(hours(1));
  f.start();
  f.look();
  CHECK(f.board.outlook().entries == 5);
  CHECK(f.board.outlook().bytes == 7'300);
  CHECK(f.next() < hours(12));

  f.watch(hours(12));
  CHECK(f.board.outlook().bytes == 5'000);
  f.watch(hours(14));
  CHECK(f.board.outlook().bytes == 0);
}

TEST_CASE("while the disk is full, it is looked often for what was deleted") {
  Fixture f;
  CHECK(f.look() == f.options.collect_interval);
  const store::Usage before = f.store.usage();
  store::Usage usage;
  usage.not_writable_reason = "The disk is full.";
  f.store.set_usage(usage);
  CHECK(f.look() <= std::chrono::seconds(10));
  // There may be room for small files.
  f.store.set_usage(before);
  CHECK(f.look() == f.options.collect_interval);
  CHECK_FALSE(f.board.note_full());
  CHECK(f.board.note_full());
  CHECK(f.look() <= std::chrono::seconds(10));
  f.clock.advance(minutes(11));
  CHECK(f.look() == f.options.collect_interval);
}
