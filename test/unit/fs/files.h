// Shorthand for the tests of the fault-injecting Fs.
#pragma once

#include <memory>
#include <string>

#include "mas/fs/fault_fs.h"
#include "support/must.h"

namespace mas::fs::test {

inline std::unique_ptr<File> open_file(Fs& fs, const std::string& path) {
  OpenOptions options;
  options.access = Access::read_write;
  options.create = true;
  return must(fs.open(path, options));
}

inline Result<void> write_text(File& file, std::uint64_t offset, std::string_view text) {
  const ByteView pieces[] = {as_bytes(text)};
  return file.write_at(offset, pieces);
}

// A file that exists durably with this content.
inline std::unique_ptr<File> durable_file(Fs& fs, const std::string& path,
                                          std::string_view content) {
  auto file = open_file(fs, path);
  must(write_text(*file, 0, content));
  must(file->sync_data());
  must(fs.sync_directory("/"));
  return file;
}

inline std::string block_of(char letter) { return std::string(kBlockSize, letter); }

}  // namespace mas::fs::test
