#include "meta/mongo/driver.h"
#include "support/must.h"

using namespace mas;
using namespace mas::meta::mongo;

namespace {

Failure judged(std::uint32_t domain, std::uint32_t code) {
  bson_error_t error{};
  bson_set_error(&error, domain, code, "as the driver says it");
  return judge(error);
}

}  // namespace

TEST_CASE(
    "a write that the others are slow to take over may have happened, and the server is there") {
  // 64: waiting for replication timed out.
  Failure slow = judged(MONGOC_ERROR_WRITE_CONCERN, 64);
  CHECK(slow.error.code() == Code::metadata_unavailable);
  CHECK(slow.error.maybe_happened());
  CHECK_FALSE(slow.unreachable);
  CHECK_FALSE(slow.duplicate_key);
}

TEST_CASE("a server that steps down counts as gone, whatever it was asked for") {
  for (std::uint32_t domain : {MONGOC_ERROR_WRITE_CONCERN, MONGOC_ERROR_SERVER}) {
    CHECK(judged(domain, 91).unreachable);     // shutdown in progress
    CHECK(judged(domain, 10107).unreachable);  // no primary any more
  }
}

TEST_CASE("a server that is not found certainly did nothing, one that falls silent may have") {
  Failure none = judged(MONGOC_ERROR_SERVER_SELECTION, MONGOC_ERROR_SERVER_SELECTION_FAILURE);
  CHECK(none.unreachable);
  CHECK_FALSE(none.error.maybe_happened());
  Failure silent = judged(MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_SOCKET);
  CHECK(silent.unreachable);
  CHECK(silent.error.maybe_happened());
}
