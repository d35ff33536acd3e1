// History: the clients' calls about files, in the form of test/linearizability/README.md, for
// Porcupine to judge.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mas/core/ids.h"
#include "sim/world.h"

namespace mas::sim {

struct Call {
  Hash hash;
  std::size_t pod = 0;
  const char* op = "";       // upload, download, delete, instant
  const char* outcome = "";  // as the README has it
  Instant began;
  bool answered = true;  // now; else never
};

class History {
 public:
  explicit History(World& world) : world_(world) {}

  void add(const Call& call);
  // From now on this file may be there or not, whatever was said of it.
  void lose(const Hash& hash);
  // A JSON object a line.
  [[nodiscard]] const std::vector<std::string>& lines() const noexcept { return lines_; }

 private:
  World& world_;
  std::vector<std::string> lines_;
};

}  // namespace mas::sim
