#include "app/client/client_command.h"

#include <boost/asio/this_coro.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "app/client/output.h"

namespace mas::app {

void ClientCommand::declare(OptionSet& options) {
  declare_own(options);
  server_.declare(options);
}

int ClientCommand::run(Surroundings& surroundings) {
  auto checked = check();
  auto fs = fs::make_real_fs();
  auto target = resolve(server_, *fs);
  if (checked.has_error() || target.has_error()) {
    fail(surroundings, name(), checked.has_error() ? checked.error() : target.error());
    return kExitUsage;
  }
  int status = kExitFailed;
  run_blocking(run_work(surroundings, *target, *fs, status));
  return status;
}

Task<void> ClientCommand::run_work(Surroundings& surroundings, const Target& target, fs::Fs& fs,
                                   int& status) {
  auto clock = make_system_clock();
  Executor executor = co_await boost::asio::this_coro::executor;
  Context context{surroundings, target, *clock, fs, executor, server_.json};
  auto result = co_await work(context);
  if (result.has_value()) {
    status = *result;
  } else {
    context.report(name(), result.error());
  }
}

std::unique_ptr<ApiClient> ClientCommand::Context::connect() const {
  return std::make_unique<ApiClient>(executor, target, clock);
}

void ClientCommand::Context::print(const boost::json::object& object) const {
  surroundings.out << boost::json::serialize(object) << std::endl;
}

void ClientCommand::Context::report(std::string_view command, const Error& error) const {
  if (json) surroundings.out << error_json(error) << std::endl;
  fail(surroundings, command, error);
}

Result<Hash> parse_hash_argument(const std::string& text) {
  auto hash = Hash::parse(text);
  if (hash) return *hash;
  return Error(Code::invalid_argument, "'" + printable(text) + "' is not a hash of 64 hex digits");
}

boost::json::object to_json(const FileInfo& info) {
  boost::json::object object;
  object["hash"] = info.hash;
  object["size"] = info.size;
  object["name"] = info.name;
  object["create_time"] = info.created;
  object["persistence"] = info.stored;
  return object;
}

}  // namespace mas::app
