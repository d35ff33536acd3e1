// The MongoDB adapter with a hook between it and the server; tests only. Everybody else:
// mas/meta/mongo.h.
#pragma once

#include "mas/meta/mongo.h"
#include "meta/mongo/documents.h"

namespace mas::meta::mongo {

[[nodiscard]] Result<std::unique_ptr<MetaStore>> open_hooked(const config::Meta& options,
                                                             const config::Mongodb& server,
                                                             Pool& driver, Clock& clock, Rng& rng,
                                                             observe::Metrics& metrics, Hook hook);

}  // namespace mas::meta::mongo
