// sim_pods: runs seeds of the simulation and says how to repeat what fails.
//
//   sim_pods --seeds 200 [--first S] [--jobs J]   a batch; every fault must happen in it
//   sim_pods --seed S [--pods P] [--verbose]      one run
//   sim_pods --same 10                            each seed twice: the traces must be equal
//   sim_pods --planted                            each planted bug, until it is found
//   sim_pods --plant NAME --seeds N               one of them
#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "mas/codec/stripe.h"
#include "mas/core/units.h"
#include "mas/observe/log.h"
#include "sim/scenario.h"
#include "sim/seeds.h"

namespace mas::sim {
namespace {

struct Arguments {
  std::uint64_t first = 1;
  std::uint64_t seeds = 0;
  std::uint64_t same = 0;
  unsigned jobs = 2;
  std::uint64_t most_failed = 10;  // then a batch ends
  bool planted = false;
  RunOptions run;
  std::string histories;  // a file, of one run; "": none
  bool one = false;
};

// What this thread runs, for the line that a failed assertion leaves.
thread_local RunOptions running;

std::string command_of(const RunOptions& options, std::size_t pods) {
  std::string command = "./dev sim --seed " + std::to_string(options.seed);
  if (pods != 0) command += " --pods " + std::to_string(pods);
  if (options.bug != Bug::none) command += " --plant " + std::string(name_of(options.bug));
  return command;
}

void on_abort(int) {
  std::fprintf(stderr, "\nthe process ended itself; to repeat: %s\n",
               command_of(running, running.pods).c_str());
  std::fflush(stderr);
}

// Lets `jobs` threads take numbers below `count` in order, until `f` says it is enough. A run stays
// on its thread.
void share(unsigned jobs, std::uint64_t count, const std::function<bool(std::uint64_t)>& f) {
  std::atomic<std::uint64_t> next{0};
  std::atomic<bool> enough{false};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < jobs; ++i) {
    threads.emplace_back([&] {
      for (std::uint64_t n = next++; n < count && !enough; n = next++) {
        if (!f(n)) enough = true;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

Outcome run_here(const RunOptions& options) {
  running = options;
  return run(options);
}

void report(const RunOptions& options, const Outcome& outcome) {
  std::printf("seed %llu (%zu pods) breaks a rule:\n",
              static_cast<unsigned long long>(options.seed), outcome.pods);
  for (const std::string& violation : outcome.violations) std::printf("  %s\n", violation.c_str());
  std::printf("  to repeat: %s\n", command_of(options, options.pods).c_str());
  std::fflush(stdout);
}

void write_history(const std::string& path, const Outcome& outcome) {
  std::ofstream file(path);
  for (const std::string& line : outcome.history) file << line << "\n";
}

int run_batch(const Arguments& arguments) {
  std::mutex mutex;
  std::map<std::string, std::uint64_t> counts;
  std::uint64_t failed = 0;
  std::vector<RunOptions> runs;
  // Those that found something once come first.
  if (arguments.run.pods == 0 && arguments.run.bug == Bug::none) {
    for (const KeptSeed& kept : kKeptSeeds) {
      RunOptions options = arguments.run;
      options.seed = kept.seed;
      options.pods = kept.pods;
      runs.push_back(options);
    }
  }
  for (std::uint64_t i = 0; i < arguments.seeds; ++i) {
    RunOptions options = arguments.run;
    options.seed = arguments.first + i;
    runs.push_back(options);
  }
  share(arguments.jobs, runs.size(), [&](std::uint64_t n) {
    const Outcome outcome = run_here(runs[n]);
    const std::lock_guard guard(mutex);
    for (const auto& [kind, times] : outcome.counts) counts[kind] += times;
    if (!outcome.violations.empty()) {
      ++failed;
      report(runs[n], outcome);
    }
    return failed < arguments.most_failed;
  });
  for (const auto& [kind, times] : counts) {
    std::printf("%10llu  %s\n", static_cast<unsigned long long>(times), kind.c_str());
  }
  bool missed = false;
  // A few seeds cannot show everything.
  if (arguments.seeds >= 50 && arguments.run.pods == 0 && failed == 0) {
    for (const std::string& kind : expected_counts()) {
      if (counts[kind] > 0) continue;
      missed = true;
      std::printf("never happened: %s\n", kind.c_str());
    }
  }
  std::printf("%zu runs, %llu failed\n", runs.size(), static_cast<unsigned long long>(failed));
  return failed == 0 && !missed ? 0 : 1;
}

int run_same(const Arguments& arguments) {
  std::atomic<int> different{0};
  share(arguments.jobs, arguments.same, [&](std::uint64_t n) {
    RunOptions options = arguments.run;
    options.seed = arguments.first + n;
    const Outcome a = run_here(options);
    const Outcome b = run_here(options);
    if (a.trace == b.trace && a.counts == b.counts) return true;
    ++different;
    std::printf("seed %llu does not run the same twice: %016llx and %016llx\n",
                static_cast<unsigned long long>(options.seed),
                static_cast<unsigned long long>(a.trace), static_cast<unsigned long long>(b.trace));
    return true;
  });
  std::printf("%llu seeds run twice, %d differ\n", static_cast<unsigned long long>(arguments.same),
              different.load());
  return different == 0 ? 0 : 1;
}

// Each bug, or the one that --plant names, is looked for with the same seeds as a batch.
int run_planted(const Arguments& arguments) {
  constexpr std::uint64_t kSeeds = 200;
  int missed = 0;
  const Bug only = arguments.run.bug;
  for (const Bug bug : only == Bug::none ? all_bugs() : std::vector<Bug>{only}) {
    std::mutex mutex;
    std::optional<std::uint64_t> seed;
    std::string how;
    std::atomic<std::uint64_t> tried{0};
    share(arguments.jobs, kSeeds, [&](std::uint64_t n) {
      RunOptions options = arguments.run;
      options.seed = arguments.first + n;
      options.bug = bug;
      const Outcome outcome = run_here(options);
      ++tried;
      if (outcome.violations.empty()) return true;
      const std::lock_guard guard(mutex);
      seed = options.seed;
      how = outcome.violations.front();
      return false;
    });
    if (!seed) ++missed;
    std::printf("%-30s %s after %llu seeds%s%s\n", std::string(name_of(bug)).c_str(),
                seed ? "found" : "NOT FOUND", static_cast<unsigned long long>(tried.load()),
                seed ? (", seed " + std::to_string(*seed) + ": ").c_str() : "", how.c_str());
    std::fflush(stdout);
  }
  return missed == 0 ? 0 : 1;
}

bool parse(int argc, char** argv, Arguments& arguments) {
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--verbose") {
      arguments.run.verbose = true;
      continue;
    }
    if (flag == "--planted") {
      arguments.planted = true;
      continue;
    }
    if (i + 1 == argc) return false;
    const std::string value = argv[++i];
    if (flag == "--plant") {
      const auto bug = find_bug(value);
      if (!bug) return false;
      arguments.run.bug = *bug;
      continue;
    }
    if (flag == "--histories") {
      arguments.histories = value;
      continue;
    }
    if (flag == "--without") {
      arguments.run.without.push_back(value);
      continue;
    }
    if (flag == "--only") {
      arguments.run.only.push_back(value);
      continue;
    }
    const auto number = parse_u64(value);
    if (number.has_error()) return false;
    if (flag == "--seeds") {
      arguments.seeds = *number;
    } else if (flag == "--first") {
      arguments.first = *number;
    } else if (flag == "--seed") {
      arguments.one = true;
      arguments.run.seed = *number;
    } else if (flag == "--pods" && *number >= 1 && *number <= 9) {
      arguments.run.pods = *number;
    } else if (flag == "--same") {
      arguments.same = *number;
    } else if (flag == "--most-failed" && *number >= 1) {
      arguments.most_failed = *number;
    } else if (flag == "--jobs" && *number >= 1) {
      arguments.jobs = static_cast<unsigned>(*number);
    } else {
      return false;
    }
  }
  return arguments.one || arguments.planted || arguments.seeds > 0 || arguments.same > 0;
}

int run_main(int argc, char** argv) {
  Arguments arguments;
  if (!parse(argc, argv, arguments)) {
    std::fprintf(stderr,
                 "usage: sim_pods (--seeds N [--first S] | --seed S [--verbose] [--histories FILE] "
                 "| --same N |"
                 " --planted) [--pods 1-9] [--plant NAME] [--jobs J] [--most-failed F]"
                 " [--only FAULT]... [--without FAULT]...\n");
    return 2;
  }
  std::signal(SIGABRT, on_abort);
  codec::initialise();
  // mas complains of every fault; whoever looks into a run wants to see that.
  log::set_up({arguments.run.verbose ? log::Level::info : log::Level::error, false});
  const auto began = std::chrono::steady_clock::now();
  int status = 0;
  if (arguments.one) {
    const Outcome outcome = run_here(arguments.run);
    std::printf("trace %016llx\n", static_cast<unsigned long long>(outcome.trace));
    for (const auto& [kind, times] : outcome.counts) {
      std::printf("%10llu  %s\n", static_cast<unsigned long long>(times), kind.c_str());
    }
    if (!outcome.violations.empty()) report(arguments.run, outcome);
    if (!arguments.histories.empty()) write_history(arguments.histories, outcome);
    status = outcome.violations.empty() ? 0 : 1;
  } else if (arguments.planted) {
    status = run_planted(arguments);
  } else if (arguments.same > 0) {
    status = run_same(arguments);
  } else {
    status = run_batch(arguments);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("took %.1f s\n", took.count());
  return status;
}

}  // namespace
}  // namespace mas::sim

int main(int argc, char** argv) { return mas::sim::run_main(argc, argv); }
