#include "app/client/json_values.h"

#include <boost/json/object.hpp>

#include "app/client/output.h"

namespace mas::app {

using boost::json::value;

const value& at(const value& from, std::string_view key) {
  static const value nothing;
  const boost::json::object* object = from.if_object();
  const value* found = object == nullptr ? nullptr : object->if_contains({key.data(), key.size()});
  return found == nullptr ? nothing : *found;
}

std::string text(const value& from, std::string_view otherwise) {
  if (from.is_string()) return printable(std::string(from.get_string()));
  if (from.is_bool()) return from.get_bool() ? "yes" : "no";
  if (from.is_int64()) return std::to_string(from.get_int64());
  if (from.is_uint64()) return std::to_string(from.get_uint64());
  return std::string(otherwise);
}

std::uint64_t number(const value& from) {
  boost::json::error_code failed;
  auto result = from.to_number<std::uint64_t>(failed);
  return failed ? 0 : result;
}

std::optional<int> percent(const value& from) {
  boost::json::error_code failed;
  double share = from.to_number<double>(failed);
  if (failed) return std::nullopt;
  return static_cast<int>(share * 100);
}

const boost::json::array& list(const value& from) {
  static const boost::json::array nothing;
  const boost::json::array* found = from.if_array();
  return found == nullptr ? nothing : *found;
}

bool is_true(const value& from) { return from.is_bool() && from.get_bool(); }

}  // namespace mas::app
