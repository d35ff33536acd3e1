// What a back end asks about stored files: info, list, delete.
#include <algorithm>
#include <boost/json/array.hpp>

#include "api/endpoints.h"
#include "api/full_disk.h"
#include "api/params.h"
#include "api/record.h"
#include "mas/core/text.h"
#include "mas/meta/reads_only.h"

namespace mas::api {
namespace {

constexpr std::uint64_t kMaxPage = 1000;
constexpr std::size_t kHashDigits = 64;

Result<std::string> hash_prefix(const http::Query& query) {
  std::string prefix(query.get("prefix").value_or(""));
  bool fits = prefix.size() <= kHashDigits;
  for (char& c : prefix) {
    c = to_lower(c);
    fits = fits && ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
  }
  if (fits) return prefix;
  return Error(Code::parameter_malformed,
               "The parameter prefix is the start of a hash: at most 64 hex digits.");
}

Result<std::optional<Hash>> cursor(const http::Query& query) {
  auto after = optional_hash(query, "after");
  if (after.has_value()) return after;
  return Error(Code::parameter_malformed,
               "The parameter after is a cursor; give back data.next of the page before.");
}

Result<meta::ListQuery> list_query(const Call& call) {
  meta::ListQuery query;
  MAS_TRY(query.hex_prefix, hash_prefix(call.query));
  MAS_TRY(query.after, cursor(call.query));
  MAS_TRY(query.name_contains,
          optional_text(call.query, "name_contains", call.services.config.limits.name_bytes));
  MAS_TRY(auto limit, optional_number(call.query, "limit", 1, kMaxPage));
  query.limit = static_cast<std::uint32_t>(limit.value_or(query.limit));
  return query;
}

}  // namespace

Task<Result<Reply>> file_info(Call& call) {
  MAS_CO_TRY(Hash hash, required_hash(call.query, "hash"));
  MAS_CO_TRY(std::string session, optional_text(call.query, "session", 256));
  // Where no changes are taken any more, what is kept for reading is as new as anything.
  const bool fresh = meta::reads_only(call.services.deps.meta) == nullptr;
  auto object = co_await call.services.deps.objects.find(hash, fresh);
  if (object.has_value()) co_return success(FileRecord::of(*object).json());
  if (object.error().code() != Code::no_such_file) co_return object.error();
  auto upload = co_await call.services.deps.meta.find_session(hash, std::move(session));
  if (upload.has_error()) co_return upload.error();
  if (!*upload) {
    co_return Error(Code::no_such_file, "There is no file with this hash; upload it first.");
  }
  co_return success(FileRecord::of(**upload).json());
}

Task<Result<Reply>> file_list(Call& call) {
  MAS_CO_TRY(meta::ListQuery query, list_query(call));
  auto page = co_await call.services.deps.objects.list(std::move(query));
  if (page.has_error()) {
    Code code = page.error().code();
    bool own = code == Code::metadata_unavailable || code == Code::busy;
    if (own) co_return page.error();
    co_return disguise(call, page.error(), Code::list_failed,
                       "The list cannot be read; the server's log says why.");
  }
  boost::json::array files;
  files.reserve(page->objects.size());
  for (const meta::Object& object : page->objects) {
    files.emplace_back(FileRecord::of(object).json());
  }
  boost::json::object data;
  data["files"] = std::move(files);
  data["next"] = page->next ? page->next->hex() : std::string();
  co_return success(std::move(data));
}

Task<Result<Reply>> file_delete(Call& call) {
  MAS_CO_TRY(Hash hash, required_hash(call.query, "hash"));
  const Dependencies& deps = call.services.deps;
  MAS_CO_CHECK(co_await deps.objects.remove(hash));
  if (deps.freed != nullptr && deps.freed->is_full()) look_what_waits(deps);
  co_return success(nullptr);
}

}  // namespace mas::api
