// The ledger of a whole cluster: shares as text, their sum, and when that is not to be trusted.
#include "mas/maintain/cluster_ledger.h"

#include "cluster_rig.h"

using namespace mas;
using namespace mas::test;
using Catch::Matchers::Contains;
using maintain::ClusterLedger;
using maintain::LedgerAdder;
using maintain::LedgerShare;
using maintain::LedgerSum;

namespace {

LedgerShare make_share(std::size_t from, std::size_t to) {
  LedgerShare share;
  for (std::size_t slice = from; slice < to; ++slice) share.picture.slices.set(slice);
  share.picture.rows = {{0, 10, 1000}, {2, 1, 100}};
  share.picture.survives = 0;
  share.picture.complete = true;
  share.picture.walked_at = 1000 + static_cast<std::int64_t>(from);
  share.picture.layout_version = 7;
  share.unexplained = {3, 300, 2};
  return share;
}

// Asks from pod 0; the others answer what they would tell, unless they are silent.
struct Asking {
  explicit Asking(ClusterRig& the_rig)
      : rig(the_rig),
        ledger(rig.pods[0]->ledger, rig.pods[0]->board, rig.clock,
               [this](layout::MemberIndex member) { return ask(member); }) {}

  Task<Result<std::string>> ask(layout::MemberIndex member) {
    ++asked;
    if (silent == member) co_return Error(Code::timeout, "The pod did not answer in time.");
    co_return maintain::encode(maintain::share_of(rig.pods[member]->ledger));
  }
  // Not what was asked within the last second.
  LedgerSum sum() {
    rig.clock.advance(std::chrono::seconds(1));
    return run_blocking_for(ledger.sum());
  }

  ClusterRig& rig;
  int asked = 0;
  std::optional<layout::MemberIndex> silent;
  ClusterLedger ledger;
};

}  // namespace

TEST_CASE("a share comes out of its text as it went in") {
  LedgerShare share = make_share(3, 200);
  share.picture.beyond_repair = 9;
  for (std::optional<int> survives :
       {std::optional<int>(-2), std::optional<int>(2), std::optional<int>()}) {
    share.picture.survives = survives;
    LedgerShare read = must(maintain::decode_share(maintain::encode(share)));
    CHECK(read.picture.rows == share.picture.rows);
    CHECK(read.picture.survives == survives);
    CHECK(read.picture.beyond_repair == 9);
    CHECK(read.picture.complete);
    CHECK(read.picture.walked_at == share.picture.walked_at);
    CHECK(read.picture.layout_version == 7);
    CHECK(read.picture.slices == share.picture.slices);
    CHECK(read.unexplained.shards == 3);
    CHECK(read.unexplained.records == 300);
    CHECK(read.unexplained.strays == 2);
  }
}

TEST_CASE("what is no share is refused") {
  const std::string good = maintain::encode(make_share(0, 256));
  auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    REQUIRE(text.find(from) != std::string::npos);
    return text.replace(text.find(from), from.size(), to);
  };
  must(maintain::decode_share(good));
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{}"), good.substr(0, good.size() - 1),
        with("\"v\":1", "\"v\":2"), with("\"v\":1", "\"v\":-1"), with("\"complete\":true,", ""),
        with("true", "1"), with("\"layout\":7", "\"layout\":\"7\""), with("ffff", "fff"),
        with("ffff", "ffgf"), with("\"survives\":0", "\"survives\":0.5"),
        with("\"survives\":0", "\"survives\":99"), with("[0,10,1000]", "[0,10]"),
        with("[0,10,1000]", "[100,10,1000]"), with("[0,10,1000]", "[0,-1,1000]"),
        with("[0,10,1000]", "7"), with("\"strays\":2", "\"strays\":null"),
        with("[[0", "[[[[[[[[0")}) {
    INFO(text);
    CHECK(code_of(maintain::decode_share(text)) == Code::corrupt);
  }
}

TEST_CASE("shares that fit add up, the worst and the oldest counting for all") {
  LedgerAdder adder(7);
  adder.add("mas-0", make_share(0, 100));
  LedgerShare other = make_share(100, 256);
  other.picture.rows = {{0, 5, 50}, {1, 2, 20}};
  other.picture.survives = 1;
  adder.add("mas-1", other);
  LedgerSum sum = adder.sum();
  CHECK(sum.partial.empty());
  CHECK(sum.picture.complete);
  std::vector<maintain::LedgerRow> expected{{0, 15, 1050}, {1, 2, 20}, {2, 1, 100}};
  CHECK(sum.picture.rows == expected);
  CHECK(sum.picture.survives == 0);
  CHECK(sum.picture.walked_at == 1000);
  CHECK(sum.unexplained.shards == 6);
  CHECK(sum.unexplained.strays == 4);
}

TEST_CASE("shares that do not fit are a partial sum, and why is said") {
  auto partial = [](LedgerShare second) {
    LedgerAdder adder(7);
    adder.add("mas-0", make_share(0, 100));
    adder.add("mas-1", second);
    return adder.sum().partial;
  };
  CHECK(partial(make_share(100, 256)).empty());
  CHECK_THAT(partial(make_share(99, 256)), Contains("walking again"));
  CHECK_THAT(partial(make_share(100, 255)), Contains("walking again"));
  LedgerShare unfinished = make_share(100, 256);
  unfinished.picture.complete = false;
  CHECK_THAT(partial(unfinished), Contains("mas-1 has not yet walked"));
  LedgerShare older = make_share(100, 256);
  older.picture.layout_version = 6;
  CHECK_THAT(partial(older), Contains("since the layout changed"));
  LedgerAdder adder(7);
  adder.add("mas-0", make_share(0, 256));
  adder.miss("mas-3", Error(Code::closed, "The pod cannot be reached."));
  CHECK(adder.sum().partial == "mas-3 does not tell its share: The pod cannot be reached.");
}

TEST_CASE("the pod that is asked adds up what all live pods have walked") {
  ClusterRig rig(6);
  std::uint64_t stripes = 0;
  for (std::size_t size : {3000u, 100'000u, 700'000u}) {
    stripes += stripes_of(must(rig.objects.put(make_content(size, size))).object).size();
  }
  Asking asking(rig);
  CHECK_THAT(asking.sum().partial, Contains("not yet walked"));
  CHECK(rig.walk());
  LedgerSum sum = asking.sum();
  CHECK(sum.partial.empty());
  REQUIRE(sum.picture.rows.size() == 1);
  CHECK(sum.picture.rows[0].stripes == stripes);
  CHECK(sum.picture.survives == 2);
  // Once a second at most.
  CHECK(asking.asked == 10);
  CHECK(run_blocking_for(asking.ledger.sum()).partial.empty());
  CHECK(asking.asked == 10);

  asking.silent = 4;
  CHECK_THAT(asking.sum().partial, Contains("mas-4 does not tell its share"));
  asking.silent.reset();
  // One that is down is not asked; the others have to walk over its share first.
  rig.go_down(4);
  asking.asked = 0;
  CHECK_THAT(asking.sum().partial, Contains("walking again"));
  CHECK(asking.asked == 4);
  CHECK(rig.walk());
  sum = asking.sum();
  CHECK(sum.partial.empty());
  CHECK(sum.picture.survives == 1);
  std::uint64_t counted = 0;
  for (const auto& row : sum.picture.rows) counted += row.stripes;
  CHECK(counted == stripes);
}
