// Upkeep over the parts of this module.
#pragma once

#include "mas/object/repair.h"
#include "object/context.h"

namespace mas::object {

class StripeUpkeep final : public Upkeep {
 public:
  explicit StripeUpkeep(Context& context) : context_(context) {}

  Task<std::vector<Standing>> inspect(std::vector<StripeRef> stripes) override;
  Task<std::vector<Standing>> inspect_manifests(std::vector<meta::Object> objects) override;
  Task<Result<Mended>> repair(StripeRef stripe, Care care) override;
  Task<Result<Mended>> repair_manifest(meta::Object object) override;
  Task<std::optional<StripeRef>> stripe_of(RecordKey shard) override;
  Task<Result<void>> mark(meta::Object object, bool damaged) override;
  Task<Result<void>> read_through(meta::Object object) override;
  void report(Hint hint) override { context_.hints.push(hint); }
  [[nodiscard]] std::optional<Hint> next_hint() override {
    return context_.hints.pop(context_.deps.clock.now());
  }
  [[nodiscard]] double strain() override;

 private:
  Context& context_;
};

}  // namespace mas::object
