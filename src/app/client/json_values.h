// Reading what a pod answered: an older or newer pod may not say everything, so what is missing or
// of another type reads as nothing.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mas::app {

// Member `key` of an object, or null.
[[nodiscard]] const boost::json::value& at(const boost::json::value& from, std::string_view key);

// Strings with what a terminal must not see escaped, yes or no, whole numbers; else `otherwise`.
[[nodiscard]] std::string text(const boost::json::value& from, std::string_view otherwise = "-");

// 0 if it is none.
[[nodiscard]] std::uint64_t number(const boost::json::value& from);

// A share from 0 to 1 in percent, rounded down.
[[nodiscard]] std::optional<int> percent(const boost::json::value& from);

// Empty if it is none.
[[nodiscard]] const boost::json::array& list(const boost::json::value& from);

// Of a member that is true or false.
[[nodiscard]] bool is_true(const boost::json::value& from);

}  // namespace mas::app
