// A whole file in one request: under a token that names it, or as a new object that names itself.
#include <algorithm>
#include <functional>

#include "api/endpoints.h"
#include "api/params.h"
#include "api/receipt.h"
#include "api/record.h"
#include "api/resent.h"
#include "api/upload_body.h"

namespace mas::api {
namespace {

using Name = std::function<Result<std::string>()>;

// The name of a file that comes in one request: stated, else the form's, whose last word comes with
// its end. What is wrong already is refused here, before the file. `body` outlives the name.
Task<Result<Name>> name_of(Call& call, UploadBody& body) {
  std::size_t limit = call.services.config.limits.name_bytes;
  MAS_CO_TRY(std::string stated, stated_name(call.query, call.head().headers, limit));
  MAS_CO_CHECK(co_await body.open());
  Name name;
  if (stated.empty()) {
    MAS_CO_CHECK(body.check_name_so_far(limit));
    name = [&body, limit] { return body.form_name(limit); };
  } else {
    name = [stated = std::move(stated)]() -> Result<std::string> { return stated; };
  }
  co_return name;
}

// Of a body that cannot be resumed. limits.part is never more than limits.upload.
std::uint64_t most_at_once(const Call& call) { return call.services.config.limits.part; }

}  // namespace

Task<Result<Reply>> upload_single(Call& call) {
  if (auto refused = refuse_resent(call)) co_return *std::move(refused);
  std::uint64_t limit = std::min(most_at_once(call), call.claims().max_size.value_or(UINT64_MAX));
  MAS_CO_TRY(std::unique_ptr<UploadBody> body, UploadBody::make(call, limit));
  std::int64_t began = call.services.now();
  object::PutRequest request;
  MAS_CO_TRY(Name name, co_await name_of(call, *body));
  request.name = name;
  request.hash = call.claims().hash;
  request.size = body->length();
  request.max_size = limit;
  std::uint64_t in_vain = 0;
  request.in_vain = &in_vain;
  auto put = co_await call.services.deps.objects.put(std::move(request), *body);
  if (put.has_error()) {
    note_failed(call, in_vain, put.error());
    co_return put.error();
  }
  call.services.abandoned.add(sender_of(call), in_vain, call.services.deps.clock.now());
  FileRecord record = FileRecord::of(put->object);
  MAS_CO_TRY(std::string own, name());
  make_own(record, std::move(own), began, call.services.now());
  co_return with_receipt(success(record.json()), *put);
}

Task<Result<Reply>> upload_object(Call& call) {
  std::uint64_t limit = most_at_once(call);
  MAS_CO_TRY(std::unique_ptr<UploadBody> body, UploadBody::make(call, limit));
  object::PutRequest request;
  MAS_CO_TRY(request.name, co_await name_of(call, *body));
  request.size = body->length();
  request.max_size = limit;
  auto put = co_await call.services.deps.objects.put(std::move(request), *body);
  if (put.has_error()) co_return put.error();
  co_return with_receipt(success(FileRecord::of(put->object).json()), *put);
}

}  // namespace mas::api
