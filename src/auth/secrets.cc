#include <algorithm>
#include <string>

#include "auth/digest.h"
#include "mas/auth/tokens.h"
#include "mas/fs/directories.h"
#include "mas/observe/log.h"

namespace mas::auth {
namespace {

constexpr std::size_t kSystemTokenLeast = 16;
constexpr std::size_t kSigningKeyLeast = 32;
constexpr std::uint64_t kFileLimit = 64 * 1024;

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Each line that holds something; at least one, none shorter than `least`.
Result<std::vector<std::string>> read_lines(fs::Fs& fs, const std::string& path,
                                            std::size_t least) {
  MAS_TRY(std::string content, fs::read_file(fs, path, kFileLimit));
  std::vector<std::string> lines;
  std::string_view rest = content;
  while (!rest.empty()) {
    std::size_t end = rest.find('\n');
    std::string_view line = trim(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (line.empty()) continue;
    if (line.size() < least) {
      return Error(Code::invalid_argument, path + " holds a secret of fewer than " +
                                               std::to_string(least) + " characters.");
    }
    lines.emplace_back(line);
  }
  if (lines.empty()) {
    return Error(Code::invalid_argument,
                 path + " is empty; remove it to have a new secret made, or write one into it.");
  }
  return lines;
}

// 256 random bits in hex, written once.
Result<void> make_secret(fs::Fs& fs, Rng& rng, const std::string& directory,
                         const std::string& path) {
  MAS_TRY(bool there, fs.exists(path));
  if (there) return {};
  MAS_TRY(bool has_directory, fs.exists(directory));
  if (!has_directory) MAS_CHECK(fs::make_durable_directory(fs, directory));
  Digest random;
  rng.fill(random);
  std::string text = to_hex(random) + "\n";
  MAS_CHECK(fs::write_file(fs, path, as_bytes(text)));
  log::info("made a new secret", {{"file", path}});
  return {};
}

// The secrets of all `files`, or of one of our own where there are none.
Result<std::vector<std::string>> load(const std::vector<std::string>& files,
                                      const std::string& directory, const char* own, fs::Fs& fs,
                                      Rng& rng, std::size_t least) {
  std::vector<std::string> paths = files;
  if (paths.empty()) {
    paths.push_back(directory + "/" + own);
    MAS_CHECK(make_secret(fs, rng, directory, paths.front()));
  }
  std::vector<std::string> secrets;
  for (const std::string& path : paths) {
    MAS_TRY(auto lines, read_lines(fs, path, least));
    secrets.insert(secrets.end(), lines.begin(), lines.end());
  }
  return secrets;
}

}  // namespace

Result<Secrets> load_secrets(const config::Auth& options, const std::string& directory, fs::Fs& fs,
                             Rng& rng) {
  Secrets secrets;
  MAS_TRY(secrets.system_tokens,
          load(options.system_token_files, directory, "system-token", fs, rng, kSystemTokenLeast));
  MAS_TRY(auto keys,
          load(options.signing_key_files, directory, "signing-key", fs, rng, kSigningKeyLeast));
  for (std::string& key : keys) {
    std::string kid = to_hex(sha256(key)).substr(0, 8);
    secrets.signing_keys.push_back(SigningKey{std::move(kid), std::move(key)});
  }
  return secrets;
}

}  // namespace mas::auth
