#include "fixture.h"

using namespace mas;
using namespace mas::test;
using meta::HashRun;
using meta::Part;
using meta::Upload;

namespace {

// `run` and `part`; `state` stands for that of a hash.
HashRun behind(const HashRun& run, const Part& part, const std::string& state = "a state") {
  return HashRun{part.number, run.bytes + part.size, state, meta::chain_after(run.chain, part)};
}

const std::vector<meta::Extent> kNone;

// An upload with parts 1 and 2, and the runs over them.
struct Fixture : MetaFixture {
  Fixture() {
    upload = get(store().open(MetaFixture::upload()));
    one = part(upload.id, 1, 10);
    two = part(upload.id, 2, 20);
    first = behind({}, one);
    second = behind(first, two);
  }
  bool advance(const HashRun& expected, const HashRun& next, const Part& by) {
    return get(store().advance_hash(upload.id, expected, next, by.extents));
  }
  HashRun run() { return get(store().find_upload(upload.id))->run; }

  Upload upload;
  Part one, two;
  HashRun first, second;
};

}  // namespace

TEST_CASE("the hash runs over parts one by one, from the first") {
  Fixture f;
  f.put(f.upload.id, f.two);
  CHECK_FALSE(f.advance({}, f.first, f.one));
  f.put(f.upload.id, f.one);
  CHECK_FALSE(f.advance(f.first, f.second, f.two));
  CHECK_FALSE(f.advance({}, f.first, f.two));
  CHECK_FALSE(f.advance({}, f.second, f.two));
  CHECK(f.advance({}, f.first, f.one));
  CHECK(f.advance(f.first, f.second, f.two));
  CHECK(f.run() == f.second);
  CHECK_FALSE(
      f.get(f.store().advance_hash(f.MetaFixture::upload().id, {}, f.first, f.one.extents)));
}

TEST_CASE("a run that does not say what it is over is refused") {
  Fixture f;
  f.put(f.upload.id, f.one);
  HashRun longer = f.first, another = f.first;
  ++longer.bytes;
  another.chain.bytes[0] ^= 1;
  CHECK_FALSE(f.advance({}, longer, f.one));
  CHECK_FALSE(f.advance({}, another, f.one));
  CHECK(f.run() == HashRun{});
}

TEST_CASE("a run goes on only from the one that its hash went on from") {
  Fixture f;
  f.put(f.upload.id, f.one);
  f.put(f.upload.id, f.two);
  // The hash of these bytes of part 1, which is then sent again with others.
  CHECK(f.advance({}, f.first, f.one));
  Part other = f.part(f.upload.id, 1, 10, 9);
  f.put(f.upload.id, other);
  const HashRun others = behind({}, other, "another state");
  CHECK(f.advance({}, others, other));
  CHECK_FALSE(f.advance(f.first, f.second, f.two));
  CHECK(f.run() == others);
  CHECK(f.advance(others, behind(others, f.two), f.two));
}

TEST_CASE("an advance whose answer was lost is found done") {
  Fixture f;
  f.put(f.upload.id, f.one);
  f.put(f.upload.id, f.two);
  CHECK(f.advance({}, f.first, f.one));
  CHECK(f.advance({}, f.first, f.one));
  CHECK(f.advance(f.first, f.second, f.two));
  CHECK_FALSE(f.advance({}, f.first, f.one));
  CHECK(f.run() == f.second);
}

TEST_CASE("a run is started again only by who saw it as it is") {
  Fixture f;
  f.put(f.upload.id, f.one);
  f.put(f.upload.id, f.two);
  CHECK(f.advance({}, f.first, f.one));
  CHECK(f.advance(f.first, f.second, f.two));
  CHECK_FALSE(f.get(f.store().advance_hash(f.upload.id, f.first, {}, kNone)));
  CHECK(f.run() == f.second);
  CHECK(f.get(f.store().advance_hash(f.upload.id, f.second, {}, kNone)));
  CHECK(f.run() == HashRun{});
}

TEST_CASE("replacing a part inside the hash run starts the run again, one behind it does not") {
  Fixture f;
  f.put(f.upload.id, f.one);
  f.put(f.upload.id, f.two);
  CHECK(f.advance({}, f.first, f.one));
  f.put(f.upload.id, f.part(f.upload.id, 2, 20, 8));
  CHECK(f.run() == f.first);
  f.put(f.upload.id, f.part(f.upload.id, 1, 10));  // the same content
  CHECK(f.run() == f.first);
  f.put(f.upload.id, f.part(f.upload.id, 1, 10, 8));
  CHECK(f.run() == HashRun{});
}

TEST_CASE("dropping a part inside the hash run starts the run again, one behind it does not") {
  Fixture f;
  f.put(f.upload.id, f.one);
  f.put(f.upload.id, f.two);
  CHECK(f.advance({}, f.first, f.one));
  must(f.MetaFixture::run(f.store().drop_parts(f.upload.id, {f.two}, 5)));
  CHECK(f.run() == f.first);
  must(f.MetaFixture::run(f.store().drop_parts(f.upload.id, {f.one}, 5)));
  CHECK(f.run() == HashRun{});
}
