#include "app/client/put.h"

#include <algorithm>
#include <mutex>
#include <ostream>

#include "app/client/client_command.h"
#include "app/client/output.h"
#include "app/client/uploader.h"
#include "mas/runtime/sync.h"

namespace mas::app {
namespace {

constexpr std::size_t kThreads = 2;

// What all uploads of one `mas put` add up to.
struct Totals {
  std::uint64_t files = 0;
  std::uint64_t stored_before = 0;
  std::uint64_t failed = 0;
  std::uint64_t bytes = 0;
};

class Put final : public ClientCommand {
 public:
  std::string name() const override { return "put"; }
  std::string summary() const override { return "Upload files and directories"; }
  std::string details() const override {
    return "Prints hash and path of each file in the form of sha256sum; mas get --list takes "
           "that.\n"
           "Files of a directory keep their path below it as their name. Run again, it sends only\n"
           "what is missing.";
  }

 protected:
  void declare_own(OptionSet& options) override {
    options.arguments("FILE", paths_, 1, "Files and directories; directories with all below them");
    options.text("--name", "NAME", name_, "Call the file this; with one FILE only");
    options.size("--part-size", upload_.part_size, kMiB, 5 * kGiB,
                 "Larger files are sent in parts of this size");
    options.number("--connections", upload_.connections, 1, 16, "How many requests run at once");
    options.flag("-q,--quiet", quiet_, "No progress");
  }

  Result<void> check() override {
    if (!name_.empty() && paths_.size() != 1) {
      return Error(Code::invalid_argument, "--name goes with one FILE only");
    }
    return {};
  }

  Task<Result<int>> work(Context& context) override {
    MAS_CO_TRY(auto files, find_files(context.fs, paths_));
    if (!name_.empty() && files.size() == 1) files.front().name = name_;
    // Small ones first, several at once; then the large ones, each in several parts at once.
    auto is_small = [this](const LocalFile& file) { return file.size <= upload_.part_size; };
    auto large = std::stable_partition(files.begin(), files.end(), is_small);
    std::vector<LocalFile> small_files(files.begin(), large);
    std::vector<LocalFile> large_files(large, files.end());
    Surroundings& around = context.surroundings;
    ProgressBar bar(around.err, around.err_is_terminal, quiet_ || context.json, context.clock);
    IoThreads io(kThreads);
    io.start();
    Run run{context,     bar, Uploader(context.target, context.clock, context.fs, io, bar, upload_),
            {},          {},  0,
            small_files, {}};
    co_await put_small(run, io);
    run.files = large_files;
    run.next = 0;
    co_await worker(run, context.executor);
    io.stop();
    bar.clear();
    co_return conclude(run);
  }

 private:
  // One `mas put` under way; shared by its workers.
  struct Run {
    Context& context;
    ProgressBar& bar;
    Uploader uploader;
    std::mutex mutex;
    Totals totals;
    std::size_t next;
    std::vector<LocalFile> files;
    std::optional<Error> hopeless;  // no other file would fare better
  };

  Task<void> put_small(Run& run, IoThreads& io) {
    std::uint64_t total = 0;
    for (const LocalFile& file : run.files) total += file.size;
    run.bar.start("put", total);
    Gate gate;
    std::uint64_t count = std::min<std::uint64_t>(upload_.connections, run.files.size());
    for (std::uint64_t i = 0; i < count; ++i) {
      Executor executor = io.next();
      spawn(executor, gate, worker(run, executor), "put.file");
    }
    co_await gate.close();
  }

  static std::optional<LocalFile> take(Run& run) {
    std::lock_guard lock(run.mutex);
    if (run.hopeless || run.next >= run.files.size()) return std::nullopt;
    return run.files[run.next++];
  }

  Task<void> worker(Run& run, Executor executor) {
    ApiClient client(executor, run.context.target, run.context.clock);
    while (auto file = take(run)) {
      auto result = co_await run.uploader.upload(client, *file);
      std::lock_guard lock(run.mutex);
      run.bar.clear();
      if (result.has_value()) {
        print(run, *file, *result);
      } else {
        failed(run, *file, result.error());
      }
    }
  }

  static void print(Run& run, const LocalFile& file, const Uploaded& uploaded) {
    run.totals.files += 1;
    run.totals.bytes += file.size;
    if (uploaded.was_stored) run.totals.stored_before += 1;
    if (run.context.json) {
      boost::json::object line;
      line["hash"] = uploaded.hash.hex();
      line["path"] = file.path;
      line["size"] = file.size;
      line["stored_before"] = uploaded.was_stored;
      line["resumed"] = uploaded.resumed;
      line["durable"] = uploaded.durable;
      run.context.print(line);
    } else {
      run.context.surroundings.out << checksum_line(uploaded.hash.hex(), file.path) << std::flush;
    }
  }

  void failed(Run& run, const LocalFile& file, const Error& error) const {
    run.totals.failed += 1;
    run.context.report(name(), error.with_context(printable(file.path)));
    bool unreachable = error.code() == Code::closed || error.code() == Code::timeout ||
                       error.code() == Code::system_token_invalid;
    if (unreachable && !run.hopeless) run.hopeless = error;
  }

  int conclude(const Run& run) const {
    const Totals& totals = run.totals;
    if (!quiet_ && !run.context.json && totals.files + totals.failed > 1) {
      run.context.surroundings.err << totals.files << " files, " << describe_size(totals.bytes)
                                   << "; " << totals.stored_before << " were there already, "
                                   << totals.failed << " failed" << std::endl;
    }
    return totals.failed == 0 ? kExitOk : kExitFailed;
  }

  std::vector<std::string> paths_;
  std::string name_;
  UploadOptions upload_;
  bool quiet_ = false;
};

}  // namespace

std::unique_ptr<Command> make_put() { return std::make_unique<Put>(); }

}  // namespace mas::app
