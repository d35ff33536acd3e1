#include "http/head_parser.h"

#include "http/header_tokens.h"
#include "http/raw_head.h"
#include "mas/core/units.h"

namespace mas::http {
namespace {

Error malformed(std::string what) { return {Code::parameter_malformed, std::move(what)}; }

Method parse_method(std::string_view text) {
  for (Method method :
       {Method::get, Method::head, Method::post, Method::put, Method::del, Method::options}) {
    if (text == method_name(method)) return method;
  }
  return Method::other;
}

// Whether any Connection field lists `token`.
bool connection_has(const Headers& headers, std::string_view token) {
  for (const auto& [name, value] : headers.all()) {
    if (!equal_ignoring_case(name, "Connection")) continue;
    std::string_view list = value;
    while (!list.empty()) {
      if (equal_ignoring_case(next_list_item(list), token)) return true;
    }
  }
  return false;
}

bool wants_keep_alive(const RawHead& raw) {
  if (connection_has(raw.headers, "close")) return false;
  return raw.minor_version >= 1 || connection_has(raw.headers, "keep-alive");
}

Result<BodyFraming> parse_framing(const RawHead& raw) {
  BodyFraming framing;
  std::size_t lengths = raw.headers.count("Content-Length");
  std::size_t codings = raw.headers.count("Transfer-Encoding");
  if (lengths > 1) return Error(Code::body_unreadable, "Send one Content-Length field only.");
  if (lengths > 0 && codings > 0) {
    return Error(Code::body_unreadable, "Send Content-Length or Transfer-Encoding, not both.");
  }
  if (lengths == 1) {
    auto value = parse_u64(trim_blanks(*raw.headers.get("Content-Length")));
    if (value.has_error()) {
      return Error(Code::body_unreadable, "Content-Length is not a number of bytes.");
    }
    framing.length = *value;
  }
  if (codings > 0) {
    std::string_view coding = trim_blanks(*raw.headers.get("Transfer-Encoding"));
    if (codings > 1 || !equal_ignoring_case(coding, "chunked")) {
      return Error(Code::not_implemented, "The only transfer coding understood here is chunked.");
    }
    if (raw.minor_version == 0) {
      return Error(Code::body_unreadable, "HTTP/1.0 has no Transfer-Encoding.");
    }
    framing.chunked = true;
  }
  return framing;
}

Result<void> check_host(const RawHead& raw) {
  std::size_t hosts = raw.headers.count("Host");
  if (hosts > 1) return malformed("Send one Host field only.");
  if (hosts == 0 && raw.minor_version >= 1) return malformed("The field Host is missing.");
  return {};
}

// Path and query of origin-form and absolute-form (RFC 9112, section 3.2).
Result<void> split_target(std::string_view target, RequestHead& head) {
  if (target == "*") {
    head.path = "*";
    return {};
  }
  if (target.empty() || target.front() != '/') {
    std::size_t scheme = target.find("://");
    if (scheme == std::string_view::npos) {
      if (head.method_text == "CONNECT") {
        head.path = "*";
        return {};
      }
      return malformed("The request's target must be a path that begins with '/'.");
    }
    std::string_view name = target.substr(0, scheme);
    if (!equal_ignoring_case(name, "http") && !equal_ignoring_case(name, "https")) {
      return malformed("The request's target has an unknown scheme.");
    }
    target.remove_prefix(scheme + 3);
    std::size_t end = target.find_first_of("/?");
    target = end == std::string_view::npos ? std::string_view() : target.substr(end);
  }
  if (target.find('#') != std::string_view::npos) {
    return malformed("The request's target must not hold a fragment.");
  }
  std::size_t question = target.find('?');
  std::string_view path = target.substr(0, question);
  if (question != std::string_view::npos) head.raw_query = target.substr(question + 1);
  auto decoded = percent_decode(path.empty() ? "/" : path);
  if (!decoded || decoded->find('\0') != std::string::npos) {
    return malformed("The request's path is not valid percent-encoding.");
  }
  head.path = std::move(*decoded);
  return {};
}

}  // namespace

Result<ParsedRequest> parse_request_head(ByteView text, const HeadLimits& limits) {
  MAS_TRY(RawHead raw, parse_raw_request(text, limits));
  ParsedRequest request;
  MAS_CHECK(check_host(raw));
  MAS_TRY(request.body, parse_framing(raw));
  request.keep_alive = wants_keep_alive(raw);
  if (raw.minor_version >= 1) {
    for (const auto& [name, value] : raw.headers.all()) {
      if (!equal_ignoring_case(name, "Expect")) continue;
      if (!equal_ignoring_case(trim_blanks(value), "100-continue")) {
        return Error(Code::expectation_failed, "The only expectation met here is 100-continue.");
      }
      request.expects_continue = true;
    }
  }
  RequestHead& head = request.head;
  head.method = parse_method(raw.method);
  head.method_text = std::move(raw.method);
  head.minor_version = raw.minor_version;
  MAS_CHECK(split_target(raw.target, head));
  head.headers = std::move(raw.headers);
  return request;
}

Result<ParsedResponse> parse_response_head(ByteView text, const HeadLimits& limits) {
  auto not_http = [](const Error& error) {
    return Error(Code::corrupt, "The server's answer is not HTTP: " + error.message());
  };
  auto raw = parse_raw_response(text, limits);
  if (raw.has_error()) return not_http(raw.error());
  ParsedResponse response;
  auto framing = parse_framing(*raw);
  if (framing.has_error()) return not_http(framing.error());
  response.body = *framing;
  response.keep_alive = wants_keep_alive(*raw);
  response.head.status = raw->status;
  response.head.headers = std::move(raw->headers);
  return response;
}

}  // namespace mas::http
