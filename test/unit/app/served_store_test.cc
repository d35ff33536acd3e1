// What other pods are served of the store of one that has left.
#include "app/serve/served_store.h"

#include <catch2/catch.hpp>

#include "mas/membership/leavers.h"
#include "mas/runtime/io_threads.h"
#include "support/memory_store.h"
#include "support/must.h"

namespace {

using namespace mas;
using test::MemoryStore;

struct Rig {
  Rig() {
    membership::Pod self;
    self.self = true;
    membership::ClusterView view;
    view.pods.push_back(self);
    board.publish(std::move(view));
    for (const RecordKey& key : {shard, manifest}) must(put(key));
  }
  void leave() {
    membership::ClusterView view = *board.current();
    view.pods.front().last.state = membership::kReturned;
    board.publish(std::move(view));
  }
  Result<void> put(const RecordKey& key) {
    std::vector<Slice> pieces{Slice::copy_of(as_bytes(std::string("bytes")))};
    return run_blocking_for(served.put(key, std::move(pieces)));
  }

  const RecordKey shard = RecordKey::shard(Id128{{1}}, 0, 0);
  const RecordKey manifest = RecordKey::manifest(Hash{}, 7, 0);
  MemoryStore store{1};
  membership::ViewBoard board{membership::ClusterView{}};
  app::ServedStore served{store, board};
};

TEST_CASE("Who has left gives out shards, and nothing else") {
  Rig rig;
  CHECK(run_blocking_for(rig.served.read(rig.manifest, 0, 5)).has_value());
  CHECK(must(run_blocking_for(rig.served.list(std::nullopt, 10))).size() == 2);
  rig.leave();
  CHECK(must(run_blocking_for(rig.served.read(rig.shard, 0, 5))).size() == 5);
  CHECK(run_blocking_for(rig.served.stat(rig.shard)).has_value());
  CHECK(code_of(run_blocking_for(rig.served.read(rig.manifest, 0, 5))) == Code::not_found);
  CHECK(code_of(run_blocking_for(rig.served.stat(rig.manifest))) == Code::not_found);
  CHECK(code_of(run_blocking_for(rig.served.list(std::nullopt, 10))) == Code::refused);
  CHECK(code_of(rig.put(RecordKey::shard(Id128{{2}}, 0, 0))) == Code::refused);
  CHECK(code_of(run_blocking_for(rig.served.quarantine(rig.shard, 1))) == Code::refused);
  std::vector<RecordKey> keys{rig.shard};
  CHECK(code_of(run_blocking_for(rig.served.remove(std::move(keys)))) == Code::refused);
  CHECK(rig.store.keys().size() == 2);
}

}  // namespace
