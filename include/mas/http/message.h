// The parts of an HTTP message as mas uses them: headers, the request's head, the answer's head.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mas/core/result.h"

namespace mas::http {

enum class Method { get, head, post, put, del, options, other };
[[nodiscard]] std::string_view method_name(Method method) noexcept;

// Fields in the order they came; names compare without case.
class Headers {
 public:
  void add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }
  void set(std::string_view name, std::string value);
  // The first value, or nullopt.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& all() const {
    return fields_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

// A query string taken apart: percent-decoded, '+' is a space.
class Query {
 public:
  // Errors: parameter_malformed (bad percent-encoding, NUL).
  [[nodiscard]] static Result<Query> parse(std::string_view text);
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& all() const {
    return pairs_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

struct RequestHead {
  Method method = Method::other;
  std::string method_text;
  std::string path;       // decoded; no query
  std::string raw_query;  // as sent, never logged
  int minor_version = 1;  // HTTP/1.x
  Headers headers;
  std::string client_address;  // without port
  bool proven = false;         // the client has shown a key or certificate that is taken here
  std::string request_id;      // 16 hex digits, also the answer's Mas-Request-Id
};

struct ResponseHead {
  int status = 200;
  Headers headers;
};

// Percent-decoding as in a URL's path or a header ('+' stays). nullopt if malformed.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);
[[nodiscard]] std::string percent_encode(std::string_view text);
// RFC 3629, no surrogates, no overlong forms.
[[nodiscard]] bool is_valid_utf8(std::string_view text) noexcept;

}  // namespace mas::http
