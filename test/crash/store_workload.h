// The recorded life of a store: puts alone and together, overwriting, removals, compaction, a clean
// stop and another start; and what must hold after any crash in it.
#pragma once

#include "store_rig.h"

namespace mas::crash {

// Goes on as far as the disk lets it.
void run_store_workload(fs::Fs& fs, Ledger& ledger);

inline const std::string kIndexDirectory = kDirectory + "/index";

// Opens the store on `disk`, which has lost nothing that was synced, and tells how it breaks
// `allowed`; a store that calls something damaged breaks it too. With `twice` the power then goes
// away again, without and with something written in between, and exactly the same has to be there.
[[nodiscard]] std::vector<std::string> inspect_store(fs::FaultFs& disk, const Allowed& allowed,
                                                     bool twice = false);

}  // namespace mas::crash
