// Seeds that found a bug of mas once. They run with every batch.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace mas::sim {

struct KeptSeed {
  std::uint64_t seed;
  std::size_t pods;  // 0: by seed
  const char* found;
};

inline constexpr std::array kKeptSeeds{
    KeptSeed{5, 0,
             "who did not see its store lost never collected what was freed after the rebuild"},
    KeptSeed{22, 0, "a closing frame whose sync had failed was taken for synced, and appended to"},
    KeptSeed{46, 0,
             "what an open upload had lost kept who had left from ever being known to be unneeded"},
    KeptSeed{86, 0,
             "an upload was answered as stored by a store that was set back to before its end"},
    KeptSeed{88, 0, "a session that could not be closed brought back what was deleted later"},
    KeptSeed{107, 0, "a fixed profile wider than the cluster kept the layout from ever settling"},
    KeptSeed{148, 0,
             "a power loss took the layouts a pod kept, and with them that it was given up"},
    KeptSeed{165, 0, "a download that a stopping pod cut off marked its file damaged"},
    KeptSeed{169, 0, "as 107, with a slot that was taken over"},
    KeptSeed{335, 0,
             "a store from a backup had forgotten what was acknowledged, and nobody told it again"},
    KeptSeed{455, 0, "a finish that joined another was told of what was deleted before it came"},
    KeptSeed{582, 0,
             "a pod that doubted its store waited for a layout that the rebuild did not raise"},
    KeptSeed{1382, 0,
             "what only a member that had left once held kept the layout from ever settling"},
    KeptSeed{5125, 0, "a file that was deleted and sent again counted as deleted, by a clock"},
    KeptSeed{22226, 0,
             "a pod that had yet to hear of a layout took what newer members had for lost"},
    KeptSeed{40027, 0, "asking a store that was set back brought it up to what was known"},
    KeptSeed{41828, 0, "nobody was left to give a lone pod's disk its slot back"},
    KeptSeed{43429, 0, "a reader of a file that was stored anew under it called the file damaged"},
    KeptSeed{21299, 0,
             "a word could not give up one directory of a slot while another of it was back"},
};

}  // namespace mas::sim
