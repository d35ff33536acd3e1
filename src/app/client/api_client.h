// The REST interface as calls: one kept-alive connection, envelopes taken apart, tokens minted.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/client/server_options.h"
#include "mas/core/ids.h"
#include "mas/http/client.h"
#include "mas/runtime/clock.h"

namespace mas::app {

// A stored file, or an upload under way, as the wire contract shows it.
struct FileInfo {
  std::string hash;
  std::string name;
  std::uint64_t size = 0;
  std::int64_t created = 0;  // Unix seconds
  bool stored = false;       // the record's `persistence`
};

struct StoredPart {
  std::uint32_t number = 0;
  std::uint64_t size = 0;
};

struct FilePage {
  std::vector<FileInfo> files;
  std::string next;  // pass as `after`; "" at the end
};

// Query parameters; values are encoded when sent.
using Parameters = std::vector<std::pair<std::string, std::string>>;

// An answer's body in memory: envelope checked, `data` taken out.
struct Answer {
  http::ResponseHead head;
  boost::json::value data;
};

// One connection. Not for concurrent use. Errors of all calls: the envelope's code and msg; closed,
// if the pod cannot be reached (says what to try).
class ApiClient {
 public:
  ApiClient(Executor executor, const Target& target, Clock& clock);

  // `type` is "upload" or "download"; `claims` are signed into the token.
  Task<Result<std::string>> mint(std::string type, Hash hash, Parameters claims);
  // nullopt for an unknown file; an open upload has stored = false.
  Task<Result<std::optional<FileInfo>>> info(Hash hash);
  Task<Result<FilePage>> list(Parameters query);
  Task<Result<void>> remove(Hash hash);
  // The `data` of /api/cluster/status.
  Task<Result<boost::json::value>> status();
  // Tells the cluster that the data of a slot are gone; the layout that follows.
  Task<Result<boost::json::value>> give_up(std::string name);
  // Has what was deleted freed now, or only what the file of that hash left ("": all).
  Task<Result<boost::json::value>> collect_now(std::string hash);
  // Pauses or resumes a background worker of the pod; what /api/cluster/status lists of it.
  Task<Result<boost::json::value>> set_worker(std::string name, bool paused);
  // The `data` of /api/cluster/rebuild-metadata: begins a rebuild, and tells of the last one (null:
  // of none).
  Task<Result<boost::json::value>> start_rebuild(bool verify);
  Task<Result<boost::json::value>> rebuild_progress();
  // Fine if /readyz says so.
  Task<Result<void>> ready();

  // `size` bytes of `body` in one request. Answers the record's hash and receipt headers.
  Task<Result<Answer>> upload_single(std::string token, std::string name, ByteSource& body,
                                     std::uint64_t size);
  // The same under the system token: the pod computes the hash.
  Task<Result<Answer>> upload_object(std::string name, ByteSource& body, std::uint64_t size);
  Task<Result<FileInfo>> init(std::string token, std::string name);
  Task<Result<std::vector<StoredPart>>> parts(std::string token);
  Task<Result<void>> put_part(std::string token, std::uint32_t number, ByteSource& body,
                              std::uint64_t size);
  Task<Result<void>> drop_session(std::string token);
  Task<Result<Answer>> finish(std::string token, std::uint64_t size, std::uint32_t parts);

  // Starts a download from byte `from` on; then read() until 0. Returns the whole file's size.
  // Errors: download_failed, if the pod does not continue where it was asked to.
  Task<Result<std::uint64_t>> open_download(std::string token, std::string hash,
                                            std::uint64_t from);
  Task<Result<std::size_t>> read(MutableBytes into) { return client_->read(into); }
  void close() { client_->close(); }

 private:
  enum class Secret { none, system };
  http::ClientRequest request(std::string method, std::string path, const Parameters& query,
                              Secret secret) const;
  Task<Result<http::ResponseHead>> send(http::ClientRequest request);
  Task<Result<Answer>> exchange(http::ClientRequest request);
  Task<Result<Answer>> failure(http::ResponseHead head);

  const Target& target_;
  std::unique_ptr<http::Client> client_;
};

// The record in an answer's data. Errors: corrupt.
[[nodiscard]] Result<FileInfo> parse_file_info(const boost::json::value& data);

// The Error an answer's body stands for, or what was answered if it is no envelope.
[[nodiscard]] Error parse_failure(int status, std::string_view body);

// Whole size from "bytes 5-9/10"; nullopt if it is not of that form or does not start at `from`.
[[nodiscard]] std::optional<std::uint64_t> parse_content_range(std::string_view value,
                                                               std::uint64_t from);

}  // namespace mas::app
