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
  [[nodiscard]] const std::string& database() const { return view_->database(); }

 private:
  std::unique_ptr<MongoView> view_ = std::make_unique<MongoView>(mongo_url());
};

}  // namespace

std::unique_ptr<MetaBackend> make_backend() { return std::make_unique<MongoBackend>(); }

std::string database_of(MetaBackend& backend) {
  return static_cast<MongoBackend&>(backend).database();
}

}  // namespace mas::test
