#include "app/serve/backends.h"

#include <catch2/catch.hpp>

#include "mas/fs/fault_fs.h"
#include "support/must.h"

using namespace mas;

namespace {

void write(fs::Fs& fs, const std::string& path, std::string_view text) {
  fs::OpenOptions options;
  options.access = fs::Access::read_write;
  options.create = true;
  auto file = must(fs.open(path, options));
  const std::array<ByteView, 1> pieces{as_bytes(text)};
  must(file->write_at(0, pieces));
}

config::Config of_a_cluster() {
  config::Config config;
  config.cluster.listen = "127.0.0.1:7090";
  config.cluster.secret_file = "/secret";
  config.auth.system_token_files = {"/system"};
  config.auth.signing_key_files = {"/key"};
  config.mongodb.url = "mongodb://m";
  config.redis.url = "redis://r";
  config.rabbitmq.url = "amqp://q";
  return config;
}

}  // namespace

TEST_CASE("a pod alone needs none of the backends") {
  auto disk = fs::make_fault_fs(1);
  config::Config config;
  CHECK(app::resolve_backends(config, *disk).has_value());
  CHECK_FALSE(app::is_clustered(config));
}

TEST_CASE("a pod of a cluster needs all of it, and what is missing is named") {
  auto disk = fs::make_fault_fs(1);
  config::Config whole = of_a_cluster();
  CHECK(app::resolve_backends(whole, *disk).has_value());
  config::Config part = of_a_cluster();
  part.redis.url.clear();
  part.auth.signing_key_files.clear();
  auto missing = app::resolve_backends(part, *disk);
  REQUIRE(missing.has_error());
  CHECK(missing.error().code() == Code::invalid_argument);
  CHECK(missing.error().message().find("missing: redis.url, auth.signing_key_files.") !=
        std::string::npos);
  // A backend without a peer port is half a cluster.
  config::Config half;
  half.redis.url = "redis://r";
  auto port = app::resolve_backends(half, *disk);
  REQUIRE(port.has_error());
  CHECK(port.error().message().find("cluster.listen") != std::string::npos);
}

TEST_CASE("a URL may stand in a file, but not in both places") {
  auto disk = fs::make_fault_fs(1);
  write(*disk, "/url", "  mongodb://user:secret@host \n");
  config::Config config = of_a_cluster();
  config.mongodb.url.clear();
  config.mongodb.url_file = "/url";
  must(app::resolve_backends(config, *disk));
  CHECK(config.mongodb.url == "mongodb://user:secret@host");
  CHECK(config.mongodb.url_file.empty());

  config.mongodb.url_file = "/url";
  auto both = app::resolve_backends(config, *disk);
  REQUIRE(both.has_error());
  CHECK(both.error().message().find("secret") == std::string::npos);

  config = of_a_cluster();
  config.redis.url.clear();
  config.redis.url_file = "/nowhere";
  CHECK(code_of(app::resolve_backends(config, *disk)) == Code::not_found);
  write(*disk, "/empty", "\n");
  config.redis.url_file = "/empty";
  CHECK(code_of(app::resolve_backends(config, *disk)) == Code::invalid_argument);
}
