#include "mas/core/error.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "mas/core/result.h"

namespace mas {
namespace {

struct CodeRow {
  Code code;
  int http;
  int wire;
  std::string_view name;
};

constexpr std::array kCodes{
    CodeRow{Code::ok, 200, 200, "ok"},
    CodeRow{Code::internal, 500, 5000, "internal"},
    CodeRow{Code::key, 500, 5001, "key"},
    CodeRow{Code::too_few_pods_write, 503, 5002, "too_few_pods_write"},
    CodeRow{Code::ledger_unavailable, 503, 5101, "ledger_unavailable"},
    CodeRow{Code::ledger_refused, 503, 5102, "ledger_refused"},
    CodeRow{Code::body_unreadable, 400, 5201, "body_unreadable"},
    CodeRow{Code::wrong_length, 400, 5203, "wrong_length"},
    CodeRow{Code::parameter_missing, 400, 5204, "parameter_missing"},
    CodeRow{Code::parameter_malformed, 400, 5205, "parameter_malformed"},
    CodeRow{Code::token_invalid, 401, 5301, "token_invalid"},
    CodeRow{Code::token_wrong_type, 403, 5301, "token_wrong_type"},
    CodeRow{Code::system_token_invalid, 401, 5303, "system_token_invalid"},
    CodeRow{Code::file_unreadable, 500, 5401, "file_unreadable"},
    CodeRow{Code::hash_malformed, 400, 5402, "hash_malformed"},
    CodeRow{Code::hash_mismatch, 422, 5403, "hash_mismatch"},
    CodeRow{Code::damaged, 500, 5404, "damaged"},
    CodeRow{Code::no_such_file, 404, 5407, "no_such_file"},
    CodeRow{Code::download_failed, 500, 5409, "download_failed"},
    CodeRow{Code::upload_not_open, 409, 5410, "upload_not_open"},
    CodeRow{Code::already_stored, 409, 5411, "already_stored"},
    CodeRow{Code::body_too_large, 413, 5412, "body_too_large"},
    CodeRow{Code::parts_missing, 409, 5413, "parts_missing"},
    CodeRow{Code::list_failed, 500, 5414, "list_failed"},
    CodeRow{Code::metadata_unavailable, 503, 5501, "metadata_unavailable"},
    CodeRow{Code::compress, 500, 5601, "compress"},
    CodeRow{Code::decompress, 500, 5602, "decompress"},
    CodeRow{Code::too_few_pods_read, 503, 5701, "too_few_pods_read"},
    CodeRow{Code::broker_unavailable, 503, 5801, "broker_unavailable"},
    CodeRow{Code::busy, 503, 5901, "busy"},
    CodeRow{Code::disk_full, 507, 5902, "disk_full"},
    CodeRow{Code::no_such_route, 404, 5910, "no_such_route"},
    CodeRow{Code::method_not_allowed, 405, 5911, "method_not_allowed"},
    CodeRow{Code::sender_too_slow, 408, 5912, "sender_too_slow"},
    CodeRow{Code::head_too_large, 431, 5913, "head_too_large"},
    CodeRow{Code::uri_too_long, 414, 5913, "uri_too_long"},
    CodeRow{Code::unsupported_media_type, 415, 5914, "unsupported_media_type"},
    CodeRow{Code::range_unsatisfiable, 416, 5915, "range_unsatisfiable"},
    CodeRow{Code::too_many_requests, 429, 5916, "too_many_requests"},
    CodeRow{Code::expectation_failed, 417, 5917, "expectation_failed"},
    CodeRow{Code::not_implemented, 501, 5917, "not_implemented"},
    CodeRow{Code::not_found, 500, 5000, "not_found"},
    CodeRow{Code::conflict, 500, 5000, "conflict"},
    CodeRow{Code::corrupt, 500, 5000, "corrupt"},
    CodeRow{Code::io, 500, 5000, "io"},
    CodeRow{Code::timeout, 500, 5000, "timeout"},
    CodeRow{Code::closed, 500, 5000, "closed"},
    CodeRow{Code::cancelled, 500, 5000, "cancelled"},
    CodeRow{Code::stale_layout, 500, 5000, "stale_layout"},
    CodeRow{Code::invalid_argument, 500, 5000, "invalid_argument"},
    CodeRow{Code::already_exists, 500, 5000, "already_exists"},
    CodeRow{Code::refused, 500, 5000, "refused"},
};

const CodeRow& row_of(Code code) noexcept {
  const auto* row = std::ranges::find(kCodes, code, &CodeRow::code);
  return row != kCodes.end() ? *row : kCodes[1];
}

}  // namespace

int http_status(Code code) noexcept { return row_of(code).http; }

int wire_code(Code code) noexcept { return row_of(code).wire; }

bool is_retryable(Code code) noexcept {
  int status = http_status(code);
  return status == 503 || status == 429;
}

std::string_view code_name(Code code) noexcept { return row_of(code).name; }

Error Error::with_context(std::string_view context) const {
  Error copy = *this;
  copy.message_ = std::string(context) + ": " + message_;
  return copy;
}

Error error_from_errno(int errno_value, std::string_view what) {
  Code code = Code::io;
  if (errno_value == ENOSPC || errno_value == EDQUOT) code = Code::disk_full;
  // Both pass: nothing is wrong with what was asked for.
  if (errno_value == EMFILE || errno_value == ENFILE) code = Code::busy;
  if (errno_value == ENOMEM || errno_value == ENOBUFS) code = Code::busy;
  if (errno_value == ENOENT) code = Code::not_found;
  if (errno_value == EEXIST) code = Code::already_exists;
  return {code, std::string(what) + ": " + std::generic_category().message(errno_value)};
}

void throw_exception_from_error(const Error& error, const boost::source_location& where) {
  std::fprintf(stderr, "mas: value() called on error %s (%s) at %s:%u\n",
               std::string(code_name(error.code())).c_str(), error.message().c_str(),
               where.file_name(), static_cast<unsigned>(where.line()));
  std::abort();
}

void fail_assertion(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "mas: assertion failed: %s at %s:%d\n", expression, file, line);
  std::abort();
}

}  // namespace mas
