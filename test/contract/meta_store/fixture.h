// What the tests of the suite share: blocking calls, ready-made records, tasks run side by side.
#pragma once

#include <functional>
#include <vector>

#include "backend.h"
#include "mas/runtime/io_threads.h"
#include "mas/runtime/rng.h"
#include "support/must.h"

namespace mas::test {

class MetaFixture {
 public:
  MetaFixture();

  [[nodiscard]] meta::MetaStore& store() { return backend_->store(); }
  [[nodiscard]] MetaBackend& backend() { return *backend_; }
  // Waits for a call of the store.
  template <class T>
  Result<T> run(Task<Result<T>> task) {
    return run_blocking_for(std::move(task));
  }
  template <class T>
  T get(Task<Result<T>> task) {
    return must(run(std::move(task)));
  }

  [[nodiscard]] Hash hash();
  [[nodiscard]] meta::Extent extent(std::uint64_t length = 1000);
  [[nodiscard]] std::uint64_t generation();
  // A live object of one fresh extent and a fresh generation.
  [[nodiscard]] meta::Object object();
  [[nodiscard]] meta::Object object(const Hash& hash);
  // An upload record that is not opened yet; expires at 1000.
  [[nodiscard]] meta::Upload upload(meta::UploadKind kind = meta::UploadKind::session);
  // A part of one extent, registered with `upload`. The sum is made of `content`.
  [[nodiscard]] meta::Part part(const Id128& upload, std::uint32_t number, std::uint64_t size,
                                std::uint8_t content = 1);
  // put_part with a far expiry and no limit.
  meta::PutPartResult put(const Id128& upload, const meta::Part& part);
  // Ids of all extents that are listed as freed, in order of sequence.
  [[nodiscard]] std::vector<Id128> freed();
  // All manifests that are, in order of sequence.
  [[nodiscard]] std::vector<meta::ManifestRange> freed_manifests();
  // As if the only slot there is had removed all that is listed.
  void collect_all();

 private:
  std::unique_ptr<MetaBackend> backend_;
  std::unique_ptr<Rng> rng_;
};

// Checks that each of `used` is in exactly one place: in an object, in an upload, or in the list of
// freed extents; that referenced() says the same of all there are; and that uploads count their
// parts right.
void check_places(MetaFixture& f, const std::vector<Id128>& used);

// Runs `make(0)` to `make(count - 1)` at once, spread over `threads` io threads, to their ends.
void run_side_by_side(std::size_t count, std::size_t threads,
                      const std::function<Task<void>(std::size_t)>& make);

}  // namespace mas::test
