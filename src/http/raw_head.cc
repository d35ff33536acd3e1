#include "http/raw_head.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <exception>

namespace mas::http {
namespace {

namespace beast = boost::beast;

Error translate(const beast::error_code& error) {
  using Reason = beast::http::error;
  if (error == Reason::bad_content_length || error == Reason::multiple_content_length ||
      error == Reason::bad_transfer_encoding) {
    return {Code::body_unreadable,
            "Content-Length and Transfer-Encoding must say once, and alike, where the body ends."};
  }
  if (error == Reason::bad_version) {
    return {Code::parameter_malformed, "This server speaks HTTP/1.1 and HTTP/1.0 only."};
  }
  return {Code::parameter_malformed, "The message's head is malformed: " + error.message() + "."};
}

// Runs `parser` over the whole head; a head is all it ever sees.
template <class Parser>
Result<void> run(Parser& parser, ByteView text, const HeadLimits& limits) {
  parser.header_limit(static_cast<std::uint32_t>(limits.bytes + 1));
  // Without this a Content-Length over 1 MiB fails here already.
  parser.body_limit(boost::none);
  parser.skip(true);
  beast::error_code error;
  try {
    parser.put(boost::asio::const_buffer(text.data(), text.size()), error);
  } catch (const std::exception& thrown) {
    return Error(Code::parameter_malformed,
                 std::string("The message's head is malformed: ") + thrown.what() + ".");
  }
  if (error) return translate(error);
  if (!parser.is_header_done()) {
    return Error(Code::parameter_malformed, "The message's head is malformed: it has no end.");
  }
  return {};
}

template <class Message>
void copy_fields(const Message& message, RawHead& head) {
  head.minor_version = static_cast<int>(message.version() % 10);
  for (const auto& field : message) {
    head.headers.add(std::string(field.name_string()), std::string(field.value()));
  }
}

}  // namespace

Result<RawHead> parse_raw_request(ByteView text, const HeadLimits& limits) {
  beast::http::request_parser<beast::http::empty_body> parser;
  MAS_CHECK(run(parser, text, limits));
  RawHead head;
  head.method = std::string(parser.get().method_string());
  head.target = std::string(parser.get().target());
  copy_fields(parser.get(), head);
  return head;
}

Result<RawHead> parse_raw_response(ByteView text, const HeadLimits& limits) {
  beast::http::response_parser<beast::http::empty_body> parser;
  MAS_CHECK(run(parser, text, limits));
  RawHead head;
  head.status = static_cast<int>(parser.get().result_int());
  copy_fields(parser.get(), head);
  return head;
}

}  // namespace mas::http
