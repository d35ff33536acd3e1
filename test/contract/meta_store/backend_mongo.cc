#include "backend.h"
#include "mongo_rig.h"

namespace mas::test {
namespace {

class MongoBackend final : public MetaBackend {
 public:
  meta::MetaStore& store() override { return view_->store(); }
  [[nodiscard]] bool persists() const override { return true; }
  void restart() override {
    std::string database = view_->database();
    view_.reset();
    view_ = std::make_unique<MongoView>(mongo_url(), database);
  }

 private:
  std::unique_ptr<MongoView> view_ = std::make_unique<MongoView>(mongo_url());
};

}  // namespace

std::unique_ptr<MetaBackend> make_backend() { return std::make_unique<MongoBackend>(); }

}  // namespace mas::test
