// Stopping a process of many threads: kill() returns before they stand, and one that still runs
// answers as if nothing were.
#pragma once

#include <sched.h>
#include <signal.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>

namespace mas::test {

[[nodiscard]] inline bool all_threads_stand(int pid) {
  namespace fs = std::filesystem;
  for (const auto& thread : fs::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    std::string stat;
    std::getline(std::ifstream(thread.path() / "stat"), stat);
    // "ID (NAME) STATE ..."
    if (stat.find(") T ") == std::string::npos) return false;
  }
  return true;
}

// Returns when all threads of `pid` stand.
inline void stop_process(int pid) {
  REQUIRE(::kill(pid, SIGSTOP) == 0);
  while (!all_threads_stand(pid)) sched_yield();
}

}  // namespace mas::test
