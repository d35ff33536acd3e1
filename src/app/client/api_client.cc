#include "app/client/api_client.h"

#include <boost/json/parse.hpp>

namespace mas::app {
namespace {

constexpr std::size_t kMaxAnswer = 16 * kMiB;

Parameters with_hash(Hash hash, Parameters more) {
  more.insert(more.begin(), {"hash", hash.hex()});
  return more;
}

std::string target_of(const std::string& base, const std::string& path, const Parameters& query) {
  std::string text = base + path;
  char separator = '?';
  for (const auto& [name, value] : query) {
    text += separator;
    text += name + "=" + http::percent_encode(value);
    separator = '&';
  }
  return text;
}

void add_body(http::ClientRequest& request, ByteSource& body, std::uint64_t size) {
  request.body = &body;
  request.length = size;
  request.headers.add("Content-Type", "application/octet-stream");
}

}  // namespace

ApiClient::ApiClient(Executor executor, const Target& target, Clock& clock)
    : target_(target),
      client_(http::make_client(std::move(executor), target.url, target.client, clock)) {}

http::ClientRequest ApiClient::request(std::string method, std::string path,
                                       const Parameters& query, Secret secret) const {
  http::ClientRequest request;
  request.method = std::move(method);
  std::string base = target_.url.path;
  while (!base.empty() && base.back() == '/') base.pop_back();
  request.target = target_of(base, path, query);
  if (secret == Secret::system) request.headers.add("systemToken", target_.system_token);
  return request;
}

Task<Result<http::ResponseHead>> ApiClient::send(http::ClientRequest request) {
  auto head = co_await client_->send(std::move(request));
  if (head.has_error()) {
    Error error = head.error();
    std::string reason = error.message();
    if (!reason.empty() && reason.back() == '.') reason.pop_back();
    co_return Error(error.code(), "cannot talk to " + target_.text + ": " + reason +
                                      "; is mas serve running there?");
  }
  co_return head;
}

Task<Result<Answer>> ApiClient::failure(http::ResponseHead head) {
  MAS_CO_TRY(std::string body, co_await client_->read_all(kMaxAnswer));
  co_return parse_failure(head.status, body);
}

Task<Result<Answer>> ApiClient::exchange(http::ClientRequest request) {
  MAS_CO_TRY(http::ResponseHead head, co_await send(std::move(request)));
  if (head.status < 200 || head.status > 299) co_return co_await failure(std::move(head));
  MAS_CO_TRY(std::string body, co_await client_->read_all(kMaxAnswer));
  boost::json::error_code failed;
  boost::json::value value = boost::json::parse(body, failed);
  boost::json::object* envelope = failed ? nullptr : value.if_object();
  boost::json::value* data = envelope == nullptr ? nullptr : envelope->if_contains("data");
  if (data == nullptr) co_return parse_failure(head.status, body);
  Answer answer;
  answer.head = std::move(head);
  answer.data = std::move(*data);
  co_return answer;
}

Task<Result<std::string>> ApiClient::mint(std::string type, Hash hash, Parameters claims) {
  Parameters query = with_hash(hash, std::move(claims));
  auto call = request("GET", "/api/token/" + type, query, Secret::system);
  MAS_CO_TRY(Answer answer, co_await exchange(std::move(call)));
  const boost::json::object* data = answer.data.if_object();
  const boost::json::value* token = data == nullptr ? nullptr : data->if_contains("token");
  if (token == nullptr || !token->is_string()) {
    co_return Error(Code::corrupt, "The server's answer holds no token.");
  }
  co_return std::string(token->get_string());
}

Task<Result<std::optional<FileInfo>>> ApiClient::info(Hash hash) {
  Parameters query = with_hash(hash, {});
  auto call = request("GET", "/api/file/info", query, Secret::system);
  auto answer = co_await exchange(std::move(call));
  if (answer.has_error()) {
    Error error = answer.error();
    if (error.code() == Code::no_such_file) co_return std::optional<FileInfo>();
    co_return error;
  }
  MAS_CO_TRY(FileInfo info, parse_file_info(answer->data));
  co_return std::optional<FileInfo>(std::move(info));
}

Task<Result<FilePage>> ApiClient::list(Parameters query) {
  auto call = request("GET", "/api/file/list", query, Secret::system);
  MAS_CO_TRY(Answer answer, co_await exchange(std::move(call)));
  const boost::json::object* data = answer.data.if_object();
  const boost::json::value* files = data == nullptr ? nullptr : data->if_contains("files");
  const boost::json::value* next = data == nullptr ? nullptr : data->if_contains("next");
  if (files == nullptr || !files->is_array() || next == nullptr || !next->is_string()) {
    co_return Error(Code::corrupt, "The server's answer is not a list of files.");
  }
  FilePage page;
  page.next = std::string(next->get_string());
  for (const boost::json::value& item : files->get_array()) {
    MAS_CO_TRY(FileInfo info, parse_file_info(item));
    page.files.push_back(std::move(info));
  }
  co_return page;
}

Task<Result<void>> ApiClient::remove(Hash hash) {
  Parameters query = with_hash(hash, {});
  auto call = request("DELETE", "/api/file", query, Secret::system);
  MAS_CO_CHECK(co_await exchange(std::move(call)));
  co_return Result<void>();
}

Task<Result<boost::json::value>> ApiClient::status() {
  auto call = request("GET", "/api/cluster/status", {}, Secret::system);
  MAS_CO_TRY(Answer answer, co_await exchange(std::move(call)));
  co_return std::move(answer.data);
}

Task<Result<boost::json::value>> ApiClient::give_up(std::string name) {
  Parameters query{{"name", std::move(name)}};
  auto call = request("POST", "/api/cluster/give-up", query, Secret::system);
  MAS_CO_TRY(Answer answer, co_await exchange(std::move(call)));
  co_return std::move(answer.data);
}

Task<Result<boost::json::value>> ApiClient::collect_now(std::string hash) {
  Parameters query;
  if (!hash.empty()) query.emplace_back("hash", std::move(hash));
  auto call = request("POST", "/api/cluster/collect-now", query, Secret::system);
  MAS_CO_TRY(Answer answer, co_await exchange(std::move(call)));
  co_return std::move(answer.data);
}

Task<Result<boost::json::value>> ApiClient::set_worker(std::string name, bool paused) {
  Parameters query{{"name", std::move(name)}, {"paused", paused ? "1" : "0"}};
  auto call = request("POST", "/api/cluster/worker", query, Secret::system);
  MAS_CO_TRY(Answer answer, co_await exchange(std::move(call)));
  co_return std::move(answer.data);
}

Task<Result<boost::json::value>> ApiClient::start_rebuild(bool verify) {
  Parameters query{{"verify", verify ? "1" : "0"}};
  auto call = request("POST", "/api/cluster/rebuild-metadata", query, Secret::system);
  MAS_CO_TRY(Answer answer, co_await exchange(std::move(call)));
  co_return std::move(answer.data);
}

Task<Result<boost::json::value>> ApiClient::rebuild_progress() {
  auto call = request("GET", "/api/cluster/rebuild-metadata", {}, Secret::system);
  MAS_CO_TRY(Answer answer, co_await exchange(std::move(call)));
  co_return std::move(answer.data);
}

Task<Result<void>> ApiClient::ready() {
  auto call = request("GET", "/readyz", {}, Secret::none);
  MAS_CO_CHECK(co_await exchange(std::move(call)));
  co_return Result<void>();
}

Task<Result<Answer>> ApiClient::upload_single(std::string token, std::string name, ByteSource& body,
                                              std::uint64_t size) {
  Parameters query{{"name", std::move(name)}};
  auto call = request("POST", "/api/file/upload/single", query, Secret::none);
  call.headers.add("token", std::move(token));
  add_body(call, body, size);
  co_return co_await exchange(std::move(call));
}

Task<Result<Answer>> ApiClient::upload_object(std::string name, ByteSource& body,
                                              std::uint64_t size) {
  Parameters query{{"name", std::move(name)}};
  auto call = request("POST", "/api/file/upload/object", query, Secret::system);
  add_body(call, body, size);
  co_return co_await exchange(std::move(call));
}

Task<Result<FileInfo>> ApiClient::init(std::string token, std::string name) {
  Parameters query{{"name", std::move(name)}};
  auto call = request("GET", "/api/file/upload/init", query, Secret::none);
  call.headers.add("token", std::move(token));
  MAS_CO_TRY(Answer answer, co_await exchange(std::move(call)));
  co_return parse_file_info(answer.data);
}

Task<Result<std::vector<StoredPart>>> ApiClient::parts(std::string token) {
  auto call = request("GET", "/api/file/upload/parts", {}, Secret::none);
  call.headers.add("token", std::move(token));
  MAS_CO_TRY(Answer answer, co_await exchange(std::move(call)));
  std::vector<StoredPart> parts;
  const boost::json::object* data = answer.data.if_object();
  const boost::json::value* list = data == nullptr ? nullptr : data->if_contains("parts");
  if (list == nullptr || !list->is_array()) {
    co_return Error(Code::corrupt, "The server's answer is not a list of parts.");
  }
  for (const boost::json::value& item : list->get_array()) {
    const boost::json::object* part = item.if_object();
    const boost::json::value* number = part == nullptr ? nullptr : part->if_contains("chuck");
    const boost::json::value* size = part == nullptr ? nullptr : part->if_contains("size");
    boost::json::error_code bad_number;
    boost::json::error_code bad_size;
    if (number == nullptr || size == nullptr) continue;
    parts.push_back(
        {number->to_number<std::uint32_t>(bad_number), size->to_number<std::uint64_t>(bad_size)});
    if (bad_number || bad_size) parts.pop_back();
  }
  co_return parts;
}

Task<Result<void>> ApiClient::put_part(std::string token, std::uint32_t number, ByteSource& body,
                                       std::uint64_t size) {
  Parameters query{{"chuck", std::to_string(number)}};
  auto call = request("POST", "/api/file/upload/chuck", query, Secret::none);
  call.headers.add("token", std::move(token));
  add_body(call, body, size);
  MAS_CO_CHECK(co_await exchange(std::move(call)));
  co_return Result<void>();
}

Task<Result<void>> ApiClient::drop_session(std::string token) {
  auto call = request("DELETE", "/api/file/upload", {}, Secret::none);
  call.headers.add("token", std::move(token));
  MAS_CO_CHECK(co_await exchange(std::move(call)));
  co_return Result<void>();
}

Task<Result<Answer>> ApiClient::finish(std::string token, std::uint64_t size, std::uint32_t parts) {
  Parameters query{{"size", std::to_string(size)}, {"chucks", std::to_string(parts)}};
  auto call = request("POST", "/api/file/upload/finish", query, Secret::system);
  call.headers.add("token", std::move(token));
  co_return co_await exchange(std::move(call));
}

Task<Result<std::uint64_t>> ApiClient::open_download(std::string token, std::string hash,
                                                     std::uint64_t from) {
  auto call = request("GET", "/api/file/upload/download", {}, Secret::none);
  call.headers.add("token", std::move(token));
  if (from > 0) {
    call.headers.add("Range", "bytes=" + std::to_string(from) + "-");
    call.headers.add("If-Range", "\"" + hash + "\"");
  }
  MAS_CO_TRY(http::ResponseHead head, co_await send(std::move(call)));
  if (head.status == 206 && from > 0) {
    auto total = parse_content_range(head.headers.get("Content-Range").value_or(""), from);
    if (total) co_return *total;
  }
  if (head.status == 200 && from == 0) {
    auto length = parse_u64(head.headers.get("Content-Length").value_or(""));
    if (length.has_value()) co_return *length;
  }
  if (head.status == 200 || head.status == 206) {
    client_->close();
    co_return Error(Code::download_failed, "The server sent another piece than was asked for.");
  }
  auto refused = co_await failure(std::move(head));
  co_return refused.error();
}

}  // namespace mas::app
