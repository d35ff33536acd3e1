#include "app/client/server_options.h"

namespace mas::app {

void ServerOptions::declare(OptionSet& options) {
  options.text("--server", "URL", server, "The pod to talk to", "MAS_SERVER");
  options.text("--system-token-file", "FILE", token_file, "File that holds the system token",
               "MAS_SYSTEM_TOKEN_FILE");
  options.text("--ca-file", "FILE", ca_file,
               "PEM file with the certificates to trust for https, instead of the system's",
               "MAS_CA_FILE");
  options.flag("--json", json, "Print JSON, one object a line");
}

std::string first_token(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return "";
  std::size_t end = text.find_first_of("\r\n", begin);
  std::string_view line = text.substr(begin, end == std::string_view::npos ? end : end - begin);
  return std::string(line.substr(0, line.find_last_not_of(kSpace) + 1));
}

Result<Target> resolve(const ServerOptions& options, fs::Fs& fs) {
  auto url = http::parse_url(options.server);
  if (url.has_error()) {
    return Error(Code::invalid_argument,
                 "--server: " + options.server + ": " + url.error().message());
  }
  auto content = fs::read_file(fs, options.token_file, 64 * kKiB);
  if (content.has_error()) {
    return Error(Code::invalid_argument, "cannot read the system token from " + options.token_file +
                                             " (" + content.error().message() +
                                             "); name its file with --system-token-file");
  }
  Target target{*std::move(url), options.server, first_token(*content), {}};
  target.client.ca_file = options.ca_file;
  if (target.system_token.empty()) {
    return Error(Code::invalid_argument, options.token_file + ": holds no system token");
  }
  return target;
}

}  // namespace mas::app
