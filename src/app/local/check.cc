// mas check: reads everything a stopped pod has stored.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "app/cli/command.h"
#include "app/client/progress.h"
#include "app/local/local_commands.h"
#include "app/local/meta_check.h"
#include "mas/core/units.h"
#include "mas/store/store.h"

namespace mas::app {
namespace {

boost::json::array texts(const std::vector<std::string>& list) {
  boost::json::array out;
  for (const std::string& text : list) out.emplace_back(text);
  return out;
}

class Check final : public Command {
 public:
  std::string name() const override { return "check"; }
  std::string summary() const override { return "Verify the data directory of a stopped pod"; }
  std::string details() const override {
    return "Reads and checks every stored record and the metadata, and says what is damaged. "
           "Changes\n"
           "nothing. Give all directories of node.data, in order. Exit status 0 if all is well, 1 "
           "if\n"
           "not.";
  }
  void declare(OptionSet& options) override {
    options.arguments("DIR", directories_, 1, "Data directories, as in node.data");
    options.flag("--json", json_, "Print JSON");
    options.flag("-q,--quiet", quiet_, "No progress");
  }

  int run(Surroundings& surroundings) override {
    auto fs = fs::make_real_fs();
    auto clock = make_system_clock();
    for (const std::string& directory : directories_) {
      auto names = fs->list(directory);
      if (names.has_error()) return fail(surroundings, "check", names.error());
    }
    auto report = check_store(surroundings, *fs, *clock);
    if (report.has_error()) {
      Error error = report.error();
      if (error.code() == Code::busy)
        error = Error(error.code(), error.message() + "; stop the pod first");
      return fail(surroundings, "check", error);
    }
    auto metadata = check_metadata(*fs, directories_.front() + "/meta");
    print(surroundings, *report, metadata);
    return report->problems.empty() && metadata.problem.empty() ? kExitOk : kExitFailed;
  }

 private:
  Result<store::CheckReport> check_store(Surroundings& surroundings, fs::Fs& fs, Clock& clock) {
    ProgressBar bar(surroundings.err, surroundings.err_is_terminal, quiet_ || json_, clock);
    std::uint64_t last = 0;
    bool started = false;
    auto progress = [&](std::uint64_t done, std::uint64_t total) {
      if (!started) bar.start("check", total);
      started = true;
      bar.add(done - last);
      last = done;
    };
    return store::check(fs, directories_, progress);
  }

  void print(Surroundings& surroundings, const store::CheckReport& report,
             const MetadataReport& metadata) const {
    std::ostream& out = surroundings.out;
    if (json_) {
      boost::json::object line;
      line["segments"] = report.segments;
      line["frames"] = report.frames;
      line["records"] = report.records;
      line["bytes"] = report.bytes;
      line["files"] = metadata.objects;
      line["problems"] = texts(report.problems);
      line["notes"] = texts(report.notes);
      line["metadata_problem"] = metadata.problem;
      out << boost::json::serialize(line) << std::endl;
      return;
    }
    for (const std::string& problem : report.problems) out << "problem: " << problem << "\n";
    if (!metadata.problem.empty()) out << "problem: metadata: " << metadata.problem << "\n";
    for (const std::string& note : report.notes) out << "note: " << note << "\n";
    std::size_t problems = report.problems.size() + (metadata.problem.empty() ? 0 : 1);
    out << report.segments << " segments, " << report.frames << " frames, " << report.records
        << " records, " << describe_size(report.bytes) << "; " << metadata.objects
        << " files in the metadata; "
        << (problems == 0 ? "all is well" : std::to_string(problems) + " problems") << std::endl;
  }

  std::vector<std::string> directories_;
  bool json_ = false;
  bool quiet_ = false;
};

}  // namespace

std::unique_ptr<Command> make_check() { return std::make_unique<Check>(); }

}  // namespace mas::app
