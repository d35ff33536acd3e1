#include "mas/auth/cluster_keys.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <memory>
#include <span>

#include "auth/digest.h"
#include "mas/core/bytes.h"

namespace mas::auth {
namespace {

constexpr std::string_view kSalt = "mas cluster 2";

struct FreeKdf {
  void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};

OSSL_PARAM octets(const char* name, std::string_view bytes) {
  // OpenSSL only reads it, but takes no pointer to const.
  return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(bytes.data()), bytes.size());
}

void derive(std::string_view secret, std::string_view label, std::string_view cluster,
            std::span<std::uint8_t> out) {
  const std::string info = std::string(label) + '\0' + std::string(cluster);
  std::unique_ptr<EVP_KDF, FreeKdf> kdf(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_HKDF, nullptr));
  MAS_ASSERT(kdf != nullptr);
  std::unique_ptr<EVP_KDF_CTX, FreeKdf> context(EVP_KDF_CTX_new(kdf.get()));
  char digest[] = "SHA256";
  const std::array params{OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                          octets(OSSL_KDF_PARAM_SALT, kSalt), octets(OSSL_KDF_PARAM_KEY, secret),
                          octets(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  const int done = EVP_KDF_derive(context.get(), out.data(), out.size(), params.data());
  MAS_ASSERT(done == 1);
}

}  // namespace

std::vector<ClusterKey> cluster_keys(const std::vector<std::string>& secrets,
                                     std::string_view cluster) {
  std::vector<ClusterKey> keys;
  for (const std::string& secret : secrets) {
    ClusterKey& key = keys.emplace_back();
    std::array<std::uint8_t, 8> id{};
    derive(secret, "key id", cluster, id);
    key.id = to_hex(id);
    derive(secret, "heartbeat", cluster, key.heartbeat);
    derive(secret, "peer", cluster, key.peer);
  }
  return keys;
}

Key256 sign(const Key256& key, std::string_view bytes) { return hmac_sha256(as_text(key), bytes); }

}  // namespace mas::auth
