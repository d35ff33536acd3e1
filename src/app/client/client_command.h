// What client commands share: options, the pod to talk to, output, and a place for coroutines.
#pragma once

#include <boost/json/object.hpp>
#include <memory>
#include <optional>
#include <string>

#include "app/cli/command.h"
#include "app/client/api_client.h"
#include "app/client/server_options.h"
#include "mas/fs/fs.h"
#include "mas/runtime/clock.h"
#include "mas/runtime/io_threads.h"

namespace mas::app {

// A command that talks to a pod. Subclasses declare their options and give the work as a coroutine.
class ClientCommand : public Command {
 public:
  void declare(OptionSet& options) final;
  int run(Surroundings& surroundings) final;

 protected:
  // Alive while the work runs.
  struct Context {
    Surroundings& surroundings;
    const Target& target;
    Clock& clock;
    fs::Fs& fs;
    Executor executor;  // the coroutine's own
    bool json = false;

    [[nodiscard]] std::unique_ptr<ApiClient> connect() const;
    // One JSON object and a line break on standard output.
    void print(const boost::json::object& object) const;
    // One line on standard error, and under --json an object on standard output.
    void report(std::string_view command, const Error& error) const;
  };

  virtual void declare_own(OptionSet& options) = 0;
  // Looks at the options before anything is connected. Errors: invalid_argument; exit status 2.
  virtual Result<void> check() { return {}; }
  // An error is reported and ends with kExitFailed; else the exit status.
  virtual Task<Result<int>> work(Context& context) = 0;

 private:
  Task<void> run_work(Surroundings& surroundings, const Target& target, fs::Fs& fs, int& status);

  ServerOptions server_;
};

// Errors (invalid_argument): not 64 hex digits.
[[nodiscard]] Result<Hash> parse_hash_argument(const std::string& text);

[[nodiscard]] boost::json::object to_json(const FileInfo& info);

}  // namespace mas::app
