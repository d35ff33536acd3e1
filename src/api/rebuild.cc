// Rebuilding the metadata: started here, done in the background, asked for again and again.
#include <boost/json/array.hpp>

#include "api/endpoints.h"
#include "api/params.h"

namespace mas::api {
namespace {

using boost::json::array;
using boost::json::object;

object describe(const maintain::RebuildReport& report) {
  object data;
  data["running"] = report.running;
  data["phase"] = maintain::name_of(report.phase);
  data["progress"] = report.progress;
  data["error"] = report.error;
  data["found"] = report.found;
  data["restored"] = report.restored;
  data["deletions"] = report.deletions;
  data["files"] = report.files;
  data["verified"] = report.verified;
  data["not_restored"] = report.not_restored;
  array failures;
  for (const maintain::NotRestored& failure : report.failures) {
    failures.emplace_back(object{
        {"hash", failure.hash.hex()}, {"generation", failure.generation}, {"why", failure.why}});
  }
  data["failures"] = std::move(failures);
  array away;
  for (const std::string& slot : report.away) away.emplace_back(slot);
  data["away"] = std::move(away);
  data["generation"] = report.generation;
  data["layout_version"] = report.layout_version;
  return data;
}

Reply answer(const maintain::RebuildService& rebuild) {
  auto report = rebuild.report();
  return report ? success(describe(*report)) : success(nullptr);
}

Error unable() { return {Code::busy, "This pod does not rebuild metadata."}; }

}  // namespace

Task<Result<Reply>> rebuild_start(Call& call) {
  const Services& services = call.services;
  if (services.deps.rebuild == nullptr) co_return unable();
  MAS_CO_TRY(std::optional<bool> verify, optional_flag(call.query, "verify"));
  maintain::RebuildOptions options;
  options.profile = Profile::parse(services.config.object.erasure);
  options.verify = verify.value_or(false);
  MAS_CO_CHECK(services.deps.rebuild->start(options));
  co_return answer(*services.deps.rebuild);
}

Task<Result<Reply>> rebuild_progress(Call& call) {
  if (call.services.deps.rebuild == nullptr) co_return unable();
  co_return answer(*call.services.deps.rebuild);
}

}  // namespace mas::api
