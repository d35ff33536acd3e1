// Certificates made for a test by the openssl command, in a directory of their own.
#pragma once

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace mas::test {

class Certificates {
 public:
  Certificates() {
    std::string pattern = std::filesystem::temp_directory_path() / "mas-tls-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~Certificates() { std::filesystem::remove_all(folder_); }
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  // Writes NAME.pem and NAME.key for `host` and 127.0.0.1, signed by the pair `issuer`, or by
  // itself.
  void make(const std::string& name, const std::string& host,
            const std::string& issuer = "") const {
    std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        " -days 2 -subj /CN=" +
        host + " -addext subjectAltName=DNS:" + host + ",IP:127.0.0.1";
    if (!issuer.empty()) command += " -CA " + pem(issuer) + " -CAkey " + key(issuer);
    command += " -keyout " + key(name) + ".new -out " + pem(name) + ".new 2>/dev/null && mv " +
               key(name) + ".new " + key(name) + " && mv " + pem(name) + ".new " + pem(name);
    REQUIRE(std::system(command.c_str()) == 0);
  }
  [[nodiscard]] std::string pem(const std::string& name) const {
    return folder_ + "/" + name + ".pem";
  }
  [[nodiscard]] std::string key(const std::string& name) const {
    return folder_ + "/" + name + ".key";
  }

 private:
  std::string folder_;
};

}  // namespace mas::test
