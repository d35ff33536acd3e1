#include "meta/mongo/driver.h"

#include <algorithm>
#include <mutex>
#include <set>

#include "mas/observe/log.h"

namespace mas::meta::mongo {
namespace {

void forward(mongoc_log_level_t level, const char* domain, const char* message, void*) {
  if (level > MONGOC_LOG_LEVEL_WARNING) return;
  log::debug("mongodb_driver", {{"domain", domain}, {"message", message}});
}

struct DropUri {
  void operator()(mongoc_uri_t* uri) const { mongoc_uri_destroy(uri); }
};
using Uri = std::unique_ptr<mongoc_uri_t, DropUri>;

// The URL's own value wins where it is the shorter one.
void bound(mongoc_uri_t* uri, const char* option, std::int64_t millis) {
  std::int32_t own = mongoc_uri_get_option_as_int32(uri, option, 0);
  auto most = static_cast<std::int32_t>(std::min<std::int64_t>(millis, INT32_MAX));
  mongoc_uri_set_option_as_int32(uri, option, own > 0 ? std::min(own, most) : most);
}

void set_waits(mongoc_uri_t* uri, const config::Meta& meta, const config::Mongodb& options) {
  using std::chrono::milliseconds;
  // A command that finds no server, and one that gets no answer, both end within the deadline.
  auto longest = std::min<Duration>(options.timeout, meta.deadline / 2);
  std::int64_t millis =
      std::max<std::int64_t>(std::chrono::duration_cast<milliseconds>(longest).count(), 1);
  for (const char* option : {MONGOC_URI_SERVERSELECTIONTIMEOUTMS, MONGOC_URI_CONNECTTIMEOUTMS,
                             MONGOC_URI_SOCKETTIMEOUTMS, MONGOC_URI_WAITQUEUETIMEOUTMS}) {
    bound(uri, option, millis);
  }
  // The shortest the driver takes: a server that is back is soon noticed.
  bound(uri, MONGOC_URI_HEARTBEATFREQUENCYMS, 2000);
}

void set_safety(mongoc_uri_t* uri, const config::Mongodb& options) {
  mongoc_write_concern_t* durable = mongoc_write_concern_new();
  mongoc_write_concern_set_wmajority(
      durable, mongoc_uri_get_option_as_int32(uri, MONGOC_URI_SOCKETTIMEOUTMS, 2000));
  mongoc_write_concern_set_journal(durable, true);
  mongoc_uri_set_write_concern(uri, durable);
  mongoc_write_concern_destroy(durable);
  mongoc_read_prefs_t* primary = mongoc_read_prefs_new(MONGOC_READ_PRIMARY);
  mongoc_uri_set_read_prefs_t(uri, primary);
  mongoc_read_prefs_destroy(primary);
  // The driver's own repeats are exact only with a server that has sessions: who has one says so.
  bool repeats = mongoc_uri_get_option_as_bool(uri, MONGOC_URI_RETRYWRITES, false);
  mongoc_uri_set_option_as_bool(uri, MONGOC_URI_RETRYWRITES, repeats);
  mongoc_uri_set_option_as_int32(uri, MONGOC_URI_MAXPOOLSIZE,
                                 static_cast<std::int32_t>(options.pool));
  if (options.ca_file.empty()) return;
  mongoc_uri_set_option_as_bool(uri, MONGOC_URI_TLS, true);
  mongoc_uri_set_option_as_utf8(uri, MONGOC_URI_TLSCAFILE, options.ca_file.c_str());
}

// Answers of a server that is no primary (any more) or is shutting down.
bool steps_down(std::uint32_t code) {
  static const std::set<std::uint32_t> codes{6,   7,     89,    91,    189,   9001,
                                             262, 10107, 11600, 11602, 13435, 13436};
  return codes.count(code) > 0;
}

}  // namespace

Result<ClientPool> make_client_pool(const config::Meta& meta, const config::Mongodb& options) {
  static std::once_flag once;
  std::call_once(once, [] {
    mongoc_log_set_handler(forward, nullptr);
    mongoc_init();
  });
  bson_error_t error;
  Uri uri(mongoc_uri_new_with_error(options.url.c_str(), &error));
  // The driver's message may repeat the URL, which may hold a password.
  if (!uri) return Error(Code::invalid_argument, "mongodb.url is not a MongoDB URL.");
  set_waits(uri.get(), meta, options);
  set_safety(uri.get(), options);
  ClientPool pool(mongoc_client_pool_new(uri.get()));
  if (!pool) {
    return Error(Code::invalid_argument,
                 "mongodb.url or mongodb.ca_file cannot be used: check the URL's options.");
  }
  mongoc_client_pool_set_error_api(pool.get(), MONGOC_ERROR_API_VERSION_2);
  mongoc_client_pool_set_appname(pool.get(), "mas");
  return pool;
}

Lease::Lease(mongoc_client_pool_t* pool, const std::string& database, std::uint64_t outages)
    : pool_(pool), outages_(outages), client_(mongoc_client_pool_pop(pool)) {
  if (client_) records_ = mongoc_client_get_collection(client_, database.c_str(), "records");
}

Lease::~Lease() {
  if (!client_) return;
  mongoc_collection_destroy(records_);
  mongoc_client_pool_push(pool_, client_);
}

Failure judge(const bson_error_t& error) {
  Failure failure;
  failure.error = Error(Code::metadata_unavailable,
                        "The metadata server did not do what was asked; try again shortly.");
  failure.detail = error.message;
  bool unsent = error.domain == MONGOC_ERROR_SERVER_SELECTION;
  if (!unsent) failure.error.mark_maybe_happened();
  switch (error.domain) {
    case MONGOC_ERROR_SERVER:
    case MONGOC_ERROR_COMMAND:
      failure.duplicate_key = error.code == MONGOC_ERROR_DUPLICATE_KEY;
      failure.unreachable = steps_down(error.code);
      break;
    case MONGOC_ERROR_WRITE_CONCERN:
      // The primary wrote and answered; what the others do is slow. It may stand or not.
      failure.unreachable = steps_down(error.code);
      break;
    case MONGOC_ERROR_BSON:
    case MONGOC_ERROR_CURSOR:
      break;
    default:
      failure.unreachable = true;
  }
  return failure;
}

}  // namespace mas::meta::mongo
