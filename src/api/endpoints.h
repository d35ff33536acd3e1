// Every endpoint by name; router.cc puts them on paths. Each runs after its tokens were checked and
// gives back the answer, or an error that becomes one.
#pragma once

#include "api/call.h"
#include "api/reply.h"

namespace mas::api {

// tokens.cc
Task<Result<Reply>> mint_upload_token(Call& call);
Task<Result<Reply>> mint_download_token(Call& call);

// upload_single.cc
Task<Result<Reply>> upload_single(Call& call);
Task<Result<Reply>> upload_object(Call& call);

// upload_session.cc
Task<Result<Reply>> upload_init(Call& call);
Task<Result<Reply>> upload_part(Call& call);
Task<Result<Reply>> upload_finish(Call& call);
Task<Result<Reply>> upload_parts(Call& call);
Task<Result<Reply>> upload_abort(Call& call);

// download.cc
Task<Result<Reply>> download(Call& call);

// files.cc
Task<Result<Reply>> file_info(Call& call);
Task<Result<Reply>> file_list(Call& call);
Task<Result<Reply>> file_delete(Call& call);

// rebuild.cc
Task<Result<Reply>> rebuild_start(Call& call);
Task<Result<Reply>> rebuild_progress(Call& call);

// collect_now.cc
Task<Result<Reply>> collect_now(Call& call);

// admin.cc
Task<Result<Reply>> server_signal(Call& call);
Task<Result<Reply>> cluster_status(Call& call);
Task<Result<Reply>> cluster_worker(Call& call);
Task<Result<Reply>> cluster_give_up(Call& call);
Task<Result<Reply>> healthz(Call& call);
Task<Result<Reply>> readyz(Call& call);
Task<Result<Reply>> metrics_text(Call& call);
Task<Result<Reply>> openapi(Call& call);

}  // namespace mas::api
