#include "backend.h"
#include "mas/meta/memory.h"
#include "mas/runtime/io_threads.h"

namespace mas::test {
namespace {

class MemoryBackend final : public MetaBackend {
 public:
  ~MemoryBackend() override { run_blocking(store_->close_store()); }
  meta::MetaStore& store() override { return *store_; }
  [[nodiscard]] bool persists() const override { return false; }
  void restart() override {}

 private:
  std::unique_ptr<meta::MetaStore> store_ = meta::make_memory_meta();
};

}  // namespace

std::unique_ptr<MetaBackend> make_backend() { return std::make_unique<MemoryBackend>(); }

}  // namespace mas::test
