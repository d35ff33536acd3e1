#include "app/serve/backends.h"

#include <array>

#include "mas/auth/memory_ledger.h"
#include "mas/auth/redis_ledger.h"
#include "mas/meta/embedded.h"
#include "mas/meta/mongo.h"

namespace mas::app {
namespace {

constexpr std::uint64_t kMaxUrlFile = 16 * kKiB;

struct Named {
  std::string_view section;
  std::string& url;
  std::string& url_file;
};

std::string trimmed(std::string text) {
  const char* space = " \t\r\n";
  text.erase(text.find_last_not_of(space) + 1);
  text.erase(0, text.find_first_not_of(space));
  return text;
}

Result<void> read_url(const Named& backend, fs::Fs& fs) {
  if (backend.url_file.empty()) return {};
  std::string key = std::string(backend.section) + ".url_file";
  if (!backend.url.empty()) {
    return Error(Code::invalid_argument,
                 key + " and " + std::string(backend.section) + ".url are both set; keep one.");
  }
  auto text = fs::read_file(fs, backend.url_file, kMaxUrlFile);
  if (text.has_error()) return text.error().with_context(key);
  backend.url = trimmed(*std::move(text));
  if (backend.url.empty()) {
    return Error(Code::invalid_argument, key + ": " + backend.url_file + " is empty.");
  }
  backend.url_file.clear();
  return {};
}

Task<Result<void>> close_redis(auth::RedisLedger& ledger) {
  co_await ledger.close();
  co_return Result<void>();
}

Task<Result<void>> save_memory(auth::MemoryLedger& ledger) { co_return ledger.save(); }

}  // namespace

bool is_clustered(const config::Config& config) { return !config.cluster.listen.empty(); }

Result<void> resolve_backends(config::Config& config, fs::Fs& fs) {
  const std::array<Named, 3> backends{
      Named{"mongodb", config.mongodb.url, config.mongodb.url_file},
      Named{"redis", config.redis.url, config.redis.url_file},
      Named{"rabbitmq", config.rabbitmq.url, config.rabbitmq.url_file}};
  std::string missing;
  auto miss = [&missing](std::string_view key) {
    missing += (missing.empty() ? "" : ", ") + std::string(key);
  };
  bool any = is_clustered(config);
  for (const Named& backend : backends) {
    MAS_CHECK(read_url(backend, fs));
    any = any || !backend.url.empty();
  }
  if (!any) return {};
  for (const Named& backend : backends) {
    if (backend.url.empty()) miss(std::string(backend.section) + ".url");
  }
  if (config.cluster.listen.empty()) miss("cluster.listen");
  if (config.cluster.secret_file.empty()) miss("cluster.secret_file");
  if (config.auth.system_token_files.empty()) miss("auth.system_token_files");
  if (config.auth.signing_key_files.empty()) miss("auth.signing_key_files");
  if (missing.empty()) return {};
  return Error(Code::invalid_argument,
               "A pod of a cluster needs more than is configured; missing: " + missing + ".");
}

Result<std::unique_ptr<meta::MetaStore>> open_metadata(const config::Config& config,
                                                       const std::string& directory,
                                                       const BackendDependencies& deps) {
  if (is_clustered(config)) {
    return meta::open_mongo(config.meta, config.mongodb, deps.driver, deps.clock, deps.rng,
                            deps.metrics);
  }
  auto opened =
      meta::open_embedded(config.meta, directory, deps.fs, deps.driver, deps.clock, deps.metrics);
  if (opened.has_error()) return opened.error().with_context(directory);
  return opened;
}

Result<Ledger> open_ledger(const config::Config& config, const std::string& file,
                           const BackendDependencies& deps) {
  if (is_clustered(config)) {
    auth::RedisLedgerDependencies redis_deps{deps.io, deps.clock, deps.fs};
    MAS_TRY(auto redis, auth::make_redis_ledger(config.redis, config.token, redis_deps));
    auth::RedisLedger* open = redis.get();
    return Ledger{std::move(redis), [open]() -> Task<Result<void>> { return close_redis(*open); }};
  }
  auto memory = auth::make_memory_ledger(config.token, deps.clock, deps.fs, file);
  auth::MemoryLedger* open = memory.get();
  return Ledger{std::move(memory), [open]() -> Task<Result<void>> { return save_memory(*open); }};
}

}  // namespace mas::app
