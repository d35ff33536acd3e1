#include <algorithm>

#include "fixture.h"

using namespace mas;
using namespace mas::test;
using meta::Extent;
using meta::Part;
using meta::Upload;
using meta::UploadState;

TEST_CASE("an opened upload is found by its id and, a session, by hash and session") {
  MetaFixture f;
  Upload asked = f.upload();
  asked.session = "mine";
  Upload opened = f.get(f.store().open(asked));
  CHECK(opened == asked);
  CHECK(f.get(f.store().find_upload(asked.id)) == opened);
  CHECK(f.get(f.store().find_session(asked.hash, "mine")) == opened);
  CHECK_FALSE(f.get(f.store().find_session(asked.hash, "")));
  CHECK_FALSE(f.get(f.store().find_session(f.hash(), "mine")));
  CHECK_FALSE(f.get(f.store().find_upload(f.upload().id)));
}

TEST_CASE("a session is opened once; opening it again keeps its parts and takes a new name") {
  MetaFixture f;
  Upload first = f.get(f.store().open(f.upload()));
  f.put(first.id, f.part(first.id, 1, 100));
  Upload again = f.upload();
  again.hash = first.hash;
  again.name = "";
  Upload kept = f.get(f.store().open(again));
  CHECK(kept.id == first.id);
  CHECK(kept.name == first.name);
  CHECK(kept.part_count == 1);
  again.name = "another";
  CHECK(f.get(f.store().open(again)).name == "another");
  CHECK(f.get(f.store().find_upload(first.id))->name == "another");
  CHECK_FALSE(f.get(f.store().find_upload(again.id)));
}

TEST_CASE("uploads of single requests are never shared") {
  MetaFixture f;
  Upload first = f.upload(meta::UploadKind::single);
  Upload second = f.upload(meta::UploadKind::single);
  second.hash = first.hash;
  CHECK(f.get(f.store().open(first)).id == first.id);
  CHECK(f.get(f.store().open(second)).id == second.id);
  CHECK_FALSE(f.get(f.store().find_session(first.hash, "")));
}

TEST_CASE("an extent is registered once and only with an open upload") {
  MetaFixture f;
  Upload upload = f.get(f.store().open(f.upload()));
  Extent extent = f.extent(0);
  CHECK(code_of(f.run(f.store().register_extent(f.upload().id, extent))) == Code::upload_not_open);
  must(f.run(f.store().register_extent(upload.id, extent)));
  must(f.run(f.store().register_extent(upload.id, extent)));
  CHECK(f.get(f.store().find_upload(upload.id))->registered ==
        std::vector<meta::Registered>{{extent, 0}});
  Upload other = f.get(f.store().open(f.upload()));
  CHECK(code_of(f.run(f.store().register_extent(other.id, extent))) == Code::conflict);
  f.get(f.store().seal(other.id, 0));
  CHECK(code_of(f.run(f.store().register_extent(other.id, f.extent()))) == Code::upload_not_open);
}

TEST_CASE("a part is recorded with the lengths it came with") {
  MetaFixture f;
  Upload upload = f.get(f.store().open(f.upload()));
  Part part;
  part.number = 3;
  part.size = 700;
  part.extents = {f.extent(0), f.extent(0)};
  for (const Extent& e : part.extents) must(f.run(f.store().register_extent(upload.id, e)));
  part.extents[0].length = 500;
  part.extents[1].length = 200;
  auto result = f.get(f.store().put_part(upload.id, part, 2000, UINT64_MAX, 5));
  CHECK(result.winner == part);
  CHECK(result.freed.empty());
  CHECK(result.stored == 700);
  CHECK(result.part_count == 1);
  Upload now = *f.get(f.store().find_upload(upload.id));
  CHECK(now.registered.empty());
  CHECK(now.expires == 2000);
  CHECK(now.stored == 700);
  CHECK(f.get(f.store().parts(upload.id, 0, 10)) == std::vector<Part>{part});
}

TEST_CASE("parts are listed in order of number, in pages") {
  MetaFixture f;
  Upload upload = f.get(f.store().open(f.upload()));
  Upload other = f.get(f.store().open(f.upload()));
  f.put(other.id, f.part(other.id, 2, 1));
  for (std::uint32_t number : {300U, 2U, 10'000U, 1U, 255U, 256U}) {
    f.put(upload.id, f.part(upload.id, number, number));
  }
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t after = 0;;) {
    auto page = f.get(f.store().parts(upload.id, after, 4));
    for (const Part& part : page) numbers.push_back(part.number);
    if (page.size() < 4) break;
    after = page.back().number;
  }
  CHECK(numbers == std::vector<std::uint32_t>{1, 2, 255, 256, 300, 10'000});
  CHECK(f.get(f.store().parts(f.upload().id, 0, 4)).empty());
}

TEST_CASE("the same part sent twice keeps the extents that came first") {
  MetaFixture f;
  Upload upload = f.get(f.store().open(f.upload()));
  Part first = f.part(upload.id, 1, 100, 9);
  Part second = f.part(upload.id, 1, 100, 9);
  f.put(upload.id, first);
  auto result = f.put(upload.id, second);
  CHECK(result.winner == first);
  CHECK(result.freed == second.extents);
  CHECK(result.stored == 100);
  CHECK(f.freed() == std::vector<Id128>{second.extents[0].id});
  CHECK(f.get(f.store().find_upload(upload.id))->registered.empty());
}

TEST_CASE("a put_part that is repeated frees nothing") {
  MetaFixture f;
  Upload upload = f.get(f.store().open(f.upload()));
  Part part = f.part(upload.id, 1, 100);
  f.put(upload.id, part);
  auto result = f.put(upload.id, part);
  CHECK(result.winner == part);
  CHECK(result.freed.empty());
  CHECK(result.part_count == 1);
  CHECK(f.freed().empty());
}

TEST_CASE("other content under a part's number takes its place") {
  MetaFixture f;
  Upload upload = f.get(f.store().open(f.upload()));
  Part first = f.part(upload.id, 1, 100, 1);
  f.put(upload.id, first);
  f.put(upload.id, f.part(upload.id, 2, 50));
  Part same_size = f.part(upload.id, 1, 100, 2);
  CHECK(f.put(upload.id, same_size).winner == same_size);
  Part longer = f.part(upload.id, 1, 130, 3);
  auto result = f.put(upload.id, longer);
  CHECK(result.winner == longer);
  CHECK(result.freed == same_size.extents);
  CHECK(result.stored == 180);
  CHECK(result.part_count == 2);
  CHECK(f.freed() == std::vector<Id128>{first.extents[0].id, same_size.extents[0].id});
}

TEST_CASE("a part that would make the upload too large is refused and changes nothing") {
  MetaFixture f;
  Upload upload = f.get(f.store().open(f.upload()));
  f.put(upload.id, f.part(upload.id, 1, 100));
  Upload before = *f.get(f.store().find_upload(upload.id));
  Part second = f.part(upload.id, 2, 51);
  before.registered = {{second.extents[0], 0}};
  ++before.touches;
  auto refused = f.run(f.store().put_part(upload.id, second, 5000, 150, 5));
  CHECK(code_of(refused) == Code::body_too_large);
  CHECK(f.get(f.store().find_upload(upload.id)) == before);
  CHECK(f.get(f.store().put_part(upload.id, second, 5000, 151, 5)).stored == 151);
  // What is replaced does not count.
  Part third = f.part(upload.id, 1, 100, 7);
  CHECK(f.get(f.store().put_part(upload.id, third, 5000, 151, 5)).stored == 151);
  Part huge = f.part(upload.id, 3, UINT64_MAX, 7);
  CHECK(code_of(f.run(f.store().put_part(upload.id, huge, 5000, UINT64_MAX, 5))) ==
        Code::body_too_large);
}

TEST_CASE("a part needs an open upload and registered extents") {
  MetaFixture f;
  Upload upload = f.get(f.store().open(f.upload()));
  Part stray;
  stray.number = 1;
  stray.size = 5;
  stray.extents = {f.extent(5)};
  CHECK(code_of(f.run(f.store().put_part(upload.id, stray, 1, UINT64_MAX, 1))) == Code::conflict);
  CHECK(code_of(f.run(f.store().put_part(f.upload().id, stray, 1, UINT64_MAX, 1))) ==
        Code::upload_not_open);
  stray.number = 0;
  CHECK(code_of(f.run(f.store().put_part(upload.id, stray, 1, UINT64_MAX, 1))) ==
        Code::invalid_argument);
  Part late = f.part(upload.id, 1, 5);
  f.get(f.store().seal(upload.id, 0));
  CHECK(code_of(f.run(f.store().put_part(upload.id, late, 1, UINT64_MAX, 1))) ==
        Code::upload_not_open);
}

TEST_CASE("an upload is sealed only when it has no holes") {
  MetaFixture f;
  Upload upload = f.get(f.store().open(f.upload()));
  f.put(upload.id, f.part(upload.id, 1, 10));
  f.put(upload.id, f.part(upload.id, 3, 10));
  for (std::uint32_t count : {0U, 1U, 2U, 3U, 4U}) {
    CHECK(code_of(f.run(f.store().seal(upload.id, count))) == Code::conflict);
  }
  CHECK(f.get(f.store().sealed(10)).empty());
  f.put(upload.id, f.part(upload.id, 2, 10));
  CHECK(code_of(f.run(f.store().seal(upload.id, 2))) == Code::conflict);
  CHECK(f.get(f.store().seal(upload.id, 3)).state == UploadState::sealed);
  CHECK(f.get(f.store().seal(upload.id, 3)).state == UploadState::sealed);
  CHECK(f.get(f.store().sealed(10)).size() == 1);
  CHECK(f.get(f.store().find_session(upload.hash, ""))->state == UploadState::sealed);
  must(f.run(f.store().reopen(upload.id)));
  must(f.run(f.store().reopen(upload.id)));
  CHECK(f.get(f.store().sealed(10)).empty());
  CHECK(f.get(f.store().find_upload(upload.id))->state == UploadState::open);
  CHECK(code_of(f.run(f.store().seal(f.upload().id, 0))) == Code::upload_not_open);
  CHECK(code_of(f.run(f.store().reopen(f.upload().id))) == Code::upload_not_open);
}

TEST_CASE("an upload is ended only as it was seen: open, and not touched since") {
  MetaFixture f;
  Upload upload = f.get(f.store().open(f.upload()));
  Part part = f.part(upload.id, 1, 10);
  f.put(upload.id, part);
  auto touches = [&] { return f.get(f.store().find_upload(upload.id))->touches; };
  const std::uint64_t seen = touches();
  must(f.run(f.store().touch(upload.id, 1)));
  CHECK_FALSE(f.get(f.store().expire(upload.id, seen, 60)));
  f.get(f.store().seal(upload.id, 1));
  CHECK_FALSE(f.get(f.store().expire(upload.id, touches(), 60)));
  must(f.run(f.store().reopen(upload.id)));
  CHECK(f.get(f.store().find_upload(upload.id)));
  const std::uint64_t last = touches();
  CHECK(f.get(f.store().expire(upload.id, last, 60)));
  CHECK_FALSE(f.get(f.store().expire(upload.id, last, 60)));
  CHECK_FALSE(f.get(f.store().find_session(upload.hash, "")));
  CHECK(f.freed() == std::vector<Id128>{part.extents[0].id});
}

TEST_CASE("every sign of life raises touches, and the estimate of the end never falls") {
  MetaFixture f;
  Upload asked = f.upload();
  asked.touches = 7;  // of the store it came from
  asked.expires = 5000;
  Upload upload = f.get(f.store().open(asked));
  CHECK(upload.touches == 7);
  std::uint64_t before = 7;
  auto rises = [&](Result<void> done) {
    must(std::move(done));
    Upload now = *f.get(f.store().find_upload(upload.id));
    CHECK(now.touches > before);
    CHECK(now.expires == 5000);
    before = now.touches;
  };
  Upload again = f.upload();
  again.hash = upload.hash;
  again.expires = 50;
  CHECK(f.get(f.store().open(again)).id == upload.id);
  rises({});
  rises(f.run(f.store().touch(upload.id, 60)));
  Part part = f.part(upload.id, 1, 10);
  rises({});
  rises(f.run(f.store().progress(upload.id, part.extents[0].id, 5)));
  f.get(f.store().put_part(upload.id, part, 70, UINT64_MAX, 5));
  rises({});
  rises(f.run(f.store().drop_parts(upload.id, {part}, 5)));
  f.get(f.store().seal(upload.id, 0));
  rises({});
  rises(f.run(f.store().touch(upload.id, 80)));
  rises(f.run(f.store().reopen(upload.id)));
  must(f.run(f.store().touch(upload.id, 9000)));
  CHECK(f.get(f.store().find_upload(upload.id))->expires == 9000);
  CHECK(code_of(f.run(f.store().touch(f.upload().id, 1))) == Code::upload_not_open);
}

TEST_CASE("what is durable of an extent that is being written grows") {
  MetaFixture f;
  Upload upload = f.get(f.store().open(f.upload()));
  Part part = f.part(upload.id, 1, 10);
  const Id128 extent = part.extents[0].id;
  auto durable = [&] { return f.get(f.store().find_upload(upload.id))->registered.at(0).durable; };
  CHECK(durable() == 0);
  must(f.run(f.store().progress(upload.id, extent, 8)));
  CHECK(durable() == 8);
  must(f.run(f.store().progress(upload.id, extent, 4)));
  CHECK(durable() == 8);
  must(f.run(f.store().progress(upload.id, f.extent().id, 4)));  // of no matter
  CHECK(code_of(f.run(f.store().progress(f.upload().id, extent, 4))) == Code::upload_not_open);
  f.put(upload.id, part);
  must(f.run(f.store().progress(upload.id, extent, 10)));  // a part's by now
  f.get(f.store().seal(upload.id, 1));
  CHECK(code_of(f.run(f.store().progress(upload.id, extent, 10))) == Code::upload_not_open);
}

TEST_CASE("parts are dropped only if they are still those that were seen") {
  MetaFixture f;
  Upload upload = f.get(f.store().open(f.upload()));
  Part one = f.part(upload.id, 1, 10), two = f.part(upload.id, 2, 20),
       three = f.part(upload.id, 3, 30);
  for (const Part& part : {one, two, three}) f.put(upload.id, part);
  Part other = f.part(upload.id, 2, 25, 9);
  f.put(upload.id, other);
  must(f.run(f.store().drop_parts(upload.id, {two, three}, 60)));
  must(f.run(f.store().drop_parts(upload.id, {two, three}, 61)));
  CHECK(f.get(f.store().parts(upload.id, 0, 10)) == std::vector<Part>{one, other});
  Upload now = *f.get(f.store().find_upload(upload.id));
  CHECK(now.part_count == 2);
  CHECK(now.stored == 35);
  CHECK(now.part_extents == 2);
  CHECK(f.freed() == std::vector<Id128>{two.extents[0].id, three.extents[0].id});
  // Never part of a file: nobody has to be waited for.
  CHECK(f.get(f.store().freed(0, 10)).at(1).freed_at == 0);
  CHECK(code_of(f.run(f.store().drop_parts(f.upload().id, {one}, 60))) == Code::upload_not_open);
  f.get(f.store().seal(upload.id, 2));
  CHECK(code_of(f.run(f.store().drop_parts(upload.id, {one}, 60))) == Code::upload_not_open);
  CHECK(f.get(f.store().parts(upload.id, 0, 10)).size() == 2);
}

TEST_CASE("an equal part that another token sends is its part, too") {
  MetaFixture f;
  Upload upload = f.get(f.store().open(f.upload()));
  Part first = f.part(upload.id, 1, 100, 9);
  first.sender.bytes.fill(1);
  f.put(upload.id, first);
  Part second = f.part(upload.id, 1, 100, 9);
  second.sender.bytes.fill(2);
  Part kept = first;
  kept.sender = second.sender;
  CHECK(f.put(upload.id, second).winner == kept);
  CHECK(f.get(f.store().parts(upload.id, 0, 10)) == std::vector<Part>{kept});
  CHECK(f.freed() == std::vector<Id128>{second.extents[0].id});
}

TEST_CASE("closing an upload frees its parts and what it had registered") {
  MetaFixture f;
  Upload upload = f.get(f.store().open(f.upload()));
  Part part = f.part(upload.id, 1, 10);
  f.put(upload.id, part);
  Extent loose = f.extent();
  must(f.run(f.store().register_extent(upload.id, loose)));
  must(f.run(f.store().close(upload.id, false, 60)));
  must(f.run(f.store().close(upload.id, false, 70)));
  CHECK_FALSE(f.get(f.store().find_upload(upload.id)));
  CHECK_FALSE(f.get(f.store().find_session(upload.hash, "")));
  CHECK(f.get(f.store().parts(upload.id, 0, 10)).empty());
  CHECK(f.get(f.store().uploads(std::nullopt, 10)).empty());
  auto freed = f.freed();
  std::sort(freed.begin(), freed.end());
  std::vector<Id128> expected{part.extents[0].id, loose.id};
  std::sort(expected.begin(), expected.end());
  CHECK(freed == expected);
  CHECK(f.get(f.store().freed(0, 1))[0].freed_at == 0);
}

TEST_CASE("a sealed upload is closed only by who says so") {
  MetaFixture f;
  Upload upload = f.get(f.store().open(f.upload()));
  f.get(f.store().seal(upload.id, 0));
  CHECK(code_of(f.run(f.store().close(upload.id, false, 60))) == Code::conflict);
  must(f.run(f.store().close(upload.id, true, 60)));
  CHECK(f.get(f.store().sealed(10)).empty());
  CHECK_FALSE(f.get(f.store().find_session(upload.hash, "")));
}

TEST_CASE("an extent given up is unregistered and freed, one that became a part is not") {
  MetaFixture f;
  Upload upload = f.get(f.store().open(f.upload()));
  Part part = f.part(upload.id, 1, 10);
  f.put(upload.id, part);
  Extent loose = f.extent(), never_registered = f.extent();
  must(f.run(f.store().register_extent(upload.id, loose)));
  must(f.run(f.store().discard(upload.id, {loose, part.extents[0], never_registered}, 60)));
  CHECK(f.get(f.store().find_upload(upload.id))->registered.empty());
  CHECK(f.get(f.store().parts(upload.id, 0, 10)) == std::vector<Part>{part});
  CHECK(f.freed() == std::vector<Id128>{loose.id, never_registered.id});
  must(f.run(f.store().discard(upload.id, {loose}, 61)));
  must(f.run(f.store().discard(f.upload().id, {loose}, 62)));
  CHECK(f.freed().size() == 2);
}

TEST_CASE("publishing moves an upload's extents to the object and ends the upload") {
  MetaFixture f;
  Upload upload = f.get(f.store().open(f.upload()));
  Part one = f.part(upload.id, 1, 10), two = f.part(upload.id, 2, 20);
  f.put(upload.id, one);
  f.put(upload.id, two);
  Extent loose = f.extent();
  must(f.run(f.store().register_extent(upload.id, loose)));
  f.get(f.store().seal(upload.id, 2));
  meta::Object object = f.object(upload.hash);
  object.extents = {one.extents[0], two.extents[0]};
  auto result = f.get(f.store().commit(object, 0, upload.id));
  CHECK(result.committed);
  CHECK(result.current == object);
  CHECK_FALSE(f.get(f.store().find_upload(upload.id)));
  CHECK_FALSE(f.get(f.store().find_session(upload.hash, "")));
  CHECK(f.get(f.store().sealed(10)).empty());
  CHECK(f.freed() == std::vector<Id128>{loose.id});
  // The answer was lost and the call comes again.
  CHECK(f.get(f.store().commit(object, 0, upload.id)).committed);
  must(f.run(f.store().close(upload.id, true, 70)));
  CHECK(f.freed() == std::vector<Id128>{loose.id});
  // The next session of the same name is a new one.
  Upload next = f.upload();
  next.hash = upload.hash;
  CHECK(f.get(f.store().open(next)).id == next.id);
}

TEST_CASE("an upload whose content was published meanwhile loses and keeps its extents") {
  MetaFixture f;
  Upload upload = f.get(f.store().open(f.upload()));
  Part part = f.part(upload.id, 1, 10);
  f.put(upload.id, part);
  f.get(f.store().seal(upload.id, 1));
  meta::Object winner = f.object(upload.hash);
  f.get(f.store().commit(winner, 0, std::nullopt));
  meta::Object object = f.object(upload.hash);
  object.extents = part.extents;
  auto result = f.get(f.store().commit(object, 0, upload.id));
  CHECK_FALSE(result.committed);
  CHECK(result.current == winner);
  CHECK(f.get(f.store().find_upload(upload.id))->state == UploadState::sealed);
  CHECK(f.freed().empty());
  must(f.run(f.store().close(upload.id, true, 70)));
  CHECK(f.freed() == std::vector<Id128>{part.extents[0].id});
}

TEST_CASE("an upload that is gone, or has not these extents, publishes nothing") {
  MetaFixture f;
  Upload upload = f.get(f.store().open(f.upload()));
  Part part = f.part(upload.id, 1, 10);
  f.put(upload.id, part);
  meta::Object object = f.object(upload.hash);
  CHECK(code_of(f.run(f.store().commit(object, 0, upload.id))) == Code::upload_not_open);
  object.extents = part.extents;
  must(f.run(f.store().close(upload.id, true, 70)));
  CHECK(code_of(f.run(f.store().commit(object, 0, upload.id))) == Code::upload_not_open);
  CHECK_FALSE(f.get(f.store().find(object.hash)));
  CHECK(f.freed() == std::vector<Id128>{part.extents[0].id});
}

TEST_CASE("open and sealed uploads are paged in order of id") {
  MetaFixture f;
  std::vector<Id128> ids;
  for (int i = 0; i < 5; ++i) {
    Upload upload = f.upload(i % 2 == 0 ? meta::UploadKind::session : meta::UploadKind::single);
    f.get(f.store().open(upload));
    ids.push_back(upload.id);
  }
  std::sort(ids.begin(), ids.end());
  f.get(f.store().seal(ids[1], 0));
  must(f.run(f.store().close(ids[3], false, 1)));
  ids.erase(ids.begin() + 3);
  std::vector<Id128> seen;
  std::optional<Id128> after;
  for (;;) {
    std::vector<Upload> page = f.get(f.store().uploads(after, 2));
    for (const Upload& upload : page) seen.push_back(upload.id);
    if (page.size() < 2) break;
    after = page.back().id;
  }
  CHECK(seen == ids);
  std::vector<Upload> all = f.get(f.store().uploads(std::nullopt, 10));
  REQUIRE(all.size() == 4);
  CHECK(all[1].state == UploadState::sealed);
  CHECK(f.get(f.store().uploads(ids.back(), 10)).empty());
  CHECK(f.get(f.store().uploads(std::nullopt, 0)).empty());
}
