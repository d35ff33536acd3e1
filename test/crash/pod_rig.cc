#include "pod_rig.h"

#include "mas/codec/hash.h"
#include "mas/codec/stripe.h"
#include "mas/core/units.h"
#include "mas/meta/embedded.h"
#include "support/byte_streams.h"

namespace mas::crash {
namespace {

const std::string kData = "/pod/data";
constexpr std::uint32_t kSessionParts = 3;

Pool& pool() {
  static const auto shared = make_thread_pool("pool", 3, 1000);
  return *shared;
}

config::Object object_options() {
  config::Object options;
  options.unit = 16 * kKiB;
  options.stripe = 64 * kKiB;
  options.small_object = 8 * kKiB;
  options.extent = 256 * kKiB;
  options.buffer_budget = 64 * kMiB;
  options.record_cache = Duration::zero();
  return options;
}

config::Store store_options() {
  config::Store options;
  options.segment_size = 256 * kKiB;
  options.frame_bytes = 128 * kKiB;
  options.index_cache = 1 * kMiB;
  return options;
}

// The layout this pod founded, or found.
Task<Result<layout::Layout>> settle_layout(meta::MetaStore& meta, layout::Member self) {
  MAS_CO_TRY(auto current, co_await meta.current_layout());
  if (current) co_return *std::move(current);
  std::vector<layout::Member> members;
  members.push_back(std::move(self));
  auto founded = layout::found(Id128{{1}}, std::move(members));
  MAS_CO_CHECK(co_await meta.propose_layout(0, founded));
  co_return founded;
}

}  // namespace

Hash hash_of(const std::string& content) { return codec::sha256(as_bytes(content)); }
std::string object_name(const Hash& hash) { return std::string(as_text(hash.bytes)); }
std::string part_name(std::uint32_t number) { return "part " + std::to_string(number); }

PodRig::PodRig(object::SessionKey session)
    : session_(std::move(session)), clock_(make_system_clock()), rng_(make_system_rng()) {
  codec::initialise();
  background_.start();
}

PodRig::~PodRig() {
  if (objects_) run_blocking(objects_->close());
  objects_.reset();
  if (meta_) run_blocking(meta_->close_store());
  meta_.reset();
  store_.reset();
}

Result<std::unique_ptr<PodRig>> PodRig::open(fs::Fs& fs, const object::SessionKey& session) {
  std::unique_ptr<PodRig> rig(new PodRig(session));
  MAS_CHECK(rig->start(fs));
  return rig;
}

Result<void> PodRig::start(fs::Fs& fs) {
  const store::Dependencies store_needs{fs, pool(), *clock_, *rng_, metrics_};
  MAS_TRY(store_, store::open(store_options(), {kData}, store_needs));
  MAS_TRY(meta_, meta::open_embedded({}, kData + "/meta", fs, pool(), *clock_, metrics_));
  layout::Member self{"mas-0", store_->incarnation(), "", 1};
  membership::ClusterView view;
  MAS_TRY(view.layout, run_blocking_for(settle_layout(*meta_, std::move(self))));
  if (view.layout.members.front().incarnation != store_->incarnation()) {
    return Error(Code::corrupt, "the metadata names another store");
  }
  view_ = std::make_unique<membership::ViewBoard>(std::move(view));
  stores_ = {store_.get()};
  transport_ = peer::make_in_process_transport(stores_);
  const object::Dependencies needs{*meta_,  *transport_, *view_,   Pools{pool(), pool(), pool()},
                                   *clock_, *rng_,       metrics_, background_.executor(0)};
  objects_ = object::make_objects(object_options(), {}, needs);
  return run_blocking_for(objects_->recover());
}

Result<void> PodRig::put(Ledger& ledger, const std::string& content) {
  const auto name = object_name(hash_of(content));
  const auto change = ledger.begin(name, make_state(content));
  test::MemorySource source(content);
  MAS_CHECK(run_blocking_for(objects_->put({}, source)));
  ledger.acknowledge(name, change);
  return {};
}

Result<void> PodRig::remove(Ledger& ledger, const std::string& content) {
  const auto hash = hash_of(content);
  const auto change = ledger.begin(object_name(hash), nullptr);
  MAS_CHECK(run_blocking_for(objects_->remove(hash)));
  ledger.acknowledge(object_name(hash), change);
  return {};
}

Result<void> PodRig::begin_session() {
  MAS_CHECK(run_blocking_for(objects_->init(session_, "session", false)));
  return {};
}

Result<void> PodRig::part(Ledger& ledger, std::uint32_t number, const std::string& content) {
  const auto change = ledger.begin(part_name(number), make_state("stored"));
  test::MemorySource source(content);
  object::PartRequest request;
  request.number = number;
  MAS_CHECK(run_blocking_for(objects_->put_part(session_, std::move(request), source)));
  ledger.acknowledge(part_name(number), change);
  return {};
}

Result<void> PodRig::finish(Ledger& ledger, const std::string& content) {
  const auto name = object_name(session_.hash);
  const auto change = ledger.begin(name, make_state(content));
  MAS_TRY(const auto result, run_blocking_for(objects_->finish(session_, {})));
  if (!result.receipt) return Error(Code::parts_missing, "parts are missing");
  ledger.acknowledge(name, change);
  return {};
}

Result<void> PodRig::compact() {
  for (int i = 0; i < 20; ++i) {
    MAS_TRY(const bool done, run_blocking_for(store_->compact_one()));
    if (!done) break;
  }
  return {};
}

Result<std::string> PodRig::download(const meta::Object& object) {
  test::MemorySink sink;
  MAS_CHECK(run_blocking_for(objects_->get(object, 0, object.size, sink)));
  return sink.bytes();
}

Result<std::map<std::string, State>> PodRig::read_all() {
  std::map<std::string, State> found;
  meta::ListQuery query;
  query.limit = 3;
  while (true) {
    MAS_TRY(const auto page, run_blocking_for(objects_->list(query)));
    for (const auto& object : page.objects) {
      auto content = download(object);
      if (content.has_error()) return content.error().with_context(object.hash.hex());
      found[object_name(object.hash)] = make_state(*std::move(content));
    }
    if (!page.next) break;
    query.after = page.next;
  }
  const auto status = run_blocking_for(objects_->session(session_));
  if (status.has_value()) {
    for (const auto& part : status->parts) found[part_name(part.number)] = make_state("stored");
  } else if (status.error().code() != Code::upload_not_open) {
    return status.error();
  } else if (found.contains(object_name(session_.hash))) {
    for (std::uint32_t n = 1; n <= kSessionParts; ++n) found[part_name(n)] = make_state("stored");
  }
  return found;
}

std::uint64_t PodRig::quarantined() const { return store_->usage().quarantined; }

}  // namespace mas::crash
