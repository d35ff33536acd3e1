#include "auth/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "mas/core/result.h"

namespace mas::auth {
namespace {

const unsigned char* data(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

Digest sha256(std::string_view bytes) {
  Digest digest;
  unsigned size = 0;
  int done = EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  MAS_ASSERT(done == 1 && size == digest.size());
  return digest;
}

Digest hmac_sha256(std::string_view key, std::string_view bytes) {
  Digest digest;
  unsigned size = 0;
  unsigned char* done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), data(bytes),
                             bytes.size(), digest.data(), &size);
  MAS_ASSERT(done != nullptr && size == digest.size());
  return digest;
}

}  // namespace mas::auth
