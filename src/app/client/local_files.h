// Files on the client's side: finding them, hashing them, sending and receiving their bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mas/core/ids.h"
#include "mas/fs/fs.h"
#include "mas/runtime/byte_stream.h"

namespace mas::app {

// A regular file to upload.
struct LocalFile {
  std::string path;  // as it can be opened
  std::string name;  // what it is to be called: base name, or the path from the given directory on
  std::uint64_t size = 0;
};

// The regular files at and below each of `paths`, each directory's in order of name. Symbolic links
// are followed where they are named, not where they are found. Errors: not_found, io (a path that
// cannot be read; says which).
[[nodiscard]] Result<std::vector<LocalFile>> find_files(fs::Fs& fs,
                                                        const std::vector<std::string>& paths);

// The last component of a path; "" for "/", ".." and the like.
[[nodiscard]] std::string base_name(std::string_view path);

// Called with the number of bytes that went through since the last call.
using Progress = std::function<void(std::uint64_t)>;

// SHA-256 of the first `size` bytes. Blocking. Errors: io; wrong_length, if the file is shorter.
[[nodiscard]] Result<Hash> hash_file(fs::File& file, std::uint64_t size, const Progress& progress);

// Bytes [offset, offset + length) of a file. Reads block: for the client's own threads.
class FileSource final : public ByteSource {
 public:
  FileSource(fs::File& file, std::uint64_t offset, std::uint64_t length, Progress progress);
  Task<Result<std::size_t>> read(MutableBytes into) override;

 private:
  fs::File& file_;
  std::uint64_t offset_;
  std::uint64_t left_;
  Progress progress_;
};

}  // namespace mas::app
