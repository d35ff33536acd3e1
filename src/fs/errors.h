// How this module words its errors: the call and the file's name, without the directories above it,
// so that a message can be passed on without showing how a machine is laid out.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>

#include "mas/core/error.h"

namespace mas::fs {

// The last component of a path.
[[nodiscard]] inline std::string_view base_name(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos || path.size() == 1 ? path : path.substr(slash + 1);
}

[[nodiscard]] inline std::string describe(std::string_view verb, std::string_view path) {
  return std::string(verb) + " " + std::string(base_name(path));
}

// The error of a system call that failed with `value` of errno.
[[nodiscard]] inline Error system_error(int value, std::string_view verb, std::string_view path) {
  Error error = error_from_errno(value, describe(verb, path));
  if (value == EEXIST || value == ENOTEMPTY) return {Code::already_exists, error.message()};
  if (value == ENOTDIR) return {Code::not_found, error.message()};
  return error;
}

}  // namespace mas::fs
