// The file systems the suite runs on. Each starts with an empty directory `root`.
#pragma once

#include <unistd.h>

#include <memory>
#include <string>

#include "mas/fs/fault_fs.h"
#include "mas/fs/fs.h"
#include "support/must.h"

namespace mas::fs::test {

class FaultDisk {
 public:
  FaultDisk() : fs(make_fault_fs(1)) { must(fs->make_directories(root)); }

  std::unique_ptr<Fs> fs;
  std::string root = "/disk";
};

class RealDisk {
 public:
  explicit RealDisk(const std::string& parent = MAS_SCRATCH_DIR)
      : fs(make_real_fs()), root(parent + "/fs-" + std::to_string(::getpid())) {
    must(fs->remove_tree(root));
    must(fs->make_directories(root));
  }
  ~RealDisk() { (void)fs->remove_tree(root); }
  RealDisk(const RealDisk&) = delete;
  RealDisk& operator=(const RealDisk&) = delete;

  std::unique_ptr<Fs> fs;
  std::string root;
};

// In the memory of the system: where O_DIRECT may be unknown.
class MemoryDisk : public RealDisk {
 public:
  MemoryDisk() : RealDisk("/dev/shm") {}
};

inline std::unique_ptr<File> open_file(Fs& fs, const std::string& path, bool direct = false) {
  OpenOptions options;
  options.access = Access::read_write;
  options.create = true;
  options.direct = direct;
  return must(fs.open(path, options));
}

inline Result<void> write_text(File& file, std::uint64_t offset, std::string_view text) {
  const ByteView pieces[] = {as_bytes(text)};
  return file.write_at(offset, pieces);
}

inline std::string read_text(File& file, std::uint64_t offset, std::size_t length) {
  std::string text(length, '?');
  const MutableBytes into{reinterpret_cast<std::uint8_t*>(text.data()), length};
  text.resize(must(file.read_at(offset, into)));
  return text;
}

}  // namespace mas::fs::test
