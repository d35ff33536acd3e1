#include "mas/fs/fault_fs.h"

#include <algorithm>

#include "fs/errors.h"
#include "fs/fault_disk.h"

namespace mas::fs {
namespace {

bool is_mutation(FsOp op) { return op != FsOp::open && op != FsOp::read && op != FsOp::list; }

Error no_power() { return {Code::io, "the disk has no power"}; }

class FaultLock final : public FileLock {
 public:
  FaultLock(std::shared_ptr<FaultDisk> disk, std::string path)
      : disk_(std::move(disk)), path_(std::move(path)) {}
  ~FaultLock() override {
    const std::lock_guard guard(disk_->mutex);
    disk_->locks.erase(path_);
  }

 private:
  std::shared_ptr<FaultDisk> disk_;
  std::string path_;
};

class FaultFsImpl final : public FaultFs {
 public:
  explicit FaultFsImpl(std::shared_ptr<FaultDisk> disk) : disk_(std::move(disk)) {}

  Result<std::unique_ptr<File>> open(const std::string& path, OpenOptions options) override {
    MAS_CHECK(disk_->check({FsOp::open, path, 0, 0}));
    const std::lock_guard guard(disk_->mutex);
    auto node = disk_->tree.find(path);
    if (node && node->is_directory) return Error(Code::io, describe("is a directory:", path));
    if (node && options.create && options.exclusive) {
      return Error(Code::already_exists, describe("already there:", path));
    }
    if (!node && !options.create) return Error(Code::not_found, describe("no such file:", path));
    if (!node) {
      MAS_TRY(node, disk_->tree.create(path, false));
    } else if (options.truncate) {
      node->content.truncate(0);
    }
    return make_fault_file(disk_, std::move(node), path, options);
  }

  Result<void> make_directories(const std::string& path, unsigned /*mode*/) override {
    MAS_CHECK(disk_->check({FsOp::open, path, 0, 0}));
    const std::lock_guard guard(disk_->mutex);
    for (std::size_t end = 0; end != std::string::npos;) {
      end = path.find('/', end + 1);
      const auto prefix = path.substr(0, end);
      const auto node = disk_->tree.find(prefix);
      if (node && !node->is_directory) {
        return Error(Code::already_exists, describe("not a directory:", prefix));
      }
      if (!node) MAS_CHECK(disk_->tree.create(prefix, true));
    }
    return {};
  }

  Result<std::vector<std::string>> list(const std::string& path) override {
    MAS_CHECK(disk_->check({FsOp::list, path, 0, 0}));
    const std::lock_guard guard(disk_->mutex);
    const auto node = disk_->tree.find(path);
    if (!node || !node->is_directory) {
      return Error(Code::not_found, describe("no such directory:", path));
    }
    std::vector<std::string> names;
    for (const auto& [name, entry] : node->entries) {
      if (entry.now) names.push_back(name);
    }
    return names;
  }

  Result<void> remove(const std::string& path) override {
    MAS_CHECK(disk_->check({FsOp::remove, path, 0, 0}));
    const std::lock_guard guard(disk_->mutex);
    return disk_->tree.remove(path);
  }

  Result<void> remove_tree(const std::string& path) override {
    auto names = list(path);
    if (names.has_error() && names.error().code() != Code::not_found) return names.error();
    if (names.has_value()) {
      for (const auto& name : *names) {
        std::string child = path;
        child.append("/").append(name);
        MAS_CHECK(remove_tree(child));
      }
    }
    MAS_TRY(const auto there, exists(path));
    if (!there) return {};
    return remove(path);
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    MAS_CHECK(disk_->check({FsOp::rename, from, 0, 0}));
    const std::lock_guard guard(disk_->mutex);
    return disk_->tree.rename(from, to);
  }

  Result<void> sync_directory(const std::string& path) override {
    const auto verdict = disk_->admit({FsOp::sync_directory, path, 0, 0});
    if (verdict.result.has_error() || verdict.lies) return verdict.result;
    const std::lock_guard guard(disk_->mutex);
    return disk_->tree.sync(path);
  }

  Result<bool> exists(const std::string& path) override {
    MAS_CHECK(disk_->check_power());
    const std::lock_guard guard(disk_->mutex);
    return disk_->tree.find(path) != nullptr;
  }

  Result<Space> space(const std::string& path) override {
    MAS_CHECK(disk_->check_power());
    const std::lock_guard guard(disk_->mutex);
    if (!disk_->tree.find(path)) {
      return Error(Code::not_found, describe("no such file or directory:", path));
    }
    return Space{disk_->capacity, disk_->room()};
  }

  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    OpenOptions options;
    options.access = Access::read_write;
    options.create = true;
    MAS_CHECK(open(path, options));
    const std::lock_guard guard(disk_->mutex);
    if (!disk_->locks.insert(path).second) {
      return Error(Code::busy, describe("another holder has", path));
    }
    return std::unique_ptr<FileLock>(std::make_unique<FaultLock>(disk_, path));
  }

  void set_hook(Hook hook) override {
    const std::lock_guard guard(disk_->mutex);
    disk_->hook = std::move(hook);
  }

  void set_lying_sync(Liar lies) override {
    const std::lock_guard guard(disk_->mutex);
    disk_->liar = std::move(lies);
  }

  [[nodiscard]] std::uint64_t mutations() const override {
    const std::lock_guard guard(disk_->mutex);
    return disk_->mutations;
  }

  void power_off_after(std::uint64_t n) override {
    const std::lock_guard guard(disk_->mutex);
    disk_->power_off_at = disk_->mutations + n;
  }

  [[nodiscard]] std::unique_ptr<FaultFs> after_power_loss(Rng& rng, double keep) const override {
    const std::lock_guard guard(disk_->mutex);
    return copy_with(disk_->tree.after_power_loss(rng, keep), rng.u64());
  }

  [[nodiscard]] std::unique_ptr<FaultFs> after_restart() const override {
    const std::lock_guard guard(disk_->mutex);
    return copy_with(disk_->tree.copy(), disk_->rng->u64());
  }

  Result<void> flip_bit(const std::string& path, std::uint64_t offset, int bit) override {
    const std::lock_guard guard(disk_->mutex);
    const auto node = disk_->tree.find(path);
    if (!node || offset >= node->content.size()) {
      return Error(Code::not_found, describe("no such byte in", path));
    }
    node->content.flip_bit(offset, bit);
    return {};
  }

  void keep_order_in(const std::string& directory) override {
    const std::lock_guard guard(disk_->mutex);
    if (const auto node = disk_->tree.find(directory)) node->ordered = true;
  }

  void set_capacity(std::uint64_t bytes) override {
    const std::lock_guard guard(disk_->mutex);
    disk_->capacity = disk_->tree.used() + bytes;
  }

 private:
  [[nodiscard]] std::unique_ptr<FaultFs> copy_with(FaultTree tree, std::uint64_t seed) const {
    auto disk = std::make_shared<FaultDisk>(seed);
    disk->tree = std::move(tree);
    disk->capacity = disk_->capacity;
    return std::make_unique<FaultFsImpl>(std::move(disk));
  }

  std::shared_ptr<FaultDisk> disk_;
};

}  // namespace

FaultDisk::Verdict FaultDisk::admit(const FsCall& call) {
  FaultFs::Hook ask;
  FaultFs::Liar ask_liar;
  {
    const std::lock_guard guard(mutex);
    if (is_mutation(call.op) && !powered_off) powered_off = mutations++ >= power_off_at;
    if (powered_off) return {no_power(), true, false};
    ask = hook;
    if (call.op == FsOp::sync || call.op == FsOp::sync_directory) ask_liar = liar;
  }
  Verdict verdict;
  if (ask) verdict.result = ask(call);
  if (ask_liar && verdict.result.has_value()) verdict.lies = ask_liar(call);
  return verdict;
}

Result<void> FaultDisk::check_power() {
  const std::lock_guard guard(mutex);
  if (powered_off) return no_power();
  return {};
}

std::uint64_t FaultDisk::room() const {
  const auto used = tree.used();
  return capacity > used ? capacity - used : 0;
}

std::unique_ptr<FaultFs> make_fault_fs(std::uint64_t seed) {
  return std::make_unique<FaultFsImpl>(std::make_shared<FaultDisk>(seed));
}

}  // namespace mas::fs
