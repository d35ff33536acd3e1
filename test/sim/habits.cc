#include "sim/habits.h"

#include <algorithm>

namespace mas::sim {

Habits::Habits(Rand rand) {
  const auto some = [&rand](std::uint64_t most) {
    return rand.chance(0.4) ? 1 + rand.below(most) : 0;
  };
  const auto change = [&rand](std::uint64_t& share) {
    constexpr std::uint64_t kTimes[] = {0, 1, 2, 2, 2, 4};
    share = share * kTimes[rand.below(6)] / 2;
  };
  for (std::uint64_t* share : {&download, &upload, &session, &remove, &instant}) change(*share);
  // Something has to be there.
  upload = std::max<std::uint64_t>(upload, 5);
  crowd = some(30);
  abandon = some(10);
  patient = some(3);
  streams = some(3);
  crawlers = some(2);
}

}  // namespace mas::sim
