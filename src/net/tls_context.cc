#include "net/tls_context.h"

#include <openssl/ssl.h>
#include <sys/stat.h>

#include <array>
#include <mutex>
#include <tuple>

#include "mas/observe/log.h"
#include "net/psk.h"

namespace mas::net {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

Error tls_error(const std::string& what, const std::string& file, const error_code& error) {
  return {Code::invalid_argument, what + " '" + file + "': " + error.message() + "."};
}

// Bytes of the certificates that a client may present, who is nobody until they are checked:
// OpenSSL keeps them all in memory, and takes 100 KiB by default. Of a pod it is one, or a short
// chain.
constexpr long kMostCertificates = 16 * 1024;

Result<void> load_pair(ssl::context& context, const std::string& certificate,
                       const std::string& key) {
  error_code error;
  context.use_certificate_chain_file(certificate, error);
  if (error) return tls_error("Cannot use the TLS certificate", certificate, error);
  context.use_private_key_file(key, ssl::context::pem, error);
  if (error) return tls_error("Cannot use the TLS key", key, error);
  if (SSL_CTX_check_private_key(context.native_handle()) != 1) {
    return Error(
        Code::invalid_argument,
        "The TLS key '" + key + "' does not belong to the certificate '" + certificate + "'.");
  }
  return {};
}

Result<void> load_trust(ssl::context& context, const std::string& ca_file) {
  error_code error;
  context.load_verify_file(ca_file, error);
  if (error) return tls_error("Cannot use the trusted certificates in", ca_file, error);
  return {};
}

Result<std::shared_ptr<ssl::context>> load_server(const config::Tls& files,
                                                  const std::string& client_ca_file) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_max_cert_list(native, kMostCertificates);
  MAS_CHECK(load_pair(*context, files.certificate, files.key));
  if (client_ca_file.empty()) return context;
  MAS_CHECK(load_trust(*context, client_ca_file));
  SSL_CTX_set_verify(native, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  // A resumed session skips the certificate; none is resumed.
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(native, SSL_OP_NO_TICKET);
  return context;
}

// What tells one version of a file from the next.
using FileMark = std::tuple<dev_t, ino_t, off_t, time_t, long>;

FileMark mark_of(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  return {info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
}

class ReloadingServer final : public TlsServer {
 public:
  ReloadingServer(config::Tls files, std::string client_ca_file, Clock& clock)
      : files_(std::move(files)),
        client_ca_file_(std::move(client_ca_file)),
        clock_(clock),
        checked_(clock.now()) {}

  Result<void> load() {
    marks_ = marks();
    MAS_TRY(current_, load_server(files_, client_ca_file_));
    return {};
  }

  std::shared_ptr<ssl::context> context() override {
    std::lock_guard lock(mutex_);
    Instant now = clock_.now();
    if (now - checked_ >= std::chrono::seconds(1)) {
      checked_ = now;
      reload_if_changed();
    }
    return current_;
  }

 private:
  [[nodiscard]] std::array<FileMark, 3> marks() const {
    return {mark_of(files_.certificate), mark_of(files_.key),
            client_ca_file_.empty() ? FileMark() : mark_of(client_ca_file_)};
  }

  void reload_if_changed() {
    if (marks() == marks_) return;
    // `current_` is replaced only by files that load.
    Result<void> loaded = load();
    if (loaded.has_error()) {
      log::warn("tls.reload_failed", {{"error", loaded.error()}});
    } else {
      log::info("tls.reloaded", {{"certificate", files_.certificate}});
    }
  }

  config::Tls files_;
  std::string client_ca_file_;
  Clock& clock_;
  std::mutex mutex_;
  Instant checked_;
  std::array<FileMark, 3> marks_;
  std::shared_ptr<ssl::context> current_;
};

class FixedClient final : public TlsClient {
 public:
  explicit FixedClient(std::shared_ptr<ssl::context> context, bool by_key = false)
      : context_(std::move(context)), by_key_(by_key) {}
  std::shared_ptr<ssl::context> context() override { return context_; }
  [[nodiscard]] bool by_key() const override { return by_key_; }

 private:
  std::shared_ptr<ssl::context> context_;
  const bool by_key_;
};

class PskServer final : public TlsServer {
 public:
  explicit PskServer(std::vector<PskKey> keys) : context_(psk_server_context(std::move(keys))) {}
  std::shared_ptr<ssl::context> context() override { return context_; }
  [[nodiscard]] bool by_key() const override { return true; }

 private:
  std::shared_ptr<ssl::context> context_;
};

class OrPlain final : public TlsServer {
 public:
  explicit OrPlain(std::shared_ptr<TlsServer> tls) : tls_(std::move(tls)) {}
  std::shared_ptr<ssl::context> context() override { return tls_->context(); }
  [[nodiscard]] bool by_key() const override { return tls_->by_key(); }
  [[nodiscard]] bool takes_plain() const override { return true; }

 private:
  std::shared_ptr<TlsServer> tls_;
};

}  // namespace

Result<std::shared_ptr<TlsServer>> make_tls_server(const config::Tls& files, Clock& clock,
                                                   const std::string& client_ca_file) {
  auto server = std::make_shared<ReloadingServer>(files, client_ca_file, clock);
  MAS_CHECK(server->load());
  return std::shared_ptr<TlsServer>(std::move(server));
}

Result<std::shared_ptr<TlsClient>> make_tls_client(const TlsClientFiles& files) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  error_code error;
  if (files.ca_file.empty()) {
    context->set_default_verify_paths(error);
    if (error) return tls_error("Cannot use the trusted certificates of", "the system", error);
  } else {
    MAS_CHECK(load_trust(*context, files.ca_file));
  }
  if (!files.certificate.empty() || !files.key.empty()) {
    MAS_CHECK(load_pair(*context, files.certificate, files.key));
  }
  return std::shared_ptr<TlsClient>(std::make_shared<FixedClient>(std::move(context)));
}

std::shared_ptr<TlsServer> make_psk_server(std::vector<PskKey> keys) {
  return std::make_shared<PskServer>(std::move(keys));
}

std::shared_ptr<TlsServer> or_plain(std::shared_ptr<TlsServer> tls) {
  return std::make_shared<OrPlain>(std::move(tls));
}

std::shared_ptr<TlsClient> make_psk_client(PskKey key) {
  return std::make_shared<FixedClient>(psk_client_context(std::move(key)), true);
}

}  // namespace mas::net
