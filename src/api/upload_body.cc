#include "api/upload_body.h"

#include <algorithm>

#include "api/params.h"
#include "api/upload_name.h"
#include "mas/core/text.h"
#include "mas/core/units.h"

namespace mas::api {
namespace {

// What a form may add to the file's bytes beside its fields: the headers and boundaries of a
// reasonable number of parts.
constexpr std::uint64_t kFormOverhead = 64 * kKiB;

bool is_form(std::string_view content_type) {
  constexpr std::string_view kForm = "multipart/form-data";
  std::size_t end = std::min(content_type.find_first_of("; \t"), content_type.size());
  return equal_ignoring_case(content_type.substr(0, end), kForm);
}

}  // namespace

Result<std::unique_ptr<UploadBody>> UploadBody::make(Call& call, std::uint64_t limit) {
  const http::Headers& headers = call.head().headers;
  std::string_view coding = headers.get("Content-Encoding").value_or("");
  if (!coding.empty() && coding != "identity") {
    return Error(Code::unsupported_media_type,
                 "A Content-Encoding is not undone here; send the file's own bytes.");
  }
  http::Body& body = call.exchange.body();
  std::unique_ptr<UploadBody> upload(new UploadBody(body));
  const config::Limits& limits = call.services.config.limits;
  std::uint64_t most = limit;
  std::string_view content_type = headers.get("Content-Type").value_or("");
  if (is_form(content_type)) {
    auto boundary = http::multipart_boundary(content_type);
    if (!boundary) {
      return Error(Code::unsupported_media_type,
                   "The Content-Type multipart/form-data needs a boundary of 1 to 70 characters.");
    }
    http::MultipartLimits form_limits;
    form_limits.fields = limits.form_fields;
    upload->form_ = http::make_multipart(body, *std::move(boundary), "file", form_limits);
    std::uint64_t extra = limits.form_fields + kFormOverhead;
    most = limit > UINT64_MAX - extra ? UINT64_MAX : limit + extra;
  } else {
    upload->length_ = body.length();
  }
  if (body.length().value_or(0) > most) {
    return Error(Code::body_too_large,
                 "The body is larger than the " + std::to_string(limit) + " bytes allowed here.");
  }
  return upload;
}

Task<Result<void>> UploadBody::open() {
  if (opened_) co_return Result<void>();
  opened_ = true;
  if (!form_) co_return Result<void>();
  co_return co_await form_->open();
}

Task<Result<std::size_t>> UploadBody::read(MutableBytes into) {
  if (ended_) co_return std::size_t{0};
  MAS_CO_CHECK(co_await open());
  ByteSource& source = form_ ? static_cast<ByteSource&>(*form_) : static_cast<ByteSource&>(body_);
  MAS_CO_TRY(std::size_t count, co_await source.read(into));
  received_ += count;
  if (count != 0) co_return count;
  ended_ = true;
  if (form_) MAS_CO_CHECK(co_await form_->finish());
  co_return std::size_t{0};
}

bool UploadBody::ready() {
  if (ended_) return true;
  if (!form_) return body_.ready();
  return opened_ && form_->ready();
}

Result<std::string> UploadBody::form_name(std::size_t limit) const {
  if (!form_) return std::string();
  MAS_TRY(std::string name, name_field(form_->fields(), limit));
  if (!name.empty()) return name;
  return check_name(form_->filename(), limit);
}

Result<void> UploadBody::check_name_so_far(std::size_t limit) const {
  if (form_) MAS_CHECK(name_field(form_->fields(), limit));
  return {};
}

}  // namespace mas::api
