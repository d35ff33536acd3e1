#include "object/find.h"

#include "mas/meta/reads_only.h"

namespace mas::object {
namespace {

// How old a record may be that is used while the metadata store cannot be reached.
constexpr Duration kOutageAge = std::chrono::minutes(10);

}  // namespace

Error no_such_file() { return Error(Code::no_such_file, "There is no file with this hash."); }

namespace {

Task<Result<meta::Object>> find_kept(meta::ReadsOnly& kept, Hash hash) {
  auto finding = kept.find_durable(hash);
  MAS_CO_TRY(std::optional<meta::Object> found, co_await std::move(finding));
  if (!found || found->state != meta::ObjectState::live) co_return no_such_file();
  co_return *std::move(found);
}

}  // namespace

Task<Result<meta::Object>> find_object(Context& context, Hash hash, bool fresh) {
  const Duration age = context.options.record_cache;
  if (!fresh && age > Duration::zero()) {
    auto cached = context.records.find(hash, context.deps.clock.now(), age);
    if (cached) co_return *std::move(cached);
  }
  std::uint64_t ticket = context.records.ticket(hash);
  Instant asked = context.deps.clock.now();
  Result<std::optional<meta::Object>> found = co_await context.deps.meta.find(hash);
  if (found.has_error()) {
    if (fresh || found.error().code() != Code::metadata_unavailable) co_return found.error();
    if (auto* kept = meta::reads_only(context.deps.meta)) {
      auto finding = find_kept(*kept, hash);
      co_return co_await std::move(finding);
    }
    auto cached = context.records.find(hash, asked, kOutageAge);
    if (!cached) co_return found.error();
    context.instruments.outage_records.add();
    co_return *std::move(cached);
  }
  if (!*found || (*found)->state != meta::ObjectState::live) {
    context.records.drop(hash);
    co_return no_such_file();
  }
  context.records.insert(**found, asked, ticket);
  co_return **std::move(found);
}

}  // namespace mas::object
