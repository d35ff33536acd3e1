#include "app/local/meta_check.h"

#include "mas/membership/kept_layout.h"
#include "mas/meta/embedded_read_only.h"
#include "mas/runtime/io_threads.h"

namespace mas::app {
namespace {

Comparison failed(const std::string& why) {
  Comparison result;
  result.problems.push_back("metadata: " + why);
  return result;
}

Task<Result<Comparison>> compare_and_close(meta::MetaStore& meta,
                                           const std::vector<store::CheckedRecord>& inventory) {
  auto comparing = compare(meta, inventory);
  Result<Comparison> result = co_await std::move(comparing);
  co_await meta.close_store();
  co_return result;
}

}  // namespace

Comparison check_metadata(fs::Fs& fs, const std::string& directory,
                          const std::vector<store::CheckedRecord>& inventory) {
  // A pod that was alone before it joined keeps its old metadata, which says nothing any more.
  auto members = membership::kept_members(fs, directory + "/cluster");
  if (members.has_value() && *members > 0) {
    Comparison result;
    result.notes.push_back(directory +
                           ": This pod is one of a cluster, which alone can compare what is stored "
                           "with the metadata (`mas status`); its own records were checked.");
    return result;
  }
  const std::string meta_directory = directory + "/meta";
  auto exists = fs.exists(meta_directory);
  if (exists.has_error()) return failed(exists.error().message());
  if (!*exists) return failed(meta_directory + " is missing");
  observe::Metrics metrics;
  auto clock = make_system_clock();
  auto driver = make_thread_pool("driver", 1, 64);
  auto meta =
      meta::open_embedded_read_only(config::Meta{}, meta_directory, fs, *driver, *clock, metrics);
  if (meta.has_error()) return failed(meta.error().message());
  auto result = run_blocking_for(compare_and_close(**meta, inventory));
  if (result.has_error()) return failed(result.error().message());
  return *std::move(result);
}

}  // namespace mas::app
