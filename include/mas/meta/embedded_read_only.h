// The embedded metadata of a pod that is stopped, for those who only look.
#pragma once

#include <memory>
#include <string>

#include "mas/meta/embedded.h"

namespace mas::meta {

// As open_embedded, on a database that no process uses: nothing on the disk changes, and no call
// that changes something succeeds.
[[nodiscard]] Result<std::unique_ptr<MetaStore>> open_embedded_read_only(
    const config::Meta& options, const std::string& directory, fs::Fs& fs, Pool& driver,
    Clock& clock, observe::Metrics& metrics);

}  // namespace mas::meta
