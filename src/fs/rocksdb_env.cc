#include "mas/fs/rocksdb_env.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <algorithm>

#include "fs/real_fs.h"
#include "fs/rocksdb_files.h"
#include "mas/fs/descriptors.h"
#include "mas/fs/fault_fs.h"

namespace mas::fs {
namespace {

constexpr const char* kExhausted = "out of descriptors or memory";

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

IOStatus status_of(const Error& error) {
  return is_exhausted(error) ? exhausted_status(error.message()) : to_io_status(error);
}

template <class T>
IOStatus status_of(const Result<T>& result) {
  return result.has_value() ? IOStatus::OK() : status_of(result.error());
}

// Answers "nothing there" the way RocksDB's own file system does where it tells that from a fault.
template <class T>
IOStatus lookup_status_of(const Result<T>& result) {
  if (result.has_error() && result.error().code() == Code::not_found) return IOStatus::NotFound();
  return status_of(result);
}

class HeldLock final : public rocksdb::FileLock {
 public:
  explicit HeldLock(std::unique_ptr<fs::FileLock> lock) : lock_(std::move(lock)) {}

 private:
  std::unique_ptr<fs::FileLock> lock_;
};

class SilentLogger final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

class Directory final : public rocksdb::FSDirectory {
 public:
  Directory(Fs& fs, std::string path) : fs_(fs), path_(std::move(path)) {}
  IOStatus Fsync(const IOOptions& /*options*/, IODebugContext* /*context*/) override {
    return status_of(fs_.sync_directory(path_));
  }
  IOStatus Close(const IOOptions& /*options*/, IODebugContext* /*context*/) override {
    return IOStatus::OK();
  }

 private:
  Fs& fs_;
  std::string path_;
};

// Derived from the bare interface, not from RocksDB's wrapper: a call that is missing here is
// refused instead of reaching the real disk behind our back.
class FsFileSystem final : public rocksdb::FileSystem {
 public:
  explicit FsFileSystem(Fs& fs) : fs_(fs) {}

  [[nodiscard]] const char* Name() const override { return "MasFileSystem"; }

  IOStatus NewSequentialFile(const std::string& path, const FileOptions& /*options*/,
                             std::unique_ptr<rocksdb::FSSequentialFile>* result,
                             IODebugContext* /*context*/) override {
    auto file = fs_.open(path, {});
    IOStatus status = status_of(file);
    if (file.has_value()) *result = make_sequential_file(*std::move(file));
    return status;
  }

  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions& /*options*/,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                               IODebugContext* /*context*/) override {
    auto file = fs_.open(path, {});
    IOStatus status = status_of(file);
    if (file.has_value()) *result = make_random_access_file(*std::move(file));
    return status;
  }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext* /*context*/) override {
    auto file = fs_.open(path, for_writing(true));
    IOStatus status = status_of(file);
    if (file.has_value()) *result = make_writable_file(*std::move(file), 0, options);
    return status;
  }

  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* result,
                              IODebugContext* /*context*/) override {
    auto file = fs_.open(path, for_writing(false));
    if (file.has_error()) return status_of(file);
    const auto size = (*file)->size();
    if (size.has_value()) *result = make_writable_file(*std::move(file), *size, options);
    return status_of(size);
  }

  IOStatus NewDirectory(const std::string& path, const IOOptions& /*options*/,
                        std::unique_ptr<rocksdb::FSDirectory>* result,
                        IODebugContext* /*context*/) override {
    const auto names = fs_.list(path);
    if (names.has_value()) *result = std::make_unique<Directory>(fs_, path);
    keep_order_in(path);
    return status_of(names);
  }

  IOStatus FileExists(const std::string& path, const IOOptions& /*options*/,
                      IODebugContext* /*context*/) override {
    const auto there = fs_.exists(path);
    if (there.has_value() && !*there) return IOStatus::NotFound();
    return status_of(there);
  }

  IOStatus GetChildren(const std::string& path, const IOOptions& /*options*/,
                       std::vector<std::string>* result, IODebugContext* /*context*/) override {
    auto names = fs_.list(path);
    IOStatus status = lookup_status_of(names);
    if (names.has_value()) *result = *std::move(names);
    return status;
  }

  IOStatus DeleteFile(const std::string& path, const IOOptions& /*options*/,
                      IODebugContext* /*context*/) override {
    return status_of(fs_.remove(path));
  }

  IOStatus Truncate(const std::string& path, std::size_t size, const IOOptions& /*options*/,
                    IODebugContext* /*context*/) override {
    OpenOptions options;
    options.access = Access::read_write;
    const auto file = fs_.open(path, options);
    if (file.has_error()) return status_of(file.error());
    return status_of((*file)->truncate(size));
  }

  IOStatus CreateDir(const std::string& path, const IOOptions& options,
                     IODebugContext* context) override {
    if (FileExists(path, options, context).ok()) return IOStatus::IOError("already there");
    return CreateDirIfMissing(path, options, context);
  }

  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions& /*options*/,
                              IODebugContext* /*context*/) override {
    const auto made = fs_.make_directories(path);
    keep_order_in(path);
    return status_of(made);
  }

  IOStatus DeleteDir(const std::string& path, const IOOptions& /*options*/,
                     IODebugContext* /*context*/) override {
    return status_of(fs_.remove(path));
  }

  IOStatus GetFileSize(const std::string& path, const IOOptions& /*options*/, std::uint64_t* result,
                       IODebugContext* /*context*/) override {
    const auto file = fs_.open(path, {});
    if (file.has_error()) return status_of(file.error());
    const auto size = (*file)->size();
    *result = size.has_value() ? *size : 0;
    return status_of(size);
  }

  IOStatus GetFileModificationTime(const std::string& /*path*/, const IOOptions& /*options*/,
                                   std::uint64_t* result, IODebugContext* /*context*/) override {
    *result = 0;
    return IOStatus::NotSupported("no file times");
  }

  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& /*options*/,
                      IODebugContext* /*context*/) override {
    return status_of(fs_.rename(from, to));
  }

  IOStatus LockFile(const std::string& path, const IOOptions& /*options*/,
                    rocksdb::FileLock** result, IODebugContext* /*context*/) override {
    auto lock = fs_.lock(path);
    IOStatus status = status_of(lock);
    // The interface passes ownership as a bare pointer; UnlockFile takes it back.
    *result = lock.has_value() ? new HeldLock(*std::move(lock)) : nullptr;
    return status;
  }

  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions& /*options*/,
                      IODebugContext* /*context*/) override {
    const std::unique_ptr<rocksdb::FileLock> owned(lock);
    return IOStatus::OK();
  }

  IOStatus GetTestDirectory(const IOOptions& /*options*/, std::string* /*path*/,
                            IODebugContext* /*context*/) override {
    return IOStatus::NotSupported("no test directory");
  }

  IOStatus NewLogger(const std::string& /*path*/, const IOOptions& /*options*/,
                     std::shared_ptr<rocksdb::Logger>* result,
                     IODebugContext* /*context*/) override {
    *result = std::make_shared<SilentLogger>();
    return IOStatus::OK();
  }

  IOStatus GetAbsolutePath(const std::string& path, const IOOptions& /*options*/,
                           std::string* result, IODebugContext* /*context*/) override {
    *result = path;
    return IOStatus::OK();
  }

  IOStatus GetFreeSpace(const std::string& path, const IOOptions& /*options*/,
                        std::uint64_t* result, IODebugContext* /*context*/) override {
    const auto space = fs_.space(path);
    *result = space.has_value() ? space->free : 0;
    return status_of(space);
  }

  IOStatus IsDirectory(const std::string& path, const IOOptions& /*options*/, bool* result,
                       IODebugContext* /*context*/) override {
    const auto names = fs_.list(path);
    *result = names.has_value();
    return names.has_error() && names.error().code() == Code::not_found ? IOStatus::OK()
                                                                        : status_of(names);
  }

 private:
  static OpenOptions for_writing(bool truncate) {
    OpenOptions options;
    options.access = Access::read_write;
    options.create = true;
    options.truncate = truncate;
    return options;
  }

  void keep_order_in(const std::string& path) {
    if (auto* faulty = dynamic_cast<FaultFs*>(&fs_)) faulty->keep_order_in(path);
  }

  Fs& fs_;
};

// After a failed flush RocksDB waits a second before it looks again whether it may stop. Tests make
// flushes fail by the hundred, so its waits are cut short here.
class FsEnv final : public rocksdb::EnvWrapper {
 public:
  explicit FsEnv(const std::shared_ptr<FsFileSystem>& file_system)
      : rocksdb::EnvWrapper(rocksdb::NewCompositeEnv(file_system)) {
    file_system_ = file_system;
  }

  [[nodiscard]] const char* Name() const override { return "MasEnv"; }

  void SleepForMicroseconds(int micros) override {
    constexpr int kLongest = 1000;
    rocksdb::EnvWrapper::SleepForMicroseconds(std::min(micros, kLongest));
  }
};

}  // namespace

IOStatus exhausted_status(const std::string& text) {
  IOStatus status = IOStatus::IOError(kExhausted, text);
  status.SetRetryable(true);
  return status;
}

bool is_exhausted(const rocksdb::Status& status) {
  // Some of RocksDB's calls pass it on inside an error of their own.
  return !status.ok() && status.ToString().find(kExhausted) != std::string::npos;
}

std::shared_ptr<rocksdb::Env> make_rocksdb_env(Fs& fs) {
  if (dynamic_cast<RealFs*>(&fs) != nullptr) {
    return make_real_rocksdb_env();
  }
  return std::make_shared<FsEnv>(std::make_shared<FsFileSystem>(fs));
}

}  // namespace mas::fs
