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
#include "mas/store/directories.h"

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
    return "Reads and checks every stored record, compares them with the metadata of a pod that is "
           "alone,\n"
           "and says what is damaged, missing, there twice or without an owner. Changes nothing. "
           "Give all\n"
           "directories of node.data, in order. Exit status 0 if all is well, 1 if not.";
  }
  void declare(OptionSet& options) override {
    options.arguments("DIR", directories_, 1, "Data directories, as in node.data");
    options.flag("--json", json_, "Print JSON");
    options.flag("-q,--quiet", quiet_, "No progress");
  }

  int run(Surroundings& surroundings) override {
    auto fs = fs::make_real_fs();
    auto clock = make_system_clock();
    auto checked = check_store(surroundings, *fs, *clock);
    if (checked.has_error()) {
      Error error = checked.error();
      if (error.code() == Code::busy)
        error = Error(error.code(), error.message() + "; stop the pod first");
      return fail(surroundings, "check", error);
    }
    const Comparison metadata = check_metadata(*fs, directories_.front(), checked->inventory);
    const store::CheckReport& report = checked->report;
    print(surroundings, report, metadata);
    return report.problems.empty() && metadata.problems.empty() ? kExitOk : kExitFailed;
  }

 private:
  Result<store::CheckedStore> check_store(Surroundings& surroundings, fs::Fs& fs, Clock& clock) {
    ProgressBar bar(surroundings.err, surroundings.err_is_terminal, quiet_ || json_, clock);
    std::uint64_t last = 0;
    bool started = false;
    auto progress = [&](std::uint64_t done, std::uint64_t total) {
      if (!started) bar.start("check", total);
      started = true;
      bar.add(done - last);
      last = done;
    };
    return store::check_and_list(fs, directories_, progress);
  }

  void print(Surroundings& surroundings, const store::CheckReport& report,
             const Comparison& metadata) const {
    std::ostream& out = surroundings.out;
    if (json_) {
      boost::json::object line;
      line["segments"] = report.segments;
      line["frames"] = report.frames;
      line["records"] = report.records;
      line["bytes"] = report.bytes;
      line["compared"] = metadata.compared;
      line["files"] = metadata.objects;
      line["problems"] = texts(report.problems);
      line["notes"] = texts(report.notes);
      line["uploads"] = metadata.uploads;
      line["metadata_problems"] = texts(metadata.problems);
      line["metadata_notes"] = texts(metadata.notes);
      out << boost::json::serialize(line) << std::endl;
      return;
    }
    for (const std::string& problem : report.problems) out << "problem: " << problem << "\n";
    for (const std::string& problem : metadata.problems) out << "problem: " << problem << "\n";
    for (const std::string& note : report.notes) out << "note: " << note << "\n";
    for (const std::string& note : metadata.notes) out << "note: " << note << "\n";
    const std::size_t problems = report.problems.size() + metadata.problems.size();
    out << report.segments << " segments, " << report.frames << " frames, " << report.records
        << " records, " << describe_size(report.bytes) << "; "
        << (metadata.compared ? std::to_string(metadata.objects) + " files in the metadata"
                              : "not compared with the metadata")
        << "; " << (problems == 0 ? "all is well" : std::to_string(problems) + " problems")
        << std::endl;
  }

  std::vector<std::string> directories_;
  bool json_ = false;
  bool quiet_ = false;
};

}  // namespace

std::unique_ptr<Command> make_check() { return std::make_unique<Check>(); }

}  // namespace mas::app
