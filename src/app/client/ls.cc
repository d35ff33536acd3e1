// mas ls.
#include <ostream>

#include "app/client/client_command.h"
#include "app/client/output.h"
#include "app/client/simple_commands.h"
#include "mas/core/units.h"

namespace mas::app {
namespace {

constexpr std::uint64_t kPage = 1000;

class Ls final : public ClientCommand {
 public:
  std::string name() const override { return "ls"; }
  std::string summary() const override { return "List stored files in order of their hash"; }
  std::string details() const override {
    return "Each line: hash, size in bytes, time of the upload (UTC), name.";
  }

 protected:
  void declare_own(OptionSet& options) override {
    options.text("--prefix", "HEX", prefix_, "Only hashes that start with this");
    options.text("--name-contains", "TEXT", contains_, "Only names that contain this");
    options.number("--limit", limit_, 0, UINT64_MAX, "Stop after this many; 0: all");
  }

  Task<Result<int>> work(Context& context) override {
    auto client = context.connect();
    std::string after;
    std::uint64_t left = limit_ == 0 ? UINT64_MAX : limit_;
    do {
      Parameters query{{"limit", std::to_string(std::min(left, kPage))}};
      if (!prefix_.empty()) query.emplace_back("prefix", prefix_);
      if (!contains_.empty()) query.emplace_back("name_contains", contains_);
      if (!after.empty()) query.emplace_back("after", after);
      MAS_CO_TRY(FilePage page, co_await client->list(query));
      for (const FileInfo& file : page.files) print(context, file);
      left -= std::min<std::uint64_t>(left, page.files.size());
      after = page.next;
    } while (!after.empty() && left > 0);
    context.surroundings.out << std::flush;
    co_return kExitOk;
  }

 private:
  static void print(const Context& context, const FileInfo& file) {
    if (context.json) {
      context.print(to_json(file));
      return;
    }
    std::string size = std::to_string(file.size);
    if (size.size() < 12) size.insert(0, 12 - size.size(), ' ');
    context.surroundings.out << file.hash << "  " << size << "  " << date_text(file.created) << "  "
                             << printable(file.name) << "\n";
  }

  std::string prefix_;
  std::string contains_;
  std::uint64_t limit_ = 0;
};

}  // namespace

std::unique_ptr<Command> make_ls() { return std::make_unique<Ls>(); }

}  // namespace mas::app
