#include "auth/digest.h"
#include "mas/auth/tokens.h"
#include "mas/fs/fault_fs.h"
#include "mas/runtime/rng.h"
#include "support/must.h"

using namespace mas;
using namespace mas::auth;

namespace {

struct Fixture {
  std::unique_ptr<fs::FaultFs> fs = fs::make_fault_fs(1);
  std::unique_ptr<Rng> rng = make_seeded_rng(1);
  config::Auth options;

  void write(const std::string& path, std::string_view text) {
    must(fs::write_file(*fs, path, as_bytes(text)));
  }
  Result<Secrets> load() { return load_secrets(options, "/data", *fs, *rng); }
};

}  // namespace

TEST_CASE("secrets are made once, and are the same ever after") {
  Fixture f;
  Secrets first = must(f.load());
  REQUIRE(first.system_tokens.size() == 1);
  REQUIRE(first.signing_keys.size() == 1);
  CHECK(first.system_tokens[0].size() == 64);
  CHECK(first.signing_keys[0].secret.size() == 64);
  CHECK(first.system_tokens[0] != first.signing_keys[0].secret);
  CHECK(first.signing_keys[0].kid == to_hex(sha256(first.signing_keys[0].secret)).substr(0, 8));
  Secrets second = must(f.load());
  CHECK(second.system_tokens == first.system_tokens);
  CHECK(second.signing_keys[0].secret == first.signing_keys[0].secret);
}

TEST_CASE("a secret that was made survives a power loss") {
  Fixture f;
  Secrets first = must(f.load());
  f.fs = f.fs->after_power_loss(*f.rng, 0.0);
  CHECK(must(f.load()).system_tokens == first.system_tokens);
}

TEST_CASE("secrets are read from the files that are named, a line each, space ignored") {
  Fixture f;
  must(f.fs->make_directories("/etc"));
  f.write("/etc/a", "  system-token-number-one \r\n\n\tsystem-token-number-two\n");
  f.write("/etc/b", "system-token-number-three");
  f.write("/etc/key", "a signing key of 32 bytes or more\n");
  f.options.system_token_files = {"/etc/a", "/etc/b"};
  f.options.signing_key_files = {"/etc/key"};
  Secrets secrets = must(f.load());
  CHECK(secrets.system_tokens == std::vector<std::string>{"system-token-number-one",
                                                          "system-token-number-two",
                                                          "system-token-number-three"});
  CHECK(secrets.signing_keys[0].secret == "a signing key of 32 bytes or more");
  CHECK_FALSE(must(f.fs->exists("/data/system-token")));
}

TEST_CASE("a secret that is empty, short or missing is refused") {
  Fixture f;
  must(f.fs->make_directories("/etc"));
  f.options.system_token_files = {"/etc/token"};
  CHECK(code_of(f.load()) == Code::not_found);
  for (const char* text : {"", " \n\t\n", "too-short", "long-enough-token-here\nshort"}) {
    f.write("/etc/token", text);
    CHECK(code_of(f.load()) == Code::invalid_argument);
  }
  f.write("/etc/token", "0123456789abcdef");
  CHECK(f.load().has_value());
  f.write("/data/signing-key", "only 31 bytes are too few a key");
  CHECK(code_of(f.load()) == Code::invalid_argument);
}
