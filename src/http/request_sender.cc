#include "http/request_sender.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "http/head_writer.h"
#include "http/header_tokens.h"

namespace mas::http {
namespace {

// Bodies over this ask for leave first, so that a refusal costs nothing.
constexpr std::uint64_t kAskFirst = 1 * kMiB;
constexpr std::size_t kPiece = 256 * 1024;

Error bad_request(const char* what) {
  return {Code::invalid_argument, std::string("The request cannot be sent: ") + what + "."};
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}

std::string host_field(const Url& server) {
  bool is_v6 = server.host.find(':') != std::string::npos;
  std::string host = is_v6 ? "[" + server.host + "]" : server.host;
  bool is_default = server.port == (server.tls ? "443" : "80");
  return is_default ? host : host + ":" + server.port;
}

std::string chunk_line(std::size_t size) {
  std::array<char, 16> digits;
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
  return std::string(digits.data(), end) + "\r\n";
}

}  // namespace

Result<void> check_request(const ClientRequest& request) {
  if (!is_token(request.method)) return bad_request("its method is malformed");
  bool printable = std::ranges::all_of(request.target, [](char c) { return c > ' ' && c < 0x7f; });
  if (request.target.empty() || request.target.front() != '/' || !printable) {
    return bad_request("its target must be an encoded path");
  }
  for (const auto& [name, value] : request.headers.all()) {
    if (!is_token(name)) return bad_request("a header's name is malformed");
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      return bad_request("a header's value holds a line end");
    }
  }
  return {};
}

RequestSender::RequestSender(net::Connection& connection, const Url& server, ClientRequest& request,
                             Duration timeout)
    : connection_(connection), server_(server), request_(request), timeout_(timeout) {}

void RequestSender::format_head() {
  bool has_source = request_.body != nullptr;
  chunked_ = has_source && !request_.length;
  if (has_source) {
    length_ = request_.length.value_or(0);
  } else if (!request_.text.empty() || request_.pieces.empty()) {
    memory_.push_back(as_bytes(request_.text));
  } else {
    for (const Slice& piece : request_.pieces) memory_.push_back(piece.view());
  }
  for (ByteView view : memory_) length_ += view.size();
  expects_continue_ = request_.ask_first && (chunked_ || length_ > kAskFirst);

  head_ = request_.method + " " + request_.target + " HTTP/1.1\r\n";
  if (!request_.headers.get("Host")) append_field(head_, "Host", host_field(server_));
  for (const auto& [name, value] : request_.headers.all()) append_field(head_, name, value);
  if (chunked_) {
    append_field(head_, "Transfer-Encoding", "chunked");
  } else if (length_ > 0 || request_.method == "POST" || request_.method == "PUT") {
    append_field(head_, "Content-Length", length_);
  }
  if (expects_continue_) append_field(head_, "Expect", "100-continue");
  head_ += "\r\n";
}

Task<Result<void>> RequestSender::send_head() {
  format_head();
  std::vector<ByteView> pieces{as_bytes(head_)};
  bool at_once = request_.body == nullptr && !expects_continue_ && length_ <= kAskFirst;
  if (at_once) pieces.insert(pieces.end(), memory_.begin(), memory_.end());
  MAS_CO_CHECK(co_await connection_.write_all(pieces, timeout_));
  bool no_body = request_.body != nullptr && request_.length == std::uint64_t{0};
  finished_ = at_once || no_body;
  co_return Result<void>();
}

// Over TLS bytes may come that are no answer; there only a failing write tells.
bool RequestSender::answered_early() { return !server_.tls && !connection_.quiet(); }

Task<Result<void>> RequestSender::send_memory() {
  for (ByteView rest : memory_) {
    while (!rest.empty()) {
      if (answered_early()) co_return Result<void>();
      std::array<ByteView, 1> pieces{rest.first(std::min(rest.size(), kPiece))};
      rest = rest.subspan(pieces[0].size());
      MAS_CO_CHECK(co_await connection_.write_all(pieces, timeout_));
    }
  }
  finished_ = true;
  co_return Result<void>();
}

Task<Result<void>> RequestSender::send_piece(ByteView piece) {
  std::string line;
  std::array<ByteView, 3> pieces{ByteView(), piece, ByteView()};
  if (chunked_) {
    line = chunk_line(piece.size());
    pieces[0] = as_bytes(line);
    pieces[2] = as_bytes("\r\n");
  }
  co_return co_await connection_.write_all(pieces, timeout_);
}

Task<Result<void>> RequestSender::send_body() {
  if (finished_) co_return Result<void>();
  if (request_.body == nullptr) co_return co_await send_memory();
  auto buffer = std::make_unique_for_overwrite<std::uint8_t[]>(kPiece);
  std::uint64_t left = chunked_ ? UINT64_MAX : *request_.length;
  while (left > 0) {
    if (answered_early()) co_return Result<void>();
    MutableBytes into(buffer.get(),
                      static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, left)));
    Result<std::size_t> size = co_await request_.body->read(into);
    if (size.has_error()) {
      source_failed_ = true;
      co_return size.error();
    }
    if (*size == 0) {
      if (chunked_) break;
      source_failed_ = true;
      co_return bad_request("its body is shorter than announced");
    }
    left -= *size;
    MAS_CO_CHECK(co_await send_piece(into.first(*size)));
  }
  if (chunked_) {
    std::array<ByteView, 1> pieces{as_bytes("0\r\n\r\n")};
    MAS_CO_CHECK(co_await connection_.write_all(pieces, timeout_));
  }
  finished_ = true;
  co_return Result<void>();
}

}  // namespace mas::http
