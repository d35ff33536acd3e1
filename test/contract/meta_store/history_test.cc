// Random histories of calls, many at once, after which every extent ever used has exactly one
// place: in an object, in an upload, or in the list of freed ones. Nothing is lost, nothing is in
// two.
#include "fixture.h"
#include "mas/runtime/rng.h"

using namespace mas;
using namespace mas::test;
using meta::Extent;
using meta::MetaStore;

namespace {

// One client's doings; it shares hashes, sessions and part numbers with the others.
class Client {
 public:
  Client(MetaStore& store, std::vector<Hash> hashes, std::uint64_t seed)
      : store_(store), hashes_(std::move(hashes)), rng_(make_seeded_rng(seed)) {}

  Task<void> run(int steps) {
    for (int i = 0; i < steps; ++i) {
      Hash hash = hashes_[pick(hashes_.size())];
      switch (pick(6)) {
        case 0:
          co_await put_small(hash);
          break;
        case 1:
        case 2:
        case 3:
          co_await send_part(hash);
          break;
        case 4:
          co_await finish(hash);
          break;
        default:
          co_await drop(hash);
          break;
      }
    }
  }
  [[nodiscard]] const std::vector<Id128>& used() const { return used_; }

 private:
  std::size_t pick(std::size_t below) { return rng_->u64() % below; }
  Extent extent() {
    Extent fresh{rng_->id(), 10, 4096, Profile{1, 0}};
    used_.push_back(fresh.id);
    return fresh;
  }

  Task<void> publish(Hash hash, std::vector<Extent> extents, std::optional<Id128> from);

  Task<void> put_small(Hash hash) {
    std::vector<Extent> extents{extent()};
    co_await publish(hash, std::move(extents), std::nullopt);
  }

  Task<void> send_part(Hash hash) {
    meta::Upload asked;
    asked.id = rng_->id();
    asked.hash = hash;
    asked.expires = 100;
    auto upload = co_await store_.open(asked);
    if (upload.has_error()) co_return;
    meta::Part part;
    part.number = static_cast<std::uint32_t>(1 + pick(3));
    part.size = 10;
    part.sum.bytes.fill(static_cast<std::uint8_t>(pick(2)));
    part.extents = {extent()};
    Id128 id = upload->id;
    auto registered = co_await store_.register_extent(id, part.extents[0]);
    bool give_up = registered.has_error() || pick(8) == 0;
    if (!give_up) {
      auto result = co_await store_.put_part(id, part, 100, 25, 1);
      give_up = result.has_error();
    }
    if (give_up) (void)co_await store_.discard(id, part.extents, 1);
  }

  Task<void> finish(Hash hash) {
    auto upload = co_await store_.find_session(hash, "");
    if (upload.has_error() || !*upload) co_return;
    Id128 id = (*upload)->id;
    auto sealed = co_await store_.seal(id, (*upload)->part_count);
    if (sealed.has_error()) co_return;
    auto parts = co_await store_.parts(id, 0, 100);
    if (parts.has_error()) co_return;
    std::vector<Extent> extents;
    for (const meta::Part& part : *parts) {
      extents.insert(extents.end(), part.extents.begin(), part.extents.end());
    }
    co_await publish(hash, std::move(extents), id);
  }

  Task<void> drop(Hash hash) {
    auto current = co_await store_.find(hash);
    if (current.has_error() || !*current) co_return;
    meta::Object object = **current;
    if (object.state == meta::ObjectState::condemned) {
      (void)co_await store_.release(hash, object.generation, 1);
      co_return;
    }
    auto deletion = co_await store_.next_generation(1);
    if (deletion.has_error()) co_return;
    (void)co_await store_.condemn(hash, object.generation, *deletion, 1);
  }

  MetaStore& store_;
  std::vector<Hash> hashes_;
  std::unique_ptr<Rng> rng_;
  std::vector<Id128> used_;
};

Task<void> Client::publish(Hash hash, std::vector<Extent> extents, std::optional<Id128> from) {
  auto current = co_await store_.find(hash);
  std::uint64_t expected = 0;
  if (current.has_value() && *current && pick(3) == 0) expected = (*current)->generation;
  auto generation = co_await store_.next_generation(1);
  if (generation.has_error()) co_return;
  meta::Object object;
  object.hash = hash;
  object.generation = *generation;
  object.extents = std::move(extents);
  auto result = co_await store_.commit(object, expected, from);
  if (result.has_value() && result->committed) co_return;
  Task<Result<void>> give_up = from ? store_.close(*from, true, 1) : store_.free(object.extents, 1);
  (void)co_await std::move(give_up);
}

}  // namespace

TEST_CASE("every extent has one place after any history of racing calls") {
  MetaFixture f;
  auto seed = GENERATE(1U, 2U, 3U);
  std::vector<Hash> hashes{f.hash(), f.hash(), f.hash()};
  std::vector<std::unique_ptr<Client>> clients;
  for (std::uint64_t i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<Client>(f.store(), hashes, seed * 100 + i));
  }
  auto make = [&](std::size_t i) { return clients[i]->run(60); };
  run_side_by_side(clients.size(), 4, make);

  std::vector<Id128> used;
  for (const auto& client : clients) {
    used.insert(used.end(), client->used().begin(), client->used().end());
  }
  check_places(f, used);
}
