// How a subcommand says what it takes, without seeing the library that parses the command line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mas/core/units.h"

namespace mas::app {

// Each call declares one option or argument and where its value goes; what is there already is the
// default and stands in the help. References live until the command has run.
class OptionSet {
 public:
  virtual ~OptionSet() = default;

  // Options: `name` is "--size" or "-o,--output".
  virtual void flag(const std::string& name, bool& into, const std::string& help) = 0;
  // `value` names it in the help; `variable`: the environment variable that may give it.
  virtual void text(const std::string& name, const std::string& value, std::string& into,
                    const std::string& help, const std::string& variable = "") = 0;
  // May be given several times.
  virtual void texts(const std::string& name, const std::string& value,
                     std::vector<std::string>& into, const std::string& help) = 0;
  virtual void number(const std::string& name, std::uint64_t& into, std::uint64_t min,
                      std::uint64_t max, const std::string& help) = 0;
  // "64 KiB"; from `min` to `max` bytes.
  virtual void size(const std::string& name, std::uint64_t& into, std::uint64_t min,
                    std::uint64_t max, const std::string& help) = 0;
  virtual void duration(const std::string& name, Duration& into, const std::string& help) = 0;
  virtual void choice(const std::string& name, std::string& into,
                      const std::vector<std::string>& choices, const std::string& help) = 0;

  // Arguments, in order; required, but for a choice that has a default.
  virtual void argument(const std::string& name, std::string& into, const std::string& help) = 0;
  virtual void argument_choice(const std::string& name, std::string& into,
                               const std::vector<std::string>& choices,
                               const std::string& help) = 0;
  // The last one; at least `min` values.
  virtual void arguments(const std::string& name, std::vector<std::string>& into, std::size_t min,
                         const std::string& help) = 0;
};

}  // namespace mas::app
