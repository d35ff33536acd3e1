// What a pod alone embeds and the pods of a cluster share: metadata and the life of tokens.
#pragma once

#include <functional>
#include <memory>

#include "mas/auth/token_ledger.h"
#include "mas/config/config.h"
#include "mas/fs/fs.h"
#include "mas/meta/meta_store.h"
#include "mas/observe/metrics.h"
#include "mas/runtime/io_threads.h"
#include "mas/runtime/pool.h"
#include "mas/runtime/rng.h"

namespace mas::app {

// Whether the configuration makes this pod one of a cluster.
[[nodiscard]] bool is_clustered(const config::Config& config);

// Puts the URLs that stand in files into `config` in place of the files' names, and says which part
// of a cluster's configuration is missing. Blocking. Errors: invalid_argument, those of reading a
// file.
Result<void> resolve_backends(config::Config& config, fs::Fs& fs);

struct BackendDependencies {
  fs::Fs& fs;
  Pool& driver;
  IoThreads& io;
  Clock& clock;
  Rng& rng;
  observe::Metrics& metrics;
};

// `directory`: where the embedded store lies. Blocking. Errors: those of the store.
[[nodiscard]] Result<std::unique_ptr<meta::MetaStore>> open_metadata(
    const config::Config& config, const std::string& directory, const BackendDependencies& deps);

struct Ledger {
  std::unique_ptr<auth::TokenLedger> tokens;
  // Before it is destroyed and before the io threads stop.
  std::function<Task<Result<void>>()> close;
};
// `file`: where the embedded ledger is kept.
[[nodiscard]] Result<Ledger> open_ledger(const config::Config& config, const std::string& file,
                                         const BackendDependencies& deps);

}  // namespace mas::app
