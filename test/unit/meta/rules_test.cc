#include "meta/rules.h"

#include "support/must.h"

using namespace mas;
using namespace mas::meta;
using rules::CommitVerdict;

namespace {

Object object(std::uint64_t generation, std::uint8_t extent) {
  Object object;
  object.generation = generation;
  object.extents = {Extent{}};
  object.extents[0].id.bytes.fill(extent);
  return object;
}

Object condemned(std::uint64_t generation, std::uint8_t extent) {
  Object record = object(generation, extent);
  record.state = ObjectState::condemned;
  return record;
}

Object damaged(std::uint64_t generation, std::uint8_t extent) {
  Object record = object(generation, extent);
  record.damaged = true;
  return record;
}

}  // namespace

TEST_CASE("what a commit does, by what is there and what it expects") {
  struct Row {
    std::optional<Object> current;
    Object next;
    std::uint64_t expected;
    CommitVerdict verdict;
  };
  const std::vector<Row> rows{
      {std::nullopt, object(5, 1), 0, CommitVerdict::create},
      {std::nullopt, object(5, 1), 4, CommitVerdict::lose},
      {object(4, 2), object(5, 1), 0, CommitVerdict::lose},
      {object(4, 2), object(5, 1), 3, CommitVerdict::lose},
      {object(4, 2), object(5, 1), 4, CommitVerdict::replace},
      {object(4, 1), object(5, 1), 0, CommitVerdict::repeat},
      {object(4, 1), object(4, 1), 0, CommitVerdict::repeat},
      {damaged(4, 1), object(4, 1), 0, CommitVerdict::repeat},
      {damaged(4, 2), object(5, 1), 0, CommitVerdict::lose},
      {damaged(4, 2), object(5, 1), 4, CommitVerdict::replace},
      {damaged(4, 2), object(3, 1), 4, CommitVerdict::lose},
      {condemned(4, 2), object(5, 1), 0, CommitVerdict::replace},
      {condemned(4, 2), object(5, 1), 4, CommitVerdict::replace},
      {condemned(4, 2), object(5, 1), 3, CommitVerdict::lose},
      {condemned(4, 2), object(4, 1), 0, CommitVerdict::lose},
      {condemned(4, 2), object(3, 1), 0, CommitVerdict::lose},
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    INFO("row " << i);
    CHECK(rules::judge_commit(rows[i].current, rows[i].next, rows[i].expected) == rows[i].verdict);
  }
}

TEST_CASE("a record that was deleted does not come back by its own old commit") {
  Object old = object(4, 1);
  Object gone = condemned(6, 1);
  CHECK(rules::judge_commit(gone, old, 0) == CommitVerdict::lose);
}

TEST_CASE("a deletion takes a later generation than its file's") {
  CHECK(code_of(rules::condemn(object(4, 1), 4, 4, 0)) == Code::invalid_argument);
  CHECK(code_of(rules::condemn(object(4, 1), 4, 3, 0)) == Code::invalid_argument);
  CHECK(rules::condemn(object(4, 1), 4, 5, 0).has_value());
}

TEST_CASE("a part that names one extent twice is refused") {
  Upload upload;
  upload.registered = {{Extent{}, 0}};
  Part part;
  part.number = 1;
  part.size = 1;
  part.extents = {Extent{}, Extent{}};
  CHECK(code_of(rules::put_part(upload, std::nullopt, part, 1, 100)) == Code::conflict);
}

TEST_CASE("an upload has no more extents than one document can end") {
  Upload upload;
  upload.part_extents = kMostExtents - 1;
  must(rules::register_extent(upload, Extent{}));
  CHECK(code_of(rules::register_extent(upload, Extent{})) == Code::body_too_large);
  // What takes the place of a part takes the place of its extents.
  Part old;
  old.number = 1;
  old.extents.resize(100);
  upload.part_count = 1;
  Part part;
  part.number = 1;
  part.size = 1;
  part.extents = {Extent{}};
  must(rules::put_part(upload, old, part, 1, 100));
  CHECK(upload.part_extents == kMostExtents - 100);
  rules::drop_part(upload, part);
  CHECK(upload.part_extents == kMostExtents - 101);
}

TEST_CASE("an empty part is a part") {
  Upload upload;
  Part part;
  part.number = 1;
  auto outcome = must(rules::put_part(upload, std::nullopt, part, 7, 0));
  CHECK(outcome.recorded);
  CHECK(upload.part_count == 1);
  CHECK(upload.expires == 7);
  CHECK(must(rules::put_part(upload, part, part, 8, 0)).freed.empty());
  CHECK(upload.part_count == 1);
}
