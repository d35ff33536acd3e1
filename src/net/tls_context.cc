#include "net/tls_context.h"

#include <openssl/ssl.h>
#include <sys/stat.h>

#include <mutex>
#include <tuple>

#include "mas/observe/log.h"

namespace mas::net {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

Error tls_error(const std::string& what, const std::string& file, const error_code& error) {
  return {Code::invalid_argument, what + " '" + file + "': " + error.message() + "."};
}

Result<std::shared_ptr<ssl::context>> load_pair(const config::Tls& files) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  error_code error;
  context->use_certificate_chain_file(files.certificate, error);
  if (error) return tls_error("Cannot use the TLS certificate", files.certificate, error);
  context->use_private_key_file(files.key, ssl::context::pem, error);
  if (error) return tls_error("Cannot use the TLS key", files.key, error);
  if (SSL_CTX_check_private_key(context->native_handle()) != 1) {
    return Error(Code::invalid_argument, "The TLS key '" + files.key +
                                             "' does not belong to the certificate '" +
                                             files.certificate + "'.");
  }
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
  ReloadingServer(config::Tls files, Clock& clock)
      : files_(std::move(files)), clock_(clock), checked_(clock.now()) {}

  Result<void> load() {
    certificate_mark_ = mark_of(files_.certificate);
    key_mark_ = mark_of(files_.key);
    MAS_TRY(current_, load_pair(files_));
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
  void reload_if_changed() {
    if (mark_of(files_.certificate) == certificate_mark_ && mark_of(files_.key) == key_mark_) {
      return;
    }
    // `current_` is replaced only by a pair that loads.
    Result<void> loaded = load();
    if (loaded.has_error()) {
      log::warn("tls.reload_failed", {{"error", loaded.error()}});
    } else {
      log::info("tls.reloaded", {{"certificate", files_.certificate}});
    }
  }

  config::Tls files_;
  Clock& clock_;
  std::mutex mutex_;
  Instant checked_;
  FileMark certificate_mark_;
  FileMark key_mark_;
  std::shared_ptr<ssl::context> current_;
};

class FixedClient final : public TlsClient {
 public:
  explicit FixedClient(std::shared_ptr<ssl::context> context) : context_(std::move(context)) {}
  std::shared_ptr<ssl::context> context() override { return context_; }

 private:
  std::shared_ptr<ssl::context> context_;
};

}  // namespace

Result<std::shared_ptr<TlsServer>> make_tls_server(const config::Tls& files, Clock& clock) {
  auto server = std::make_shared<ReloadingServer>(files, clock);
  MAS_CHECK(server->load());
  return std::shared_ptr<TlsServer>(std::move(server));
}

Result<std::shared_ptr<TlsClient>> make_tls_client(const std::string& ca_file) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  error_code error;
  if (ca_file.empty()) {
    context->set_default_verify_paths(error);
    if (error) return tls_error("Cannot use the trusted certificates of", "the system", error);
  } else {
    context->load_verify_file(ca_file, error);
    if (error) return tls_error("Cannot use the trusted certificates in", ca_file, error);
  }
  return std::shared_ptr<TlsClient>(std::make_shared<FixedClient>(std::move(context)));
}

}  // namespace mas::net
