// Rebuilding what uploads leave behind that others overtook: by their numbers, not by clocks.
#include "rebuild_rig.h"

namespace mas::maintain {
namespace {

using test::hash_of;
using test::make_content;
using test::MemorySource;
using test::RebuildRig;

constexpr std::uint64_t kNever = UINT64_MAX;

struct Overtaken {
  std::uint64_t calls;  // of the upload
  bool stored;          // as the store says in the end
  bool rebuilt;         // as it says after a rebuild
  bool saw_deletion;    // what came back replaced the deletion, and so came later
};

// An upload that another one and its deletion overtake after call `nth`, and that ends before call
// `last`. `erased`: the record of the deletion is erased afterwards.
Overtaken overtake(std::uint64_t nth, std::uint64_t last, bool erased) {
  const std::string content = make_content(280'000, 5);
  const Hash hash = hash_of(content);
  RebuildRig rig;
  auto other = rig.objects.make_other();
  auto action = [&other, &content, hash]() -> Task<void> {
    MemorySource source(content);
    object::PutRequest request;
    auto put = other->put(std::move(request), source);
    must(co_await std::move(put));
    auto remove = other->remove(hash);
    must(co_await std::move(remove));
  };
  rig.objects.faults.after_nth(nth, action);
  rig.objects.faults.refuse_from(last);
  (void)rig.objects.put(content);
  Overtaken result{rig.objects.faults.calls(), false, false, false};
  rig.objects.faults.refuse_all(false);
  run_blocking(other->close());
  result.stored = rig.objects.find(hash).has_value();
  if (erased && !result.stored) rig.objects.forget_deleted(hash);
  rig.lose_metadata();
  must(rig.rebuild());
  Result<std::string> read = rig.objects.download(hash);
  result.rebuilt = read.has_value();
  result.saw_deletion = result.rebuilt && rig.record(hash)->replaces > 0;
  if (result.rebuilt) CHECK(*read == content);
  return result;
}

TEST_CASE("what an upload that was overtaken leaves behind does not undo the deletion") {
  const std::uint64_t calls = overtake(kNever, kNever, false).calls;
  for (std::uint64_t nth = 0; nth < calls; ++nth) {
    const Overtaken whole = overtake(nth, kNever, false);
    CHECK(whole.rebuilt == whole.stored);
    for (bool erased : {false, true}) {
      for (std::uint64_t last = nth + 1; last <= calls; ++last) {
        CAPTURE(erased, nth, last);
        const Overtaken cut = overtake(nth, last, erased);
        CHECK((cut.rebuilt == cut.stored || cut.saw_deletion));
      }
    }
  }
}

}  // namespace
}  // namespace mas::maintain
