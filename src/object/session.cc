#include "object/session.h"

#include "object/part_list.h"
#include "object/part_put.h"
#include "object/publisher.h"

namespace mas::object {

Task<Result<InitResult>> init_session(Context& context, SessionKey key, std::string name,
                                      bool instant) {
  InitResult result;
  if (instant) {
    // A record whose content is not there in full counts for nothing until it is sent again.
    MAS_CO_TRY(result.stored, co_await find_stored(context, key.hash));
    if (result.stored) co_return result;
  }
  meta::Upload upload;
  upload.id = context.deps.rng.id();
  upload.kind = meta::UploadKind::session;
  upload.hash = key.hash;
  upload.session = std::move(key.session);
  upload.name = std::move(name);
  upload.created = context.now_seconds();
  upload.expires = context.expiry();
  MAS_CO_TRY(result.upload, co_await context.deps.meta.open(upload));
  co_return result;
}

Task<Result<SessionStatus>> session_status(Context& context, SessionKey key) {
  MAS_CO_TRY(std::optional<meta::Upload> upload,
             co_await context.deps.meta.find_session(key.hash, key.session));
  if (!upload) co_return upload_not_open();
  SessionStatus status;
  MAS_CO_TRY(status.parts, co_await all_parts(context, upload->id));
  status.missing = missing_parts(status.parts, std::nullopt, std::nullopt);
  status.upload = *std::move(upload);
  co_return status;
}

Task<Result<void>> abort_session(Context& context, SessionKey key) {
  MAS_CO_TRY(std::optional<meta::Upload> upload,
             co_await context.deps.meta.find_session(key.hash, key.session));
  if (!upload) co_return Result<void>();
  Result<void> closed = co_await context.deps.meta.close(upload->id, false, context.now_seconds());
  if (closed.has_error() && closed.error().code() == Code::conflict) {
    co_return Error(Code::busy, "This upload is being finished; try again shortly.");
  }
  co_return closed;
}

}  // namespace mas::object
