// FakeExchange: a request and what was answered to it, in memory, for tests of handlers.
//
//   FakeExchange exchange("GET", "/healthz?x=1");
//   exchange.header("token", "abc");
//   exchange.send_body("bytes");
//   run_blocking(handler.handle(exchange));
//   exchange.status(), exchange.answer_header("ETag"), exchange.answer_body()
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "mas/http/exchange.h"

namespace mas::test {

// A body in memory, given out in pieces of at most `piece` bytes.
class FakeBody final : public http::Body {
 public:
  [[nodiscard]] std::optional<std::uint64_t> length() const override { return length_; }

  Task<Result<std::size_t>> read(MutableBytes into) override {
    touched_ = true;
    std::size_t count = std::min({into.size(), piece_, text_.size() - at_});
    if (count == 0 && fail_at_end_) co_return *fail_at_end_;
    std::copy_n(text_.begin() + static_cast<std::ptrdiff_t>(at_), count, into.begin());
    at_ += count;
    co_return count;
  }

  // Whether anything was read: a sender that waits for 100 Continue would have been told to go on.
  [[nodiscard]] bool touched() const { return touched_; }

 private:
  friend class FakeExchange;
  std::string text_;
  std::optional<std::uint64_t> length_ = 0;
  std::size_t piece_ = 7;
  std::size_t at_ = 0;
  bool touched_ = false;
  std::optional<Error> fail_at_end_;
};

class FakeExchange final : public http::Exchange {
 public:
  // `target`: path and query as they stand in a request line; the path without percent-encoding.
  FakeExchange(std::string_view method, std::string_view target) {
    head_.method_text = method;
    head_.method = parse_method(method);
    std::size_t mark = target.find('?');
    head_.path = target.substr(0, mark);
    if (mark != std::string_view::npos) head_.raw_query = target.substr(mark + 1);
    head_.client_address = "192.0.2.7";
    head_.request_id = "0123456789abcdef";
  }

  // What is asked.
  FakeExchange& header(std::string name, std::string value) {
    head_.headers.add(std::move(name), std::move(value));
    return *this;
  }
  FakeExchange& from(std::string address) {
    head_.client_address = std::move(address);
    return *this;
  }
  FakeExchange& send_body(std::string text) {
    body_.length_ = text.size();
    body_.text_ = std::move(text);
    return *this;
  }
  // Chunked: the length is not known before.
  FakeExchange& send_chunked(std::string text) {
    send_body(std::move(text));
    body_.length_ = std::nullopt;
    return *this;
  }
  // Says that `length` bytes come, without having them.
  FakeExchange& announce(std::uint64_t length) {
    body_.length_ = length;
    return *this;
  }
  // The body ends in this error.
  FakeExchange& break_body(Error error) {
    body_.fail_at_end_ = std::move(error);
    return *this;
  }
  // The client goes away once this many bytes of the answer's body have been sent.
  FakeExchange& hang_up_after(std::uint64_t bytes) {
    hang_up_after_ = bytes;
    return *this;
  }

  // It takes no more then.
  FakeExchange& fall_silent_after(std::uint64_t bytes) {
    why_it_ends_ = Error(Code::timeout, "The other side was too slow.");
    return hang_up_after(bytes);
  }

  // What is answered.
  [[nodiscard]] int status() const { return answer_ ? answer_->status : 0; }
  [[nodiscard]] const std::string& answer_body() const { return sent_; }
  [[nodiscard]] std::uint64_t announced() const { return announced_; }
  [[nodiscard]] std::size_t count_header(std::string_view name) const {
    return answer_ ? answer_->headers.count(name) : 0;
  }
  [[nodiscard]] std::string answer_header(std::string_view name) const {
    if (!answer_) return "";
    return std::string(answer_->headers.get(name).value_or(""));
  }
  [[nodiscard]] bool body_touched() const { return body_.touched(); }
  [[nodiscard]] int times_answered() const { return times_answered_; }

  // Exchange.
  [[nodiscard]] const http::RequestHead& head() const override { return head_; }
  [[nodiscard]] http::Body& body() override { return body_; }
  [[nodiscard]] bool started() const override { return started_; }

  Task<Result<void>> respond(http::ResponseHead head, std::string body) override {
    take(std::move(head), body.size());
    started_ = true;
    if (!without_body()) sent_ = std::move(body);
    co_return Result<void>();
  }
  Task<Result<void>> start(http::ResponseHead head, std::uint64_t length) override {
    take(std::move(head), length);
    // As the real one: the head goes out with the first bytes.
    started_ = without_body() || length == 0;
    co_return Result<void>();
  }
  Task<Result<void>> write(std::span<const Slice> pieces) override {
    started_ = true;
    for (const Slice& piece : pieces) {
      if (hang_up_after_ && sent_.size() >= *hang_up_after_) {
        co_return why_it_ends_;
      }
      sent_ += as_text(piece.view());
    }
    co_return Result<void>();
  }

 private:
  static http::Method parse_method(std::string_view text) {
    using http::Method;
    for (Method method :
         {Method::get, Method::head, Method::post, Method::put, Method::del, Method::options}) {
      if (http::method_name(method) == text) return method;
    }
    return Method::other;
  }
  [[nodiscard]] bool without_body() const {
    return head_.method == http::Method::head || status() == 204 || status() == 304;
  }
  void take(http::ResponseHead head, std::uint64_t length) {
    answer_ = std::move(head);
    announced_ = length;
    ++times_answered_;
  }

  http::RequestHead head_;
  FakeBody body_;
  std::optional<http::ResponseHead> answer_;
  std::string sent_;
  std::uint64_t announced_ = 0;
  std::optional<std::uint64_t> hang_up_after_;
  Error why_it_ends_{Code::closed, "The client has gone."};
  bool started_ = false;
  int times_answered_ = 0;
};

}  // namespace mas::test
