#include "sim/history.h"

namespace mas::sim {
namespace {

std::string micros(Instant at) {
  const auto count = std::chrono::duration_cast<std::chrono::microseconds>(at.since_start).count();
  return std::to_string(count);
}

}  // namespace

// Each call is a client of its own: what one of them said before does not matter to the others.
void History::add(const Call& call) {
  const std::string returned = call.answered ? micros(world_.now()) : "null";
  lines_.push_back(R"({"hash":")" + call.hash.hex() + R"(","client":)" +
                   std::to_string(lines_.size()) + R"(,"pod":"mas-)" + std::to_string(call.pod) +
                   R"(","op":")" + call.op + R"(","call":)" + micros(call.began) + R"(,"return":)" +
                   returned + R"(,"outcome":")" + call.outcome + R"("})");
}

void History::lose(const Hash& hash) {
  lines_.push_back(R"({"hash":")" + hash.hex() + R"(","client":)" + std::to_string(lines_.size()) +
                   R"(,"pod":"","op":"lost","call":)" + micros(world_.now()) + "}");
}

}  // namespace mas::sim
