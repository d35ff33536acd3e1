#include <cctype>

#include "config/checks.h"
#include "config/keys.h"
#include "config/text.h"
#include "config/toml_reader.h"
#include "mas/config/config.h"

namespace mas::config {
namespace {

Error fault(const std::string& origin, const std::string& message) {
  return {Code::invalid_argument, origin + ": " + message};
}

// A Config that remembers where each key was set last.
class Builder {
 public:
  Result<void> apply(const Entry& entry) {
    const Key* key = find_key(entry.key);
    if (key == nullptr) return unknown(entry);
    auto set = set_field(key->field, config_, entry.value);
    if (set.has_error()) return fault(entry.origin, entry.key + ": " + set.error().message());
    origins_[key->name] = entry.origin;
    return {};
  }

  Result<void> apply_all(const std::vector<Entry>& entries) {
    for (const Entry& entry : entries) MAS_CHECK(apply(entry));
    return {};
  }

  Result<Config> finish() && {
    Conflict conflict = find_conflict(config_);
    if (conflict.problem.empty()) return std::move(config_);
    auto at = origins_.find(conflict.key);
    if (at == origins_.end()) at = origins_.find(conflict.other);
    std::string origin = at == origins_.end() ? "defaults" : at->second;
    std::string message = std::string(conflict.key) + ": " + conflict.problem;
    if (conflict.other != conflict.key) message += " (see " + std::string(conflict.other) + ")";
    return fault(origin, message);
  }

 private:
  static Result<void> unknown(const Entry& entry) {
    bool is_table = std::holds_alternative<Unusable>(entry.value);
    if (is_section(entry.key)) {
      if (is_table) return {};  // an empty section
      return fault(entry.origin, entry.key + " is a section, not a key: write [" + entry.key + "]");
    }
    return fault(entry.origin, "unknown key " + printable(entry.key) + "; did you mean " +
                                   std::string(nearest_key(entry.key)) + "?");
  }

  Config config_;
  std::map<std::string_view, std::string> origins_;
};

Result<void> apply_environment(const std::map<std::string, std::string>& environment,
                               Builder& builder) {
  std::map<std::string, const Key*> known;
  for (const Key& key : keys()) known[environment_name(key.name)] = &key;
  for (const auto& [name, value] : environment) {
    if (!name.starts_with("MAS_")) continue;
    auto at = known.find(name);
    if (at != known.end()) {
      MAS_CHECK(builder.apply({std::string(at->second->name), PlainText{value}, name}));
    } else if (!is_foreign_environment(name)) {
      std::string key = name.substr(4);
      std::size_t first = key.find('_');
      for (char& c : key) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      if (first != std::string::npos) key[first] = '.';
      return fault("environment", "unknown variable " + printable(name) + "; did you mean " +
                                      environment_name(nearest_key(key)) + "?");
    }
  }
  return {};
}

}  // namespace

std::vector<KeyInfo> all_keys() {
  Config defaults;
  std::vector<KeyInfo> list;
  for (const Key& key : keys()) {
    list.push_back({std::string(key.name), print_field(key.field, defaults), std::string(key.doc)});
  }
  return list;
}

Result<Config> load(const Sources& sources) {
  Builder builder;
  if (sources.file) {
    MAS_TRY(auto entries, read_toml(sources.file->text, sources.file->path));
    MAS_CHECK(builder.apply_all(entries));
  }
  MAS_CHECK(apply_environment(sources.environment, builder));
  for (const auto& [key, value] : sources.flags) {
    MAS_CHECK(builder.apply({key, PlainText{value}, "command line"}));
  }
  return std::move(builder).finish();
}

Result<Config> parse(std::string_view toml, std::string_view origin) {
  Builder builder;
  MAS_TRY(auto entries, read_toml(toml, origin));
  MAS_CHECK(builder.apply_all(entries));
  return std::move(builder).finish();
}

}  // namespace mas::config
