// Small files read and replaced whole.
#include "fs/errors.h"
#include "mas/fs/directories.h"
#include "mas/fs/fs.h"

namespace mas::fs {

Result<std::string> read_file(Fs& fs, const std::string& path, std::uint64_t limit) {
  MAS_TRY(const auto file, fs.open(path, {}));
  MAS_TRY(const auto size, file->size());
  if (size > limit)
    return Error(Code::corrupt, describe("too large to be what it should be:", path));
  std::string content(size, '\0');
  const MutableBytes into{reinterpret_cast<std::uint8_t*>(content.data()), content.size()};
  MAS_TRY(const auto got, file->read_at(0, into));
  content.resize(got);
  return content;
}

Result<void> write_file(Fs& fs, const std::string& path, ByteView content) {
  // One name per file: two writers at once would be a bug of their caller, and a leftover of a
  // crash is simply overwritten.
  const std::string temporary = path + ".tmp";
  {
    OpenOptions options;
    options.access = Access::read_write;
    options.create = true;
    options.truncate = true;
    MAS_TRY(const auto file, fs.open(temporary, options));
    const ByteView pieces[] = {content};
    MAS_CHECK(file->write_at(0, pieces));
    MAS_CHECK(file->sync_all());
  }
  MAS_CHECK(fs.rename(temporary, path));
  return fs.sync_directory(parent_of(path));
}

}  // namespace mas::fs
