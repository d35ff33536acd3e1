// The options every client command shares: which pod, which secret, which form of output.
#pragma once

#include <string>

#include "app/cli/options.h"
#include "mas/core/result.h"
#include "mas/fs/fs.h"
#include "mas/http/client.h"

namespace mas::app {

struct ServerOptions {
  std::string server = "http://127.0.0.1:7080";
  std::string token_file = "mas-data/system-token";
  std::string ca_file;
  bool json = false;

  void declare(OptionSet& options);
};

// What a connection needs, checked.
struct Target {
  http::Url url;
  std::string text;  // the URL as given, for messages
  std::string system_token;
  http::ClientOptions client;
};

// Errors (invalid_argument): not a URL; the token file cannot be read or is empty; each names the
// option to give.
[[nodiscard]] Result<Target> resolve(const ServerOptions& options, fs::Fs& fs);

// The first line of `text` that is not blank, without the space around it; "" if there is none.
[[nodiscard]] std::string first_token(std::string_view text);

}  // namespace mas::app
