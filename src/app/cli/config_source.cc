#include "app/cli/config_source.h"

#include "mas/fs/fs.h"

namespace mas::app {

Result<config::Config> load_config(const std::string& file,
                                   const std::map<std::string, std::string>& environment,
                                   const std::map<std::string, std::string>& flags) {
  config::Sources sources;
  sources.environment = environment;
  sources.flags = flags;
  if (!file.empty()) {
    auto fs = fs::make_real_fs();
    auto text = fs::read_file(*fs, file, config::kMaxFileBytes);
    if (text.has_error()) {
      return Error(Code::invalid_argument, file + ": cannot be read: " + text.error().message());
    }
    sources.file = config::SourceFile{file, *std::move(text)};
  }
  return config::load(sources);
}

}  // namespace mas::app
