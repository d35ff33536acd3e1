#include "mas/object/objects.h"

#include "mas/meta/reads_only.h"
#include "object/carry_over.h"
#include "object/download.h"
#include "object/find.h"
#include "object/finish.h"
#include "object/part_put.h"
#include "object/presence.h"
#include "object/put.h"
#include "object/remove.h"
#include "object/session.h"
#include "object/upkeep.h"

namespace mas::object {
namespace {

// A pod that has just started may not know yet where anything lies.
Result<void> has_layout(const Context& context) {
  if (!context.deps.view.current()->layout.rows.empty()) return {};
  return Error(Code::busy, "This pod is not part of the cluster yet; try again shortly.");
}

Result<void> may_write(const Context& context) {
  MAS_CHECK(has_layout(context));
  auto view = context.deps.view.current();
  if (view->halted()) return Error(Code::busy, "This pod takes no changes: " + view->halted_why);
  return {};
}

// What a store that is empty or old does not have may be there all the same, and what it has may be
// deleted.
Result<void> may_read(const Context& context) {
  auto view = context.deps.view.current();
  if (view->distrusted) return Error(Code::metadata_unavailable, view->halted_why);
  return {};
}

// The parts of this module behind the one interface.
class StripedObjects final : public Objects {
 public:
  StripedObjects(const config::Object& options, const config::Limits& limits,
                 const Dependencies& dependencies, const config::Write& write,
                 const config::Read& read)
      : context_(options, limits, dependencies, write, read),
        chaser_(context_),
        finisher_(context_, chaser_),
        upkeep_(context_),
        carry_over_(context_, upkeep_) {}

  Task<Result<meta::Object>> find(Hash hash, bool fresh) override {
    MAS_CO_CHECK(may_read(context_));
    co_return co_await find_object(context_, hash, fresh);
  }
  void forget_records() override { context_.records.clear(); }
  Task<Result<Receipt>> put(PutRequest request, ByteSource& body) override {
    MAS_CO_CHECK(may_write(context_));
    co_return co_await put_object(context_, std::move(request), body);
  }
  Task<Result<Receipt>> receipt_of(meta::Object object) override {
    MAS_CO_CHECK(has_layout(context_));
    Presence presence = co_await check_presence(context_, object);
    co_return make_receipt(std::move(object), presence);
  }

  Task<Result<InitResult>> init(SessionKey key, std::string name, bool instant) override {
    MAS_CO_CHECK(may_write(context_));
    co_return co_await init_session(context_, std::move(key), std::move(name), instant);
  }
  Task<Result<SessionStatus>> session(SessionKey key) override {
    MAS_CO_CHECK(may_read(context_));
    co_return co_await session_status(context_, std::move(key));
  }
  Task<Result<PartResult>> put_part(SessionKey key, PartRequest request,
                                    ByteSource& body) override {
    MAS_CO_CHECK(may_write(context_));
    co_return co_await object::put_part(context_, chaser_, std::move(key), request, body);
  }
  Task<Result<FinishResult>> finish(SessionKey key, FinishRequest request) override {
    MAS_CO_CHECK(may_write(context_));
    co_return co_await finisher_.finish(std::move(key), std::move(request));
  }
  Task<Result<void>> abort(SessionKey key) override {
    MAS_CO_CHECK(may_write(context_));
    co_return co_await abort_session(context_, std::move(key));
  }

  Task<Result<void>> get(meta::Object object, std::uint64_t from, std::uint64_t length,
                         ByteSink& sink) override {
    MAS_CO_CHECK(has_layout(context_));
    co_return co_await download(context_, std::move(object), from, length, sink);
  }

  Task<Result<meta::ObjectPage>> list(meta::ListQuery query) override {
    MAS_CO_CHECK(may_read(context_));
    if (auto* kept = meta::reads_only(context_.deps.meta)) {
      co_return co_await kept->list_durable(std::move(query));
    }
    co_return co_await context_.deps.meta.list(std::move(query));
  }
  Task<Result<void>> remove(Hash hash) override {
    MAS_CO_CHECK(may_write(context_));
    auto write = context_.begin_write();
    co_return co_await remove_object(context_, hash);
  }

  bool writes_drained(std::uint64_t version) override {
    // New writes go by the board: it has to show the layout first. And in this order: a write that
    // is over has noted what it stored.
    if (context_.deps.view.current()->layout.version < version) return false;
    return context_.epochs.drained(version) && carry_over_.is_done(version);
  }
  Task<Result<void>> recover() override { return finisher_.recover(); }
  Task<Result<void>> take_over(meta::Upload sealed) override {
    MAS_CO_CHECK(may_write(context_));
    co_return co_await finisher_.take_over(std::move(sealed));
  }
  Upkeep& upkeep() override { return upkeep_; }
  Task<void> close() override {
    co_await context_.background.close();
    co_await context_.calls.close();
  }

 private:
  Context context_;
  HashChaser chaser_;
  Finisher finisher_;
  StripeUpkeep upkeep_;
  CarryOver carry_over_;
};

}  // namespace

std::unique_ptr<Objects> make_objects(const config::Object& options, const config::Limits& limits,
                                      const Dependencies& dependencies, const config::Write& write,
                                      const config::Read& read) {
  return std::make_unique<StripedObjects>(options, limits, dependencies, write, read);
}

}  // namespace mas::object
