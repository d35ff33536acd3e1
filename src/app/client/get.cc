// mas get.
#include <ostream>

#include "app/client/client_command.h"
#include "app/client/download_list.h"
#include "app/client/downloader.h"
#include "app/client/output.h"
#include "app/client/put.h"
#include "mas/core/units.h"

namespace mas::app {
namespace {

constexpr std::uint64_t kMaxList = 256 * kMiB;

class Get final : public ClientCommand {
 public:
  std::string name() const override { return "get"; }
  std::string summary() const override { return "Download files and verify their hash"; }
  std::string details() const override {
    return "Bytes go to FILE.part, which becomes FILE once the hash is verified; run again, it "
           "goes\n"
           "on where it stopped. Without -o the file is called what it was uploaded as.";
  }

 protected:
  void declare_own(OptionSet& options) override {
    options.arguments("HASH", hashes_, 0, "SHA-256 of the files, 64 hex digits each");
    options.text("-o,--output", "FILE", output_,
                 "Write here: a file, a directory for several files, - for standard output");
    options.text("--list", "FILE", list_,
                 "Also what this file lists, in the form mas put prints, below the directory -o");
    options.flag("-f,--force", force_, "Replace files that have other content");
    options.flag("-q,--quiet", quiet_, "No progress");
  }

  Result<void> check() override {
    for (const std::string& hash : hashes_) MAS_CHECK(parse_hash_argument(hash));
    if (hashes_.empty() && list_.empty()) {
      return Error(Code::invalid_argument, "name a HASH, or a list with --list");
    }
    if (output_ == "-" && (hashes_.size() != 1 || !list_.empty())) {
      return Error(Code::invalid_argument, "-o - takes one HASH");
    }
    return {};
  }

  Task<Result<int>> work(Context& context) override {
    MAS_CO_TRY(auto wanted, wanted_files(context));
    Surroundings& around = context.surroundings;
    bool quiet = quiet_ || context.json;
    ProgressBar bar(around.err, around.err_is_terminal, quiet, context.clock);
    auto client = context.connect();
    Downloader downloader(*client, context.clock, context.fs, bar);
    if (output_ == "-") co_return co_await to_standard_output(context, downloader, wanted.front());
    bool to_directory = !list_.empty() || wanted.size() > 1;
    int status = kExitOk;
    for (const Wanted& item : wanted) {
      auto path = co_await place(context, *client, item, to_directory);
      Error error;
      if (path.has_value()) {
        auto result = co_await downloader.to_file(item.hash, *path, force_);
        bar.clear();
        if (result.has_value()) {
          print(context, item, *path, *result);
          continue;
        }
        error = result.error();
      } else {
        error = path.error();
      }
      status = kExitFailed;
      context.report(name(), error.with_context(item.path.empty() ? item.hash.hex() : item.path));
      if (error.code() == Code::closed || error.code() == Code::system_token_invalid) break;
    }
    co_return status;
  }

 private:
  Result<std::vector<Wanted>> wanted_files(const Context& context) const {
    std::vector<Wanted> wanted;
    for (const std::string& text : hashes_) {
      MAS_TRY(Hash hash, parse_hash_argument(text));
      wanted.push_back({hash, ""});
    }
    if (list_.empty()) return wanted;
    MAS_TRY(std::string text, fs::read_file(context.fs, list_, kMaxList));
    auto listed = parse_download_list(text);
    if (listed.has_error()) return listed.error().with_context(list_);
    wanted.insert(wanted.end(), listed->begin(), listed->end());
    return wanted;
  }

  // Where `item` goes; makes the directories above it.
  Task<Result<std::string>> place(Context& context, ApiClient& client, const Wanted& item,
                                  bool to_directory) {
    if (!to_directory && !output_.empty()) co_return output_;
    std::string path = item.path;
    if (path.empty()) {
      MAS_CO_TRY(auto info, co_await client.info(item.hash));
      if (!info) co_return Error(Code::no_such_file, "no such file on the server");
      path = safe_file_name(info->name, item.hash);
    }
    std::string base = output_.empty() ? "." : output_;
    std::string full = base + "/" + path;
    MAS_CO_CHECK(context.fs.make_directories(full.substr(0, full.rfind('/')), 0777));
    co_return full;
  }

  static Task<Result<int>> to_standard_output(Context& context, Downloader& downloader,
                                              const Wanted& item) {
    std::ostream& out = context.surroundings.out;
    auto write = [&out](ByteView piece) -> Result<void> {
      std::string_view text = as_text(piece);
      out.write(text.data(), static_cast<std::streamsize>(text.size()));
      if (out) return {};
      return Error(Code::io, "standard output cannot be written");
    };
    Receive receive = write;
    MAS_CO_CHECK(co_await downloader.to_stream(item.hash, receive));
    out << std::flush;
    co_return kExitOk;
  }

  static void print(const Context& context, const Wanted& item, const std::string& path,
                    const Downloaded& result) {
    if (context.json) {
      boost::json::object line;
      line["hash"] = item.hash.hex();
      line["path"] = path;
      line["size"] = result.size;
      line["resumed"] = result.resumed;
      line["was_there"] = result.was_there;
      context.print(line);
    } else {
      context.surroundings.out << checksum_line(item.hash.hex(), path) << std::flush;
    }
  }

  std::vector<std::string> hashes_;
  std::string output_;
  std::string list_;
  bool force_ = false;
  bool quiet_ = false;
};

}  // namespace

std::unique_ptr<Command> make_get() { return std::make_unique<Get>(); }

}  // namespace mas::app
