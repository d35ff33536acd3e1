// Resumable uploads: init, parts in any order, finish.
#include <algorithm>
#include <boost/json/array.hpp>

#include "api/content_digest.h"
#include "api/endpoints.h"
#include "api/params.h"
#include "api/receipt.h"
#include "api/record.h"
#include "api/resent.h"
#include "api/upload_body.h"
#include "api/upload_name.h"

namespace mas::api {
namespace {

// The most bytes the parts of this session may have together.
std::uint64_t total_limit(const Call& call) {
  return std::min(call.services.config.limits.upload, call.claims().max_size.value_or(UINT64_MAX));
}

// What init and finish may say about the whole.
struct Declared {
  std::optional<std::uint64_t> size;
  std::optional<std::uint32_t> parts;
};

Result<Declared> declared(const Call& call) {
  Declared out;
  MAS_TRY(out.size, optional_number(call.query, "size", 0, UINT64_MAX));
  if (out.size.value_or(0) > total_limit(call)) {
    return Error(Code::body_too_large, "The file is larger than the " +
                                           std::to_string(total_limit(call)) +
                                           " bytes allowed here.");
  }
  MAS_TRY(auto parts, optional_number(call.query, "chucks", 0, call.services.config.limits.parts));
  if (parts) out.parts = static_cast<std::uint32_t>(*parts);
  return out;
}

// The part's number, under either spelling.
Result<std::uint32_t> part_number(const Call& call) {
  bool has_chuck = call.query.get("chuck").has_value();
  if (has_chuck && call.query.get("chunk").has_value()) {
    return Error(Code::parameter_malformed, "Give the part's number as chuck or chunk, not both.");
  }
  MAS_TRY(auto number, optional_number(call.query, has_chuck ? "chuck" : "chunk", 1,
                                       call.services.config.limits.parts));
  if (number) return static_cast<std::uint32_t>(*number);
  return Error(Code::parameter_missing,
               "The parameter chuck is missing; it is the part's number, from 1 on.");
}

boost::json::array numbers(const std::vector<std::uint32_t>& list) {
  boost::json::array out;
  out.reserve(list.size());
  for (std::uint32_t number : list) out.emplace_back(number);
  return out;
}

Reply missing_parts(const std::vector<std::uint32_t>& missing) {
  Reply reply = failure(Error(Code::parts_missing,
                              "Parts are missing; send those that data.missing names, then "
                              "finish again."));
  boost::json::object data;
  data["missing"] = numbers(missing);
  reply.data = std::move(data);
  return reply;
}

// Whether what holders have is what an upload would be acknowledged with.
bool is_enough(const Call& call, const object::Receipt& receipt) {
  const int wanted = std::max(static_cast<int>(call.services.config.write.min_survives), 1);
  return receipt.durable == receipt.meant || receipt.survives >= wanted;
}

}  // namespace

Task<Result<Reply>> upload_init(Call& call) {
  MAS_CO_CHECK(declared(call));
  MAS_CO_TRY(std::string name, co_await name_without_file(call));
  auto result = co_await call.services.deps.objects.init(call.session(), name, call.instant());
  if (result.has_error()) co_return result.error();
  if (result->upload) {
    const std::uint64_t stored = result->upload->stored;
    call.services.abandoned.session(sender_of(call), stored);
  }
  FileRecord record =
      result->stored ? FileRecord::of(*result->stored) : FileRecord::of(*result->upload);
  std::int64_t now = call.services.now();
  make_own(record, std::move(name), now, now);
  co_return success(record.json());
}

Task<Result<Reply>> upload_part(Call& call) {
  if (auto refused = refuse_resent(call)) co_return *std::move(refused);
  const config::Limits& limits = call.services.config.limits;
  object::PartRequest request;
  MAS_CO_TRY(request.number, part_number(call));
  if (auto digest = call.head().headers.get("Content-Digest")) {
    MAS_CO_TRY(request.digest, parse_content_digest(*digest));
  }
  request.sender = call.claims().id;
  request.max_total = total_limit(call);
  request.max_size = std::min(limits.part, request.max_total);
  MAS_CO_TRY(std::unique_ptr<UploadBody> body, UploadBody::make(call, request.max_size));
  request.size = body->length();
  object::Objects& objects = call.services.deps.objects;
  auto part = co_await objects.put_part(call.session(), request, *body);
  if (part.has_error()) {
    note_failed(call, body->received(), part.error());
    bool gone = part.error().code() == Code::upload_not_open && call.instant();
    if (!gone) co_return part.error();
    // Who was told to send what a record already names must not be told that it is there.
    auto stored = co_await objects.find(call.claims().hash, true);
    if (stored.has_error()) co_return part.error();
    auto receipt = co_await objects.receipt_of(*std::move(stored));
    if (receipt.has_error() || !is_enough(call, *receipt)) co_return part.error();
    co_return Error(Code::already_stored,
                    "The file is stored already; there is nothing left to send.");
  }
  call.services.abandoned.part(sender_of(call), body->received(), part->stored,
                               call.services.deps.clock.now());
  boost::json::object data;
  data["speed"] = part->part_count;
  data["status"] = "success";
  co_return success(std::move(data));
}

Task<Result<Reply>> upload_finish(Call& call) {
  MAS_CO_TRY(Declared said, declared(call));
  object::FinishRequest request;
  MAS_CO_TRY(request.name, co_await name_without_file(call));
  request.size = said.size;
  request.parts = said.parts;
  request.sender = call.claims().id;
  request.in_vain = count_in_vain(call);
  object::Objects& objects = call.services.deps.objects;
  std::int64_t began = call.services.now();
  // Asked before, because a published session is gone. A repeat finds none: its caller, who holds
  // the system token, gets the record as it stands.
  auto session =
      co_await call.services.deps.meta.find_session(call.claims().hash, call.claims().session);
  if (session.has_error()) co_return session.error();
  std::optional<std::string> own;
  if (!request.name.empty()) {
    own = request.name;
  } else if (*session) {
    own = (*session)->name;
  }
  auto result = co_await objects.finish(call.session(), std::move(request));
  if (result.has_error()) co_return result.error();
  if (!result->receipt) co_return missing_parts(result->missing);
  FileRecord record = FileRecord::of(result->receipt->object);
  if (own) make_own(record, *std::move(own), began, call.services.now());
  co_return with_receipt(success(record.json()), *result->receipt);
}

Task<Result<Reply>> upload_parts(Call& call) {
  auto status = co_await call.services.deps.objects.session(call.session());
  if (status.has_error()) co_return status.error();
  boost::json::array parts;
  parts.reserve(status->parts.size());
  for (const meta::Part& part : status->parts) {
    boost::json::object item;
    item["chuck"] = part.number;
    item["size"] = part.size;
    parts.emplace_back(std::move(item));
  }
  boost::json::object data;
  data["parts"] = std::move(parts);
  data["missing"] = numbers(status->missing);
  data["stored"] = status->upload.stored;
  data["expires"] = status->upload.expires;
  co_return success(std::move(data));
}

Task<Result<Reply>> upload_abort(Call& call) {
  const object::SessionKey key = call.session();
  auto session = co_await call.services.deps.meta.find_session(key.hash, key.session);
  MAS_CO_CHECK(co_await call.services.deps.objects.abort(key));
  // Whoever drops it has nothing of it any more, whoever sent it.
  if (session.has_value() && *session) {
    AbandonedBook& abandoned = call.services.abandoned;
    abandoned.add(sender_of(call), (*session)->stored, call.services.deps.clock.now());
    abandoned.session(sender_of(call), 0);
  }
  co_return success(nullptr);
}

}  // namespace mas::api
