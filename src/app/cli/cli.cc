#include "app/cli/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>

#include "app/client/output.h"
#include "app/version.h"

namespace mas::app {
namespace {

// OptionSet over one CLI11 subcommand.
class CliOptions final : public OptionSet {
 public:
  explicit CliOptions(CLI::App& app) : app_(app) {}

  void flag(const std::string& name, bool& into, const std::string& help) override {
    app_.add_flag(name, into, help);
  }
  void text(const std::string& name, const std::string& value, std::string& into,
            const std::string& help, const std::string& variable) override {
    auto* option = app_.add_option(name, into, help)->type_name(value);
    if (!into.empty()) option->capture_default_str();
    if (!variable.empty()) option->envname(variable);
  }
  void texts(const std::string& name, const std::string& value, std::vector<std::string>& into,
             const std::string& help) override {
    app_.add_option(name, into, help)->type_name(value)->allow_extra_args(false);
  }
  void number(const std::string& name, std::uint64_t& into, std::uint64_t min, std::uint64_t max,
              const std::string& help) override {
    auto parse = [&into, name, min, max](const std::string& text) {
      auto number = parse_u64(text);
      if (number.has_error()) throw CLI::ValidationError(name, number.error().message());
      if (*number < min || *number > max) {
        throw CLI::ValidationError(name, "must be from " + std::to_string(min) + " to " +
                                             std::to_string(max) + ", not " + text);
      }
      into = *number;
    };
    scalar(name, "N", std::to_string(into), help, parse);
  }
  void size(const std::string& name, std::uint64_t& into, std::uint64_t min, std::uint64_t max,
            const std::string& help) override {
    auto parse = [&into, name, min, max](const std::string& text) {
      auto size = parse_size(text);
      if (size.has_error()) throw CLI::ValidationError(name, size.error().message());
      if (*size < min || *size > max) {
        throw CLI::ValidationError(
            name, "must be from " + format_size(min) + " to " + format_size(max) + ", not " + text);
      }
      into = *size;
    };
    scalar(name, "SIZE", format_size(into), help, parse);
  }
  void duration(const std::string& name, Duration& into, const std::string& help) override {
    auto parse = [&into, name](const std::string& text) {
      auto duration = parse_duration(text);
      if (duration.has_error()) throw CLI::ValidationError(name, duration.error().message());
      into = *duration;
    };
    scalar(name, "TIME", format_duration(into), help, parse);
  }
  void choice(const std::string& name, std::string& into, const std::vector<std::string>& choices,
              const std::string& help) override {
    app_.add_option(name, into, help)
        ->type_name(joined(choices))
        ->check(CLI::IsMember(choices))
        ->capture_default_str();
  }
  void argument(const std::string& name, std::string& into, const std::string& help) override {
    app_.add_option(name, into, help)->required()->type_name("");
  }
  void argument_choice(const std::string& name, std::string& into,
                       const std::vector<std::string>& choices, const std::string& help) override {
    auto* option = app_.add_option(name, into, help)->type_name(joined(choices));
    option->required(into.empty())->check(CLI::IsMember(choices));
    if (!into.empty()) option->capture_default_str();
  }
  void arguments(const std::string& name, std::vector<std::string>& into, std::size_t min,
                 const std::string& help) override {
    auto* option = app_.add_option(name, into, help)->type_name("");
    if (min > 0)
      option->required()->expected(static_cast<int>(min), CLI::detail::expected_max_vector_size);
  }

 private:
  static std::string joined(const std::vector<std::string>& choices) {
    std::string text;
    for (const std::string& choice : choices) text += (text.empty() ? "" : "|") + choice;
    return text;
  }
  void scalar(const std::string& name, const std::string& value, const std::string& default_text,
              const std::string& help, const std::function<void(const std::string&)>& parse) {
    app_.add_option_function<std::string>(name, parse, help)
        ->type_name(value)
        ->default_str(default_text);
  }

  CLI::App& app_;
};

constexpr const char* kAbout =
    "mas: a distributed object store. `mas serve` runs a pod; the other commands talk to one.";
constexpr const char* kFooter =
    "Commands that talk to a pod take --server, --system-token-file and --ca-file, or MAS_SERVER,\n"
    "MAS_SYSTEM_TOKEN_FILE and MAS_CA_FILE. Exit status: 0 done, 1 failed, 2 not understood.";

// The parser with every command in it. Commands outlive it.
struct Parser {
  CLI::App app{kAbout, "mas"};
  std::vector<std::unique_ptr<Command>> commands = all_commands();
  std::vector<std::unique_ptr<CliOptions>> options;
  std::vector<CLI::App*> subcommands;

  Parser() {
    app.set_version_flag("--version", "mas " + std::string(version()));
    app.set_help_all_flag("--help-all", "Print the help of every command and exit");
    app.require_subcommand(1);
    app.footer(kFooter);
    app.get_formatter()->column_width(34);
    for (const auto& command : commands) {
      CLI::App* sub = app.add_subcommand(command->name(), command->summary());
      sub->footer(command->details());
      options.push_back(std::make_unique<CliOptions>(*sub));
      command->declare(*options.back());
      subcommands.push_back(sub);
    }
  }

  // Options are left to CLI11.
  bool knows(const std::string& word) const {
    return word.starts_with("-") ||
           std::any_of(commands.begin(), commands.end(),
                       [&word](const auto& c) { return c->name() == word; });
  }
};

}  // namespace

int run_command_line(std::span<const std::string> arguments, Surroundings& surroundings) {
  Parser parser;
  if (!arguments.empty() && !parser.knows(arguments.front())) {
    Error unknown(Code::invalid_argument, "there is no such command; mas --help lists them");
    fail(surroundings, printable(arguments.front()), unknown);
    return kExitUsage;
  }
  try {
    // CLI11 takes them last first.
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    parser.app.parse(std::move(reversed));
  } catch (const CLI::Success& asked) {
    parser.app.exit(asked, surroundings.out, surroundings.err);
    return kExitOk;
  } catch (const CLI::ParseError& error) {
    std::string command = arguments.empty() ? "help" : printable(arguments.front());
    fail(surroundings, command, Error(Code::invalid_argument, printable(error.what())));
    return kExitUsage;
  }
  for (std::size_t i = 0; i < parser.commands.size(); ++i) {
    if (parser.subcommands[i]->parsed()) return parser.commands[i]->run(surroundings);
  }
  return kExitUsage;
}

std::string full_help() {
  Parser parser;
  return parser.app.help("", CLI::AppFormatMode::All);
}

int fail(Surroundings& surroundings, std::string_view command, const Error& error) {
  std::string message = error.message();
  std::replace(message.begin(), message.end(), '\n', ' ');
  if (message.empty()) message = code_name(error.code());
  surroundings.err << "mas: " << command << ": " << message << std::endl;
  return kExitFailed;
}

}  // namespace mas::app
