// mas: the daemon and its client commands in one program.
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "app/cli/cli.h"
#include "mas/codec/stripe.h"
#include "mas/fs/standard_descriptors.h"
#include "mas/observe/log_output.h"

namespace {

// Large buffers are refused one by one where memory is short. If there is none for the smallest
// things either, nothing can be told to anybody, and what is durable is safe.
void end_without_memory() {
  constexpr std::string_view kLine = "mas: memory has run out; this process ends.\n";
  (void)!::write(STDERR_FILENO, kLine.data(), kLine.size());
  std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  if (!mas::fs::hold_standard_descriptors()) return 2;
  std::set_new_handler(end_without_memory);
  // Coding tables are filled before there is a second thread.
  mas::codec::initialise();
  // A peer that goes away is an error of the write, not a signal.
  std::signal(SIGPIPE, SIG_IGN);
  // libmongoc made a file of counters before main(). Killed, it would leave it there, and the next
  // process with this number, in a container each one, would print a warning about it.
  ::shm_unlink(("/mongoc-" + std::to_string(::getpid())).c_str());

  mas::app::Surroundings surroundings{std::cout, std::cerr, {}, false, false};
  surroundings.out_is_terminal = ::isatty(STDOUT_FILENO) == 1;
  surroundings.err_is_terminal = ::isatty(STDERR_FILENO) == 1;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string text = *entry;
    std::size_t equals = text.find('=');
    if (equals == std::string::npos) continue;
    surroundings.environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  std::vector<std::string> arguments(argv + 1, argv + argc);
  int status = mas::app::run_command_line(arguments, surroundings);
  (void)mas::log::finish();
  return status;
}
