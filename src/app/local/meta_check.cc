#include "app/local/meta_check.h"

#include "mas/meta/embedded.h"
#include "mas/runtime/io_threads.h"

namespace mas::app {
namespace {

constexpr std::uint32_t kPage = 1000;

Task<Result<std::uint64_t>> read_all(meta::MetaStore& meta) {
  MAS_CO_CHECK(co_await meta.current_layout());
  std::uint64_t count = 0;
  meta::ListQuery query;
  query.limit = kPage;
  query.include_condemned = true;
  do {
    MAS_CO_TRY(meta::ObjectPage page, co_await meta.list(query));
    count += page.objects.size();
    query.after = page.next;
  } while (query.after);
  MAS_CO_CHECK(co_await meta.sealed(kPage));
  co_return count;
}

Task<Result<std::uint64_t>> read_and_close(meta::MetaStore& meta) {
  auto count = co_await read_all(meta);
  co_await meta.close_store();
  co_return count;
}

}  // namespace

MetadataReport check_metadata(fs::Fs& fs, const std::string& directory) {
  auto exists = fs.exists(directory);
  if (exists.has_error()) return {0, exists.error().message()};
  if (!*exists) return {0, directory + " is missing"};
  observe::Metrics metrics;
  auto clock = make_system_clock();
  auto driver = make_thread_pool("driver", 1, 64);
  auto meta = meta::open_embedded(config::Meta{}, directory, fs, *driver, *clock, metrics);
  if (meta.has_error()) return {0, meta.error().message()};
  auto count = run_blocking_for(read_and_close(**meta));
  if (count.has_error()) return {0, count.error().message()};
  return {*count, ""};
}

}  // namespace mas::app
