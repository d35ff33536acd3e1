#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "meta/keys.h"
#include "meta/mongo/ids.h"

using namespace mas;
using namespace mas::meta;

TEST_CASE("a key and the id of its document name the same") {
  Hash hash;
  hash.bytes.fill(0xab);
  for (const std::string& key :
       {keys::object(hash), keys::part(Id128{}, 10'000), keys::session(hash, "a/b\n"),
        keys::counter("freed"), keys::freed(UINT64_MAX), keys::begin(keys::kLayout)}) {
    CHECK(mongo::key_of(mongo::id_of(key)) == key);
  }
  CHECK(mongo::id_of(keys::begin(keys::kLayout)) == "l/");
  CHECK(mongo::id_of(keys::counter("freed")) == "n/6672656564");
}

TEST_CASE("what is no id of a record has no key") {
  for (const char* id : {"", "o", "o/a", "o/zz", "o/A?"}) CHECK(mongo::key_of(id).empty());
}

TEST_CASE("ids are in the order of their keys") {
  std::vector<std::string> keys{
      keys::part(Id128{}, 1), keys::part(Id128{}, 255), keys::part(Id128{}, 256),
      keys::part(Id128{}, UINT32_MAX) + std::string(1, '\0'), keys::end(keys::kPart)};
  for (std::size_t i = 1; i < keys.size(); ++i) {
    CHECK(mongo::id_of(keys[i - 1]) < mongo::id_of(keys[i]));
  }
}

TEST_CASE("an intent is found by the lock it sets") {
  std::string lock = "0123456789abcdef0123456789abcdef";
  CHECK(mongo::lock_of(mongo::intent_id(lock)) == lock);
  CHECK(mongo::intent_id(lock) > mongo::kIntentsBegin);
  CHECK(mongo::intent_id(lock) < mongo::kIntentsEnd);
}
