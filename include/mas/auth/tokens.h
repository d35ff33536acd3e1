// System tokens and signed temporary tokens.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mas/auth/token_ledger.h"
#include "mas/config/config.h"
#include "mas/core/ids.h"
#include "mas/fs/fs.h"
#include "mas/runtime/rng.h"

namespace mas::auth {

enum class TokenType { upload, download };

// What a temporary token says; signed, so it can be believed.
struct Claims {
  Id128 id;
  TokenType type = TokenType::download;
  Hash hash;
  WallTime issued_at;
  std::string session;                    // upload
  std::optional<std::uint64_t> max_size;  // upload, bytes
  std::optional<bool> instant;            // upload; absent: the configuration's default
  std::string name;                       // download
  bool inline_disposition = false;        // download
};

// Keys that sign and verify. Two may be live; the first signs. At least 32 bytes each.
struct SigningKey {
  std::string kid;  // short name that stands in the token: first 8 hex digits of SHA-256 of the key
  std::string secret;
};

// The text `base64url(JSON) + "." + hex(HMAC-SHA256)`.
[[nodiscard]] std::string sign(const Claims& claims, const SigningKey& key);
// Constant-time in the signature. Errors: token_invalid (malformed, over 4 KiB, unknown key,
// forged, unknown version).
[[nodiscard]] Result<Claims> verify(std::string_view token, const std::vector<SigningKey>& keys);

// Secrets on disk. System tokens: one or more lines or files, surrounding space ignored.
struct Secrets {
  std::vector<std::string> system_tokens;
  std::vector<SigningKey> signing_keys;
};
// Loads what `options` names; where it names nothing, makes `<directory>/system-token` and
// `<directory>/signing-key` (0600, random) once. Errors: invalid_argument (empty, too short,
// readable by others is only logged), io.
[[nodiscard]] Result<Secrets> load_secrets(const config::Auth& options,
                                           const std::string& directory, fs::Fs& fs, Rng& rng);

// True if `candidate` is one of the system tokens; time does not depend on which or how much
// matches.
[[nodiscard]] bool is_system_token(const Secrets& secrets, std::string_view candidate);

class Authority;

// A request that runs under a token: keeps it alive (renewed every renew_every) until destroyed.
class TokenUse {
 public:
  virtual ~TokenUse() = default;
  [[nodiscard]] virtual const Claims& claims() const = 0;
};

// Everything the front asks about tokens.
class Authority {
 public:
  virtual ~Authority() = default;
  [[nodiscard]] virtual bool is_system_token(std::string_view candidate) const = 0;
  // A new token for `claims` (id and issued_at are filled in). Errors: ledger_*, key.
  virtual Task<Result<std::string>> mint(Claims claims) = 0;
  // Checks signature and type, then begins a use with the ledger. Errors: token_invalid,
  // token_wrong_type, too_many_requests (more than requests_at_once), ledger_*.
  virtual Task<Result<std::unique_ptr<TokenUse>>> begin(std::string_view token, TokenType type) = 0;
  // Counts one refusal of a client address: false if it has had its refusals_per_second already.
  // Nobody asks before a token is looked at: behind one address, a proxy's above all, stand many
  // clients, and a good token is not to fail for the bad ones of others.
  virtual bool count_refusal(std::string_view address) = 0;
  // Ends all renewals; drains.
  virtual Task<void> close() = 0;
};

[[nodiscard]] std::unique_ptr<Authority> make_authority(const config::Token& options,
                                                        Secrets secrets, TokenLedger& ledger,
                                                        Clock& clock, Rng& rng);

}  // namespace mas::auth
