#include "app/serve/serve.h"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <boost/asio/this_coro.hpp>
#include <csignal>
#include <ostream>
#include <utility>

#include "app/cli/config_source.h"
#include "app/serve/connections.h"
#include "app/serve/daemon.h"
#include "app/serve/greeting.h"
#include "app/serve/memory_limit.h"
#include "app/serve/memory_plan.h"
#include "mas/fs/descriptors.h"
#include "mas/observe/log.h"
#include "mas/observe/log_output.h"
#include "mas/runtime/io_threads.h"
#include "mas/runtime/signals.h"

namespace mas::app {
namespace {

void set_up_log(const config::Log& options, bool terminal) {
  log::Options chosen;
  // The configuration was checked: the name is known.
  MAS_ASSERT(log::parse_level(options.level, chosen.level));
  chosen.json = options.format == "json" || (options.format == "auto" && !terminal);
  log::set_up(chosen);
  log::start_queue(options.queue);
}

// Every connection is a descriptor; the usual soft limit of 1,024 is far below what is configured.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Of address space, which threads and the allocator reserve much more of than they use: it cannot
// be divided into budgets.
void warn_of_address_limits() {
  for (auto [resource, name] : {std::pair{RLIMIT_DATA, "data"}, std::pair{RLIMIT_AS, "as"}}) {
    rlimit limit{};
    if (::getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) continue;
    log::warn("memory.address_space_limited",
              {{"limit", name},
               {"size", describe_size(limit.rlim_cur)},
               {"hint", "Limit the control group, or set node.memory, instead."}});
  }
}

// The budgets as configured where they fit, else smaller ones; which is logged.
Result<void> fit_into_memory(config::Config& config) {
  std::optional<std::uint64_t> limit =
      control_group_memory(*fs::make_real_fs(), ControlGroupFiles());
  if (config.node.memory > 0) limit = std::min(limit.value_or(UINT64_MAX), config.node.memory);
  if (!limit) return {};
  const std::uint64_t wanted = memory_needed(config);
  MAS_TRY(const std::vector<Planned> planned, fit_memory(config, *limit));
  for (const Planned& each : planned) {
    log::info("memory.fitted", {{"key", each.key}, {"value", each.value}});
  }
  if (!planned.empty()) {
    log::info("memory.limited",
              {{"limit", describe_size(*limit)}, {"wanted", describe_size(wanted)}});
  }
  return {};
}

void exit_at_once(int) { ::_exit(kExitFailed); }

// The first signal asks for a gentle stop; from then on one more ends the process at once.
constexpr std::array kStopSignals{SIGTERM, SIGINT};
Task<void> wait_to_stop(Signals& signals) {
  int signal = co_await signals.wait();
  for (int each : kStopSignals) std::signal(each, exit_at_once);
  log::info("serve.stopping", {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"}});
}

class Serve final : public Command {
 public:
  std::string name() const override { return "serve"; }
  std::string summary() const override { return "Run a pod"; }
  std::string details() const override {
    return "Without options: data in ./mas-data, API on 127.0.0.1:7080, a system token made once "
           "in\n"
           "mas-data/system-token. Every key of the configuration can also be given in the\n"
           "environment: http.listen is MAS_HTTP_LISTEN. SIGTERM and SIGINT stop gently, a second\n"
           "one at once.";
  }
  void declare(OptionSet& options) override {
    options.text("-c,--config", "FILE", config_file_, "Configuration, TOML", "MAS_CONFIG");
    options.texts("--data", "DIR", data_, "Data directory; once per disk (node.data)");
    options.text("--listen", "HOST:PORT", listen_, "Address of the API (http.listen)");
    options.texts("--accept-lost", "DIR", accept_lost_,
                  "Give up a data directory that was emptied or taken away");
  }
  int run(Surroundings& surroundings) override {
    auto config = load(surroundings);
    if (config.has_error()) {
      fail(surroundings, "serve", config.error());
      return kExitUsage;
    }
    set_up_log(config->log, surroundings.err_is_terminal);
    warn_of_address_limits();
    auto fitted = fit_into_memory(*config);
    if (fitted.has_error()) {
      fail(surroundings, "serve", fitted.error());
      return kExitUsage;
    }
    raise_descriptor_limit();
    int status = kExitOk;
    Result<void> bounded = bound_connections(*config, fs::descriptor_limit());
    if (bounded.has_error()) {
      fail(surroundings, "serve", bounded.error());
      return kExitUsage;
    }
    Daemon daemon(*config, accept_lost_);
    run_blocking(serve(daemon, *config, surroundings, status));
    return status;
  }

 private:
  Result<config::Config> load(const Surroundings& surroundings) const {
    std::map<std::string, std::string> flags;
    if (!listen_.empty()) flags["http.listen"] = listen_;
    for (const std::string& directory : data_) {
      if (directory.find(',') != std::string::npos) {
        return Error(Code::invalid_argument,
                     "--data: a directory with a comma in its name must be named in the file");
      }
      std::string& list = flags["node.data"];
      list += (list.empty() ? "" : ",") + directory;
    }
    return load_config(config_file_, surroundings.environment, flags);
  }

  static Task<void> serve(Daemon& daemon, const config::Config& config, Surroundings& surroundings,
                          int& status) {
    auto started = co_await daemon.start();
    if (started.has_error()) {
      log::flush();  // what led to it comes first
      fail(surroundings, "serve", started.error());
      status = kExitUsage;
    } else {
      // Whoever has read the greeting may ask for a gentle stop.
      const Executor executor = co_await boost::asio::this_coro::executor;
      Signals signals(executor, kStopSignals);
      Greeting greeting{daemon.address(), daemon.token_file(), config.tls.certificate};
      surroundings.out << greeting_text(greeting) << std::flush;
      co_await wait_to_stop(signals);
    }
    auto stopped = co_await daemon.stop();
    if (stopped.has_error() && status == kExitOk) status = kExitFailed;
    if (started.has_value()) log::info("serve.stopped");
  }

  std::string config_file_;
  std::vector<std::string> data_;
  std::vector<std::string> accept_lost_;
  std::string listen_;
};

}  // namespace

std::unique_ptr<Command> make_serve() { return std::make_unique<Serve>(); }

}  // namespace mas::app
