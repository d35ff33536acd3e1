#include "membership/amqp_tls.h"

#include <amqp_ssl_socket.h>
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace mas::membership {
namespace {

bool is_address(const std::string& host) {
  unsigned char address[16];
  return inet_pton(AF_INET, host.c_str(), address) == 1 ||
         inet_pton(AF_INET6, host.c_str(), address) == 1;
}

Error unusable(const char* why) { return {Code::broker_unavailable, why}; }

}  // namespace

Result<amqp_socket_t*> make_tls_socket(amqp_connection_state_t connection, const std::string& host,
                                       const std::string& ca_file) {
  amqp_socket_t* socket = amqp_ssl_socket_new(connection);
  if (socket == nullptr) return unusable("TLS cannot be set up");
  auto* context = static_cast<SSL_CTX*>(amqp_ssl_socket_get_context(socket));
  bool trusts = ca_file.empty()
                    ? SSL_CTX_set_default_verify_paths(context) == 1
                    : amqp_ssl_socket_set_cacert(socket, ca_file.c_str()) == AMQP_STATUS_OK;
  if (!trusts) return unusable("rabbitmq.ca_file cannot be read, or holds no certificate");
  amqp_ssl_socket_set_verify_peer(socket, 1);
  // The driver compares only with the names of a certificate, never with its addresses; OpenSSL
  // does both, as part of the verification whose result the driver asks for before it sends a byte.
  X509_VERIFY_PARAM* param = SSL_CTX_get0_param(context);
  bool address = is_address(host);
  bool named = address ? X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str()) == 1
                       : X509_VERIFY_PARAM_set1_host(param, host.c_str(), host.size()) == 1;
  if (!named) return unusable("the broker's host is no name a certificate can hold");
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  amqp_ssl_socket_set_verify_hostname(socket, address ? 0 : 1);
  return socket;
}

}  // namespace mas::membership
