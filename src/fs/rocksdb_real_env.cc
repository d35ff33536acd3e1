#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "fs/rocksdb_files.h"

namespace mas::fs {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

// RocksDB says the cause of an error in words only: those of the system.
IOStatus told_apart(IOStatus status) {
  if (status.ok()) return status;
  const std::string text = status.ToString();
  for (const int cause : {EMFILE, ENFILE, ENOMEM}) {
    if (text.find(std::generic_category().message(cause)) != std::string::npos) {
      return exhausted_status(text);
    }
  }
  return status;
}

// RocksDB's own files, but that want of descriptors or memory is told apart where one is opened.
class RealFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  RealFileSystem() : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()) {}

  [[nodiscard]] const char* Name() const override { return "MasRealFileSystem"; }

  IOStatus NewSequentialFile(const std::string& path, const FileOptions& options,
                             std::unique_ptr<rocksdb::FSSequentialFile>* result,
                             IODebugContext* context) override {
    return told_apart(target()->NewSequentialFile(path, options, result, context));
  }
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions& options,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                               IODebugContext* context) override {
    return told_apart(target()->NewRandomAccessFile(path, options, result, context));
  }
  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext* context) override {
    return told_apart(target()->NewWritableFile(path, options, result, context));
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* result,
                              IODebugContext* context) override {
    return told_apart(target()->ReopenWritableFile(path, options, result, context));
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* result,
                        IODebugContext* context) override {
    return told_apart(target()->NewDirectory(path, options, result, context));
  }
  IOStatus GetChildren(const std::string& path, const IOOptions& options,
                       std::vector<std::string>* result, IODebugContext* context) override {
    return told_apart(target()->GetChildren(path, options, result, context));
  }
  IOStatus LockFile(const std::string& path, const IOOptions& options, rocksdb::FileLock** lock,
                    IODebugContext* context) override {
    return told_apart(target()->LockFile(path, options, lock, context));
  }
  IOStatus NewLogger(const std::string& path, const IOOptions& options,
                     std::shared_ptr<rocksdb::Logger>* logger, IODebugContext* context) override {
    return told_apart(target()->NewLogger(path, options, logger, context));
  }
};

}  // namespace

std::shared_ptr<rocksdb::Env> make_real_rocksdb_env() {
  return rocksdb::NewCompositeEnv(std::make_shared<RealFileSystem>());
}

}  // namespace mas::fs
