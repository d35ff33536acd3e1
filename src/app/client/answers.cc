// What stands in the pod's answers.
#include <boost/json/parse.hpp>
#include <limits>

#include "app/client/api_client.h"

namespace mas::app {
namespace {

Error bad_answer() {
  return {Code::corrupt, "The server's answer is not one of mas; is the URL right?"};
}

}  // namespace

Result<FileInfo> parse_file_info(const boost::json::value& data) {
  const boost::json::object* record = data.if_object();
  if (record == nullptr) return bad_answer();
  const boost::json::value* hash = record->if_contains("hash");
  const boost::json::value* name = record->if_contains("name");
  const boost::json::value* size = record->if_contains("size");
  const boost::json::value* stored = record->if_contains("persistence");
  const boost::json::value* created = record->if_contains("create_time");
  if (hash == nullptr || name == nullptr || size == nullptr || stored == nullptr ||
      created == nullptr || !hash->is_string() || !name->is_string() || !stored->is_bool()) {
    return bad_answer();
  }
  boost::json::error_code failed;
  FileInfo info;
  info.hash = std::string(hash->get_string());
  info.name = std::string(name->get_string());
  info.stored = stored->get_bool();
  info.size = size->to_number<std::uint64_t>(failed);
  if (failed) return bad_answer();
  info.created = created->to_number<std::int64_t>(failed);
  if (failed || !Hash::parse(info.hash)) return bad_answer();
  return info;
}

Error parse_failure(int status, std::string_view body) {
  boost::json::error_code failed;
  boost::json::value value = boost::json::parse({body.data(), body.size()}, failed);
  const boost::json::object* envelope = failed ? nullptr : value.if_object();
  const boost::json::value* code = envelope == nullptr ? nullptr : envelope->if_contains("code");
  const boost::json::value* message = envelope == nullptr ? nullptr : envelope->if_contains("msg");
  if (code == nullptr || message == nullptr || !code->is_int64() || !message->is_string()) {
    return {Code::corrupt, "The server answered with status " + std::to_string(status) +
                               " and no explanation; is the URL that of a mas pod?"};
  }
  return {static_cast<Code>(code->get_int64()), std::string(message->get_string())};
}

std::optional<std::uint64_t> parse_content_range(std::string_view value, std::uint64_t from) {
  constexpr std::string_view kUnit = "bytes ";
  if (!value.starts_with(kUnit)) return std::nullopt;
  value.remove_prefix(kUnit.size());
  std::size_t dash = value.find('-');
  std::size_t slash = value.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash) {
    return std::nullopt;
  }
  auto first = parse_u64(value.substr(0, dash));
  auto last = parse_u64(value.substr(dash + 1, slash - dash - 1));
  auto total = parse_u64(value.substr(slash + 1));
  if (first.has_error() || last.has_error() || total.has_error()) return std::nullopt;
  if (*first != from || *last < *first || *last + 1 != *total) return std::nullopt;
  return *total;
}

}  // namespace mas::app
