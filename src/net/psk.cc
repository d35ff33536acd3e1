#include "net/psk.h"

#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/ssl.h>

#include <algorithm>

#include "mas/core/bytes.h"

namespace mas::net {
namespace {

namespace ssl = boost::asio::ssl;
using Keys = std::vector<PskKey>;

void free_keys(void*, void* keys, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<Keys*>(keys);
}

// Where a context keeps its keys. Asio has its own use for the application's data.
int keys_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_keys);
  return index;
}

const Keys& keys_of(SSL* connection) {
  return *static_cast<Keys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), keys_index()));
}

// What OpenSSL takes for the session that the key stands for; nullptr: out of memory.
SSL_SESSION* session_of(SSL* connection, const PskKey& key) {
  constexpr unsigned char kAes128GcmSha256[] = {0x13, 0x01};
  const SSL_CIPHER* cipher = SSL_CIPHER_find(connection, kAes128GcmSha256);
  SSL_SESSION* session = SSL_SESSION_new();
  const bool made = cipher != nullptr && session != nullptr &&
                    SSL_SESSION_set1_master_key(session, key.key.data(), key.key.size()) == 1 &&
                    SSL_SESSION_set_cipher(session, cipher) == 1 &&
                    SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1;
  if (made) return session;
  SSL_SESSION_free(session);
  return nullptr;
}

int offer_key(SSL* connection, const EVP_MD* digest, const unsigned char** identity,
              std::size_t* size, SSL_SESSION** session) {
  *identity = nullptr;
  *size = 0;
  *session = nullptr;
  if (digest != nullptr && EVP_MD_get_type(digest) != NID_sha256) return 1;
  const PskKey& key = keys_of(connection).front();
  *session = session_of(connection, key);
  if (*session == nullptr) return 0;
  *identity = as_bytes(key.identity).data();
  *size = key.identity.size();
  return 1;
}

int find_key(SSL* connection, const unsigned char* identity, std::size_t size,
             SSL_SESSION** session) {
  *session = nullptr;
  const std::string_view named = as_text({identity, size});
  const Keys& keys = keys_of(connection);
  const auto found = std::ranges::find(keys, named, &PskKey::identity);
  // Unknown: without a certificate the handshake fails.
  if (found == keys.end()) return 1;
  *session = session_of(connection, *found);
  return *session != nullptr ? 1 : 0;
}

std::shared_ptr<ssl::context> make_context(ssl::context::method method, Keys keys) {
  MAS_ASSERT(!keys.empty());
  auto context = std::make_shared<ssl::context>(method);
  SSL_CTX* native = context->native_handle();
  const bool set = SSL_CTX_set_min_proto_version(native, TLS1_3_VERSION) == 1 &&
                   SSL_CTX_set_ciphersuites(native, "TLS_AES_128_GCM_SHA256") == 1 &&
                   SSL_CTX_set_num_tickets(native, 0) == 1;
  MAS_ASSERT(set);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(native, SSL_OP_NO_TICKET);
  SSL_CTX_clear_options(native, SSL_OP_ALLOW_NO_DHE_KEX);
  // Nothing is trusted, so that no certificate will do in the key's place.
  SSL_CTX_set_verify(native, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_ex_data(native, keys_index(), std::make_unique<Keys>(std::move(keys)).release());
  return context;
}

}  // namespace

std::shared_ptr<ssl::context> psk_server_context(std::vector<PskKey> keys) {
  auto context = make_context(ssl::context::tls_server, std::move(keys));
  SSL_CTX_set_psk_find_session_callback(context->native_handle(), find_key);
  // Asks for no certificate: it would take none.
  SSL_CTX_set_verify(context->native_handle(), SSL_VERIFY_NONE, nullptr);
  return context;
}

std::shared_ptr<ssl::context> psk_client_context(PskKey key) {
  auto context = make_context(ssl::context::tls_client, {std::move(key)});
  SSL_CTX_set_psk_use_session_callback(context->native_handle(), offer_key);
  return context;
}

}  // namespace mas::net
