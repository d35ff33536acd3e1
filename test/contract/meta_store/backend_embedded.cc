#include "backend.h"
#include "mas/fs/fs.h"
#include "mas/meta/embedded.h"
#include "mas/runtime/clock.h"
#include "mas/runtime/io_threads.h"
#include "mas/runtime/rng.h"
#include "support/must.h"

namespace mas::test {
namespace {

class EmbeddedBackend final : public MetaBackend {
 public:
  EmbeddedBackend() { open(); }
  ~EmbeddedBackend() override {
    close();
    must(fs_->remove_tree(directory_));
  }
  meta::MetaStore& store() override { return *store_; }
  [[nodiscard]] bool persists() const override { return true; }
  void restart() override {
    close();
    open();
  }

 private:
  void open() {
    store_ =
        must(meta::open_embedded(config::Meta{}, directory_, *fs_, *driver_, *clock_, metrics_));
  }
  void close() {
    run_blocking(store_->close_store());
    store_.reset();
  }

  std::unique_ptr<fs::Fs> fs_ = fs::make_real_fs();
  std::string directory_ = std::string(MAS_SCRATCH_DIR) + "/meta-" + make_system_rng()->id().hex();
  std::unique_ptr<Pool> driver_ = make_thread_pool("driver", 4, 1024);
  std::unique_ptr<Clock> clock_ = make_system_clock();
  observe::Metrics metrics_;
  std::unique_ptr<meta::MetaStore> store_;
};

}  // namespace

std::unique_ptr<MetaBackend> make_backend() { return std::make_unique<EmbeddedBackend>(); }

}  // namespace mas::test
