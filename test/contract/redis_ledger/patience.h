// Waiting for a condition that another process brings about.
#pragma once

#include <chrono>
#include <thread>

namespace mas::test {

// False if it is not met in a minute: far more than anything here takes.
template <class Condition>
bool wait_until(Condition met) {
  auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!met()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace mas::test
