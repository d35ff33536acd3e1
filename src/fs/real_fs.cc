#include "fs/real_fs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "fs/errors.h"
#include "fs/real_file.h"
#include "mas/observe/log.h"

namespace mas::fs {
namespace {

constexpr mode_t kFileMode = 0600;
// With fewer inodes than this a volume counts as full: the next segment needs one, and RocksDB's
// files must not be what lacks them. A small part of a small volume.
constexpr std::uint64_t kFilesKept = 64;
constexpr std::uint64_t kFilesShare = 16;

Descriptor open_descriptor(const std::string& path, int flags) {
  return Descriptor(
      retry_interrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, kFileMode); }));
}

int open_flags(const OpenOptions& options) {
  int flags = options.access == Access::read_only ? O_RDONLY : O_RDWR;
  if (options.create) flags |= O_CREAT;
  if (options.create && options.exclusive) flags |= O_EXCL;
  if (options.truncate) flags |= O_TRUNC;
  return flags;
}

class RealLock final : public FileLock {
 public:
  explicit RealLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  Descriptor descriptor_;  // flock ends with the open file
};

}  // namespace

Result<std::unique_ptr<File>> RealFs::open(const std::string& path, OpenOptions options) {
  int flags = open_flags(options);
  bool direct = options.direct;
  auto descriptor = open_descriptor(path, direct ? flags | O_DIRECT : flags);
  if (!descriptor.valid() && errno == EINVAL && direct) {
    // A file system without O_DIRECT may have created the file before it refused.
    direct = false;
    flags &= ~O_EXCL;
    descriptor = open_descriptor(path, flags);
  }
  if (!descriptor.valid()) return system_error(errno, "open", path);
  return make_real_file(std::move(descriptor), path, direct);
}

Result<void> RealFs::make_directories(const std::string& path, unsigned mode) {
  for (std::size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    const auto prefix = path.substr(0, end);
    if (prefix.empty()) continue;
    if (::mkdir(prefix.c_str(), static_cast<mode_t>(mode)) == 0 || errno == EEXIST) continue;
    // A parent that exists may still refuse mkdir (read-only, not ours); only its use matters.
    const int refused = errno;
    struct stat info {};
    if (::stat(prefix.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) continue;
    return system_error(refused, "create directory", prefix);
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return system_error(errno, "create directory", path);
  if (!S_ISDIR(info.st_mode)) return system_error(EEXIST, "create directory", path);
  return {};
}

Result<std::vector<std::string>> RealFs::list(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), &::closedir);
  if (!directory) return system_error(errno, "list", path);
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return system_error(errno, "list", path);
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> RealFs::remove(const std::string& path) {
  if (::remove(path.c_str()) != 0) return system_error(errno, "remove", path);
  return {};
}

Result<void> RealFs::remove_tree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return system_error(error.value(), "remove", path);
  return {};
}

Result<void> RealFs::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return system_error(errno, "rename", from);
  return {};
}

Result<void> RealFs::sync_directory(const std::string& path) {
  const auto descriptor = open_descriptor(path, O_RDONLY | O_DIRECTORY);
  if (!descriptor.valid()) return system_error(errno, "open", path);
  // EINVAL: a file system whose directories need no syncing and know none.
  if (retry_interrupted([&] { return ::fsync(descriptor.get()); }) != 0 && errno != EINVAL) {
    return system_error(errno, "sync", path);
  }
  return {};
}

Result<bool> RealFs::exists(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return system_error(errno, "stat", path);
}

Result<Space> RealFs::space(const std::string& path) {
  struct statvfs info {};
  if (retry_interrupted([&] { return ::statvfs(path.c_str(), &info); }) != 0) {
    return system_error(errno, "measure", path);
  }
  const std::uint64_t unit = info.f_frsize;
  Space space{info.f_blocks * unit, info.f_bavail * unit};
  // A file system that knows no such limit says 0 of 0.
  if (info.f_favail < std::min<std::uint64_t>(kFilesKept, info.f_files / kFilesShare)) {
    if (log::once_a_minute("no inodes")) {
      log::warn("disk.no_inodes", {{"directory", path}, {"left", info.f_favail}});
    }
    space.free = 0;
  }
  return space;
}

Result<std::unique_ptr<FileLock>> RealFs::lock(const std::string& path) {
  auto descriptor = open_descriptor(path, O_RDWR | O_CREAT);
  if (!descriptor.valid()) return system_error(errno, "open", path);
  // flock belongs to the open file, so it also excludes a second holder in this process.
  if (retry_interrupted([&] { return ::flock(descriptor.get(), LOCK_EX | LOCK_NB); }) != 0) {
    if (errno == EWOULDBLOCK) return Error(Code::busy, describe("another process holds", path));
    return system_error(errno, "lock", path);
  }
  return std::unique_ptr<FileLock>(std::make_unique<RealLock>(std::move(descriptor)));
}

std::unique_ptr<Fs> make_real_fs() { return std::make_unique<RealFs>(); }

}  // namespace mas::fs
