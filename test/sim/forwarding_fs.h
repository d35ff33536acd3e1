// An Fs that hands every call on, for others to change a few of them.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "mas/fs/fs.h"

namespace mas::sim {

class ForwardingFile : public fs::File {
 public:
  explicit ForwardingFile(std::unique_ptr<fs::File> inner) : inner_(std::move(inner)) {}
  Result<void> write_at(std::uint64_t offset, std::span<const ByteView> pieces) override {
    return inner_->write_at(offset, pieces);
  }
  Result<std::size_t> read_at(std::uint64_t offset, MutableBytes into) override {
    return inner_->read_at(offset, into);
  }
  Result<std::size_t> read_cached(std::uint64_t offset, MutableBytes into) override {
    return inner_->read_cached(offset, into);
  }
  Result<void> sync_data() override { return inner_->sync_data(); }
  Result<void> sync_all() override { return inner_->sync_all(); }
  Result<void> allocate(std::uint64_t offset, std::uint64_t length) override {
    return inner_->allocate(offset, length);
  }
  Result<void> truncate(std::uint64_t size) override { return inner_->truncate(size); }
  Result<std::uint64_t> size() override { return inner_->size(); }
  void drop_cache(std::uint64_t offset, std::uint64_t length) override {
    inner_->drop_cache(offset, length);
  }

 protected:
  std::unique_ptr<fs::File> inner_;
};

class ForwardingFs : public fs::Fs {
 public:
  explicit ForwardingFs(fs::Fs& inner) : inner_(inner) {}
  Result<std::unique_ptr<fs::File>> open(const std::string& path,
                                         fs::OpenOptions options) override {
    MAS_TRY(auto file, inner_.open(path, options));
    return wrap(std::move(file));
  }
  Result<void> make_directories(const std::string& path, unsigned mode) override {
    return inner_.make_directories(path, mode);
  }
  Result<std::vector<std::string>> list(const std::string& path) override {
    return inner_.list(path);
  }
  Result<void> remove(const std::string& path) override { return inner_.remove(path); }
  Result<void> remove_tree(const std::string& path) override { return inner_.remove_tree(path); }
  Result<void> rename(const std::string& from, const std::string& to) override {
    return inner_.rename(from, to);
  }
  Result<void> sync_directory(const std::string& path) override {
    return inner_.sync_directory(path);
  }
  Result<bool> exists(const std::string& path) override { return inner_.exists(path); }
  Result<fs::Space> space(const std::string& path) override { return inner_.space(path); }
  Result<std::unique_ptr<fs::FileLock>> lock(const std::string& path) override {
    return inner_.lock(path);
  }

 private:
  virtual std::unique_ptr<fs::File> wrap(std::unique_ptr<fs::File> file) = 0;
  fs::Fs& inner_;
};

}  // namespace mas::sim
