#include "app/serve/greeting.h"

#include <algorithm>
#include <cctype>

#include "app/version.h"

namespace mas::app {
namespace {

bool is_plain(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("_-./:@%+=,").find(c) != std::string_view::npos;
}

}  // namespace

std::string shell_quote(std::string_view text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return std::string(text);
  std::string out = "'";
  for (char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string reachable(std::string_view bound_address) {
  std::size_t colon = bound_address.rfind(':');
  std::string_view host = bound_address.substr(0, colon);
  std::string_view port = colon == std::string_view::npos ? "" : bound_address.substr(colon);
  if (host == "0.0.0.0") return "127.0.0.1" + std::string(port);
  if (host == "[::]" || host == "::") return "[::1]" + std::string(port);
  return std::string(bound_address);
}

std::string greeting_text(const Greeting& greeting) {
  bool tls = !greeting.certificate.empty();
  std::string scheme = tls ? "https://" : "http://";
  std::string text =
      "mas " + std::string(version()) + " listening on " + scheme + greeting.address + "\n";
  text += "echo 'Hello, mas' | curl -sS ";
  if (tls) text += "--cacert " + shell_quote(greeting.certificate) + " ";
  // Inside double quotes a command substitution is parsed anew, so its own quoting holds.
  text += "-T - -H \"systemToken: $(cat " + shell_quote(greeting.token_file) + ")\" '" + scheme +
          reachable(greeting.address) + "/api/file/upload/object?name=hello.txt'\n";
  return text;
}

}  // namespace mas::app
