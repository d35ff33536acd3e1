// GET and HEAD of a file's bytes: conditions, ranges, and a head that waits for the first verified
// bytes, so that a file that cannot be read still gets its proper status.
#include "api/content_type.h"
#include "api/endpoints.h"
#include "api/params.h"
#include "mas/core/text.h"
#include "mas/http/range.h"
#include "mas/observe/log.h"

namespace mas::api {
namespace {

// What is asked for: the file from `seek` on is a resource of its own.
struct Resource {
  meta::Object object;
  std::uint64_t seek = 0;
  std::uint64_t size = 0;  // object.size - seek
  std::string etag;
};

// Sends the head with the first bytes that come, and knows whether it was the client's side that
// failed.
class ExchangeSink final : public ByteSink {
 public:
  ExchangeSink(http::Exchange& exchange, http::ResponseHead head, std::uint64_t length)
      : exchange_(exchange), head_(std::move(head)), length_(length) {}

  Task<Result<void>> write(std::span<const Slice> pieces) override {
    Result<void> sent;
    if (!exchange_.started()) sent = co_await exchange_.start(std::move(head_), length_);
    if (sent.has_value()) sent = co_await exchange_.write(pieces);
    if (sent.has_error()) failure_ = sent.error();
    co_return sent;
  }
  Task<Result<std::size_t>> write_some(Slice bytes) override {
    Result<void> begun;
    if (!exchange_.started()) begun = co_await exchange_.start(std::move(head_), length_);
    Result<std::size_t> taken = std::size_t{0};
    if (begun.has_value()) taken = co_await exchange_.write_some(std::move(bytes));
    if (begun.has_error()) taken = begun.error();
    if (taken.has_error()) failure_ = taken.error();
    co_return taken;
  }
  Task<Result<void>> wait_for_room() override {
    Result<void> waited = co_await exchange_.wait_for_room();
    if (waited.has_error()) failure_ = waited.error();
    co_return waited;
  }
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }

 private:
  http::Exchange& exchange_;
  http::ResponseHead head_;
  std::uint64_t length_;
  std::optional<Error> failure_;
};

// The one value of a header; doubled counts as not given, as a range that makes no sense does.
std::optional<std::string_view> single(const http::Headers& headers, std::string_view name) {
  return headers.count(name) == 1 ? headers.get(name) : std::nullopt;
}

bool not_modified(const http::Headers& headers, std::string_view etag) {
  for (const auto& [name, value] : headers.all()) {
    if (equal_ignoring_case(name, "If-None-Match") && http::matches_etag(value, etag)) return true;
  }
  return false;
}

void add_validators(http::Headers& headers, const Resource& resource) {
  headers.set("ETag", resource.etag);
  headers.set("Last-Modified", http::http_date(resource.object.created));
  headers.set("Cache-Control", "private, no-cache");
  headers.set("Vary", "token");
}

http::ResponseHead whole_head(const Call& call, const Resource& resource) {
  http::ResponseHead head;
  add_validators(head.headers, resource);
  head.headers.set("Accept-Ranges", "bytes");
  head.headers.set("Content-Security-Policy", "sandbox; default-src 'none'");
  const auth::Claims& claims = call.claims();
  std::string name = !claims.name.empty() ? claims.name : resource.object.name;
  if (name.empty()) name = resource.object.hash.hex();
  ContentType type = content_type_of(name);
  bool shown = claims.inline_disposition && type.listed;
  head.headers.set("Content-Type", std::string(type.name));
  head.headers.set("Content-Disposition",
                   http::content_disposition(shown ? "inline" : "attachment", name));
  call.services.cors.add_to(head.headers, call.head().headers.get("Origin"));
  return head;
}

Reply unsatisfiable(std::uint64_t size) {
  Reply reply = failure(Error(Code::range_unsatisfiable, "The range starts behind the end of the " +
                                                             std::to_string(size) + " bytes."));
  reply.headers.set("Content-Range", "bytes */" + std::to_string(size));
  return reply;
}

// The range to send; HEAD and an If-Range that is not exactly our ETag ask for the whole.
http::ByteRange wanted_range(const Call& call, const Resource& resource) {
  http::ByteRange whole{http::ByteRange::Kind::whole, 0, resource.size};
  const http::Headers& headers = call.head().headers;
  auto range = single(headers, "Range");
  if (!range || call.head().method == http::Method::head) return whole;
  if (headers.count("If-Range") > 0 && single(headers, "If-Range") != resource.etag) return whole;
  http::ByteRange selected = http::select_range(*range, resource.size);
  return selected.kind == http::ByteRange::Kind::whole ? whole : selected;
}

// Errors that say nothing of their own to a client become "download failed".
Error download_error(const Call& call, const Error& error) {
  switch (error.code()) {
    case Code::io:
    case Code::corrupt:
    case Code::not_found:
    case Code::timeout:
    case Code::decompress:
    case Code::refused:
      return disguise(call, error, Code::download_failed,
                      "The file's bytes could not be read; try again, and if it stays so tell the "
                      "operator.");
    default:
      return error;
  }
}

// The client went away, or takes nothing any more. Nothing is wrong with the file, nor with this
// pod.
Error client_failed(const Call& call, const Error& error) {
  const bool is_silent = error.code() == Code::timeout;
  call.services.deps.metrics
      .counter("mas_downloads_cut_total", "Downloads that their clients did not take to the end.",
               {{"reason", is_silent ? "silent" : "gone"}})
      .add();
  log::write(
      is_silent ? log::Level::info : log::Level::debug, "download.cut",
      {{"id", call.head().request_id}, {"client", call.head().client_address}, {"error", error}});
  return {Code::closed, "The client did not take the whole file."};
}

Task<Result<Reply>> send_bytes(Call& call, const Resource& resource, http::ByteRange range) {
  http::ResponseHead head = whole_head(call, resource);
  if (range.kind == http::ByteRange::Kind::part) {
    head.status = 206;
    head.headers.set("Content-Range", "bytes " + std::to_string(range.first) + "-" +
                                          std::to_string(range.first + range.length - 1) + "/" +
                                          std::to_string(resource.size));
  }
  Reply sent;
  sent.sent = true;
  if (call.head().method == http::Method::head || range.length == 0) {
    MAS_CO_CHECK(co_await call.exchange.start(std::move(head), range.length));
    co_return sent;
  }
  // What it reads stays, should the file be deleted and freed at once.
  std::optional<maintain::FreedBoard::Reading> reading;
  if (call.services.deps.freed != nullptr) {
    reading.emplace(call.services.deps.freed->begin_read(resource.object));
  }
  ExchangeSink sink(call.exchange, std::move(head), range.length);
  auto got = co_await call.services.deps.objects.get(resource.object, resource.seek + range.first,
                                                     range.length, sink);
  const bool is_clients = sink.failure() && sink.failure()->code() != Code::internal;
  if (is_clients) co_return client_failed(call, *sink.failure());
  if (got.has_error()) co_return download_error(call, got.error());
  // A slow client that is cut off by its network comes back for the rest with the same token.
  call.exchange.keep_until_delivered(std::move(call.token));
  co_return sent;
}

}  // namespace

Task<Result<Reply>> download(Call& call) {
  MAS_CO_TRY(auto seek, optional_number(call.query, "seek", 0, UINT64_MAX));
  Resource resource;
  MAS_CO_TRY(resource.object, co_await call.services.deps.objects.find(call.claims().hash, false));
  resource.seek = seek.value_or(0);
  if (resource.seek > resource.object.size) co_return unsatisfiable(resource.object.size);
  resource.size = resource.object.size - resource.seek;
  std::string tag = resource.object.hash.hex() + (seek ? "+" + std::to_string(*seek) : "");
  resource.etag = '"' + tag + '"';
  if (not_modified(call.head().headers, resource.etag)) {
    Reply reply;
    reply.status = 304;
    add_validators(reply.headers, resource);
    co_return reply;
  }
  http::ByteRange range = wanted_range(call, resource);
  if (range.kind == http::ByteRange::Kind::unsatisfiable) co_return unsatisfiable(resource.size);
  co_return co_await send_bytes(call, resource, range);
}

}  // namespace mas::api
