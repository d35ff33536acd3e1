#include <boost/json/serialize.hpp>
#include <ostream>

#include "app/client/client_command.h"
#include "app/client/json_values.h"
#include "app/client/simple_commands.h"

namespace mas::app {
namespace {

using boost::json::value;

constexpr Duration kPause = std::chrono::milliseconds(250);
// Answers that fail in a row before the pod counts as gone.
constexpr int kPatience = 20;
constexpr std::size_t kMostShown = 20;

std::string counted(std::uint64_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string report_text(const value& report) {
  std::string out = counted(number(at(report, "files")), "file") + ", of which " +
                    std::to_string(number(at(report, "restored"))) + " put back; " +
                    counted(number(at(report, "deletions")), "deletion") + " put back; " +
                    std::to_string(number(at(report, "verified"))) + " verified by reading them.\n";
  if (number(at(report, "verified")) == 0) {
    out += "The rest is believed from its manifests: --verify reads every file.\n";
  }
  const boost::json::array& away = list(at(report, "away"));
  if (!away.empty()) {
    out += "Without:";
    for (const value& slot : away) out += " " + text(slot);
    out += ". Run it again when they are back, for files that only they have.\n";
  }
  const std::uint64_t all = number(at(report, "not_restored"));
  if (all == 0) return out;
  out += counted(all, "file") + " not restored:\n";
  std::size_t shown = 0;
  for (const value& failure : list(at(report, "failures"))) {
    if (shown++ == kMostShown) break;
    out += "  " + text(at(failure, "hash")) + "  " + text(at(failure, "why")) + "\n";
  }
  if (all > kMostShown) {
    out += "  and " + std::to_string(all - kMostShown) +
           " more: the pod's log has all of them, --json the first 1,000.\n";
  }
  return out;
}

class RebuildMetadata final : public ClientCommand {
 public:
  std::string name() const override { return "rebuild-metadata"; }
  std::string summary() const override {
    return "Put the metadata together again from what the pods hold";
  }
  std::string details() const override {
    return "For metadata that was lost, or restored from a backup. The pod asked does it, with "
           "all\n"
           "others; nothing deleted comes back, and no unfinished upload. It may be interrupted "
           "and\n"
           "run again. Without --verify, files are believed to be what their manifests say.";
  }

 protected:
  void declare_own(OptionSet& options) override {
    options.flag("--verify", verify_, "Read every file in the end and compare it with its hash");
  }

  Task<Result<int>> work(Context& context) override {
    MAS_CO_TRY(value report, co_await begin(context));
    int failures = 0;
    while (is_true(at(report, "running"))) {
      show(context, report);
      co_await context.clock.sleep(kPause);
      auto client = context.connect();
      Result<value> next = co_await client->rebuild_progress();
      if (next.has_error() && ++failures == kPatience) co_return next.error();
      if (next.has_error()) continue;
      failures = 0;
      report = *std::move(next);
    }
    wipe(context);
    if (report.is_null()) {
      co_return Error(
          Code::closed,
          "The pod that answers knows of no rebuild: it was started again meanwhile, or "
          "it is another one. Run it again, at one pod's own address.");
    }
    std::string failed = text(at(report, "error"), "");
    if (!failed.empty()) co_return Error(Code::refused, failed);
    context.surroundings.out << (context.json ? boost::json::serialize(report) + "\n"
                                              : report_text(report))
                             << std::flush;
    co_return kExitOk;
  }

 private:
  // Starts it, or joins one that runs.
  Task<Result<value>> begin(Context& context) {
    auto client = context.connect();
    Result<value> report = co_await client->start_rebuild(verify_);
    if (report.has_value() || report.error().code() != Code::busy) co_return report;
    Result<value> running = co_await client->rebuild_progress();
    if (running.has_value() && is_true(at(*running, "running"))) co_return running;
    co_return report;
  }

  // On a terminal one line that changes, else a line for each phase.
  void show(Context& context, const value& report) {
    if (context.json) return;
    std::string phase = text(at(report, "phase"));
    std::ostream& err = context.surroundings.err;
    if (!context.surroundings.err_is_terminal) {
      if (phase != shown_) err << "rebuilding: " << phase << std::endl;
    } else {
      wipe(context);
      std::string line = "rebuilding: " + phase + " " +
                         std::to_string(percent(at(report, "progress")).value_or(0)) + " %, " +
                         counted(number(at(report, "restored")), "file") + " put back";
      width_ = line.size();
      err << line << std::flush;
    }
    shown_ = phase;
  }
  void wipe(Context& context) {
    if (width_ > 0) context.surroundings.err << "\r" << std::string(width_, ' ') << "\r";
    width_ = 0;
  }

  bool verify_ = false;
  std::string shown_;
  std::size_t width_ = 0;
};

}  // namespace

std::unique_ptr<Command> make_rebuild_metadata() { return std::make_unique<RebuildMetadata>(); }

}  // namespace mas::app
