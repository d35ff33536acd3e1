// Encoded stripes through a transport into real stores and back: header, data and damage meet the
// store's own contract here, without the object layer in between.
#include <catch2/catch.hpp>

#include "mas/codec/stripe.h"
#include "mas/fs/fault_fs.h"
#include "mas/peer/transport.h"
#include "mas/runtime/io_threads.h"
#include "support/must.h"
#include "support/peer_pod.h"

using namespace mas;

namespace {

constexpr std::uint64_t kLayout = 1;
constexpr int kPods = 3;

// Three pods, each with a store on a disk of its own in memory.
class RealPods {
 public:
  // Reached in this process, or over HTTP.
  explicit RealPods(bool over_http) {
    config::Store options;
    options.segment_size = 4 * kMiB;
    for (int i = 0; i < kPods; ++i) {
      disks_.push_back(fs::make_fault_fs(static_cast<std::uint64_t>(i) + 1));
      store::Dependencies dependencies{*disks_.back(), *pool_,   *clock_,
                                       *rng_,          metrics_, store::IndexKind::memory};
      stores_.push_back(must(store::open(options, {"/data"}, dependencies)));
      pointers_.push_back(stores_.back().get());
    }
    transport_ = over_http ? serve() : peer::make_in_process_transport(pointers_);
  }
  ~RealPods() {
    if (http_ != nullptr) run_blocking(http_->close());
    ports_.clear();
    for (auto& store : stores_) static_cast<void>(run_blocking_for(store->close()));
  }
  RealPods(const RealPods&) = delete;
  RealPods& operator=(const RealPods&) = delete;

  peer::PeerTransport& transport() { return *transport_; }

 private:
  std::unique_ptr<peer::PeerTransport> serve() {
    for (std::uint8_t i = 0; i < kPods; ++i) {
      ports_.push_back(
          std::make_unique<mas::test::PeerPod>(io_, *clock_, i, config::Peer{}, stores_[i].get()));
      ports_.back()->start();
    }
    io_.start();
    auto find = [this](layout::MemberIndex member) -> std::optional<peer::Address> {
      return ports_[member]->member();
    };
    peer::TransportDependencies deps{io_, *clock_, *stores_[0]};
    auto transport = peer::make_http_transport(ports_[0]->self(), {}, find, deps);
    http_ = transport.get();
    return transport;
  }

  std::unique_ptr<Pool> pool_ = make_thread_pool("disk", 2, 1000);
  std::unique_ptr<Clock> clock_ = make_system_clock();
  std::unique_ptr<Rng> rng_ = make_seeded_rng(1);
  observe::Metrics metrics_;
  std::vector<std::unique_ptr<fs::FaultFs>> disks_;
  std::vector<std::unique_ptr<store::Store>> stores_;
  std::vector<store::Store*> pointers_;
  IoThreads io_{2};
  std::vector<std::unique_ptr<mas::test::PeerPod>> ports_;
  std::unique_ptr<peer::PeerTransport> transport_;
  peer::HttpTransport* http_ = nullptr;
};

codec::EncodedStripe encode(const std::string& bytes, std::uint64_t number) {
  codec::EncodeOptions options;
  options.profile = {2, 1};
  Buffer buffer = Buffer::allocate(bytes.size());
  std::copy(bytes.begin(), bytes.end(), buffer.data());
  return must(codec::encode({Id128{}, number}, std::move(buffer), bytes.size(), options));
}

RecordKey key(std::uint64_t stripe, int shard) {
  return RecordKey::shard(Id128{}, stripe, static_cast<std::uint16_t>(shard));
}

void put(RealPods& pods, std::uint64_t stripe, int shard, const codec::EncodedShard& bytes) {
  must(run_blocking_for(pods.transport().put(static_cast<layout::MemberIndex>(shard), kLayout,
                                             key(stripe, shard), {bytes.header, bytes.data})));
}

Slice read(RealPods& pods, std::uint64_t stripe, int shard, std::uint64_t from,
           std::uint32_t length) {
  return must(run_blocking_for(pods.transport().read(static_cast<layout::MemberIndex>(shard),
                                                     key(stripe, shard), from, length)));
}

bool has(RealPods& pods, std::uint64_t stripe, int shard) {
  auto member = static_cast<layout::MemberIndex>(shard);
  return must(run_blocking_for(pods.transport().have(member, {key(stripe, shard)}))).front();
}

}  // namespace

TEST_CASE("shards of every size come back from real stores, and a lost one is rebuilt") {
  bool over_http = GENERATE(false, true);
  CAPTURE(over_http);
  RealPods pods(over_http);
  std::uint64_t stripe = 0;
  for (std::size_t size : {1, 4096, 130'000, 262'144, 700'001}) {
    std::string bytes(size, 'a');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * i >> 3);
    codec::EncodedStripe written = encode(bytes, ++stripe);
    for (int i = 0; i < kPods; ++i) put(pods, stripe, i, written.shards[i]);

    codec::EncodedShard wrong = written.shards[0];
    std::string flipped(as_text(wrong.data.view()));
    flipped.back() ^= 1;
    wrong.data = Slice::copy_of(as_bytes(flipped));
    put(pods, stripe, 0, wrong);
    must(run_blocking_for(pods.transport().quarantine(0, key(stripe, 0))));
    CHECK_FALSE(has(pods, stripe, 0));
    CHECK(has(pods, stripe, 1));

    std::vector<Slice> have(kPods);
    codec::ShardHeader header;
    for (int i = 1; i < kPods; ++i) {
      Slice head = read(pods, stripe, i, 0, codec::kHeaderPrefix);
      auto head_size = static_cast<std::uint32_t>(must(codec::header_size(head.view())));
      header = must(codec::parse_header(read(pods, stripe, i, 0, head_size).view()));
      CHECK(header.shard == i);
      have[i] = read(pods, stripe, i, head_size, header.data_size);
      must(codec::verify_blocks(header, 0, have[i].view()));
    }
    must(codec::reconstruct(header.profile, have, std::vector<int>{0}));
    codec::EncodedShard again = must(codec::rebuild_record(header, 0, have[0]));
    put(pods, stripe, 0, again);
    CHECK(has(pods, stripe, 0));
    auto whole = static_cast<std::uint32_t>(again.header.size() + again.data.size());
    std::string expected(as_text(written.shards[0].header.view()));
    expected += as_text(written.shards[0].data.view());
    CHECK(as_text(read(pods, stripe, 0, 0, whole + 1).view()) == expected);
    // Whoever had read the wrong bytes says so only now: the new ones stay.
    must(run_blocking_for(pods.transport().quarantine(0, key(stripe, 0))));
    CHECK(has(pods, stripe, 0));
  }
}
