// Many at once: slow clients, several io threads, everything at the same time.
#include <atomic>

#include "support/object_rig.h"

namespace mas::object {
namespace {

using test::hash_of;
using test::make_content;
using test::MemorySink;
using test::MemorySource;
using test::ObjectRig;
using test::RigOptions;

// Takes what it is given only once the event is set.
class StuckSink final : public ByteSink {
 public:
  explicit StuckSink(Event& go_on) : go_on_(go_on) {}
  Task<Result<void>> write(std::span<const Slice> pieces) override {
    co_await go_on_.wait();
    for (const Slice& piece : pieces) bytes += as_text(piece.view());
    co_return Result<void>();
  }
  std::string bytes;

 private:
  Event& go_on_;
};

RigOptions little_memory() {
  RigOptions options;
  options.object.stripe = 256 * kKiB;
  options.object.extent = 2 * kMiB;
  // Two large stripes, eight small buffers, 96 units.
  options.object.buffer_budget = 4 * kMiB;
  return options;
}

TEST_CASE("uploads whose clients have fallen silent do not keep others from their turn") {
  ObjectRig rig(little_memory());
  Event go_on;
  // Six silent ones: two hold the large buffers, four a small one each.
  std::vector<std::string> contents;
  std::vector<std::unique_ptr<MemorySource>> sources;
  std::vector<Result<Receipt>> results(6, Error(Code::internal, "not run"));
  std::size_t silent = 0;
  Event all_silent;
  for (std::size_t i = 0; i < results.size(); ++i) {
    contents.push_back(make_content(600'000, i + 10));
    sources.push_back(std::make_unique<MemorySource>(contents[i], 50'000));
    sources[i]->when(300'000, [&]() -> Task<void> {
      if (++silent == results.size()) all_silent.set();
      co_await go_on.wait();
    });
  }
  auto slow = [&](std::size_t i) -> Task<void> {
    PutRequest request;
    results[i] = co_await rig.objects().put(request, *sources[i]);
  };
  std::string other = make_content(1'500'000, 77);
  std::string small = make_content(5'000, 78);
  auto quick = [&]() -> Task<void> {
    co_await all_silent.wait();
    MemorySource source(other);
    MemorySource small_source(small);
    PutRequest request;
    must(co_await rig.objects().put(request, source));
    must(co_await rig.objects().put(request, small_source));
    go_on.set();
  };
  std::vector<Task<void>> tasks;
  for (std::size_t i = 0; i < results.size(); ++i) tasks.push_back(slow(i));
  tasks.push_back(quick());
  test::run_together(std::move(tasks));
  bool same = must(rig.download(hash_of(other))) == other;
  CHECK(same);
  for (std::size_t i = 0; i < results.size(); ++i) {
    same = must(rig.get(must(std::move(results[i])).object)) == contents[i];
    CHECK(same);
  }
}

TEST_CASE("downloads whose clients have fallen silent do not keep others from theirs") {
  ObjectRig rig(little_memory());
  std::string content = make_content(900'000);
  meta::Object object = must(rig.put(content)).object;
  Event go_on;
  std::vector<std::unique_ptr<StuckSink>> sinks;
  for (int i = 0; i < 20; ++i) sinks.push_back(std::make_unique<StuckSink>(go_on));
  auto slow = [&](StuckSink& sink) -> Task<void> {
    must(co_await rig.objects().get(object, 0, object.size, sink));
  };
  auto quick = [&]() -> Task<void> {
    MemorySink sink;
    must(co_await rig.objects().get(object, 0, object.size, sink));
    bool same = sink.bytes() == content;
    CHECK(same);
    go_on.set();
  };
  test::read_beside(sinks, slow, quick(), content);
}

TEST_CASE("the same content put by many at once is stored once") {
  for (std::size_t size : {5'000u, 100'000u, 600'000u}) {
    ObjectRig rig({.pods = 6, .threads = true});
    std::string content = make_content(size);
    std::vector<Result<Receipt>> results(8, Error(Code::internal, "not run"));
    auto put = [&](std::size_t i) -> Task<void> {
      MemorySource source(content, 10'000);
      PutRequest request;
      if (i % 2 == 0) request.hash = hash_of(content);
      results[i] = co_await rig.objects().put(request, source);
    };
    std::vector<Task<void>> tasks;
    for (std::size_t i = 0; i < results.size(); ++i) tasks.push_back(put(i));
    test::run_together(std::move(tasks));
    meta::Object stored = must(rig.find(hash_of(content)));
    for (auto& result : results) CHECK(must(std::move(result)).object == stored);
    bool same = must(rig.get(stored)) == content;
    CHECK(same);
    rig.stop();
    CHECK(rig.unexplained().empty());
    CHECK(rig.open_uploads().empty());
  }
}

// One client of the mixed load: puts, gets, deletes and sessions over a few contents.
class Client {
 public:
  Client(ObjectRig& rig, std::uint64_t seed) : rig_(rig), rng_(make_seeded_rng(seed)) {}

  Task<void> run(int rounds) {
    for (int i = 0; i < rounds && failure.empty(); ++i) {
      std::string content = make_content(1000 + rng_->u64() % 6 * 70'000, rng_->u64() % 5);
      switch (rng_->u64() % 4) {
        case 0:
          co_await put(content);
          break;
        case 1:
          co_await get(content);
          break;
        case 2:
          co_await remove(content);
          break;
        default:
          co_await upload(content);
      }
    }
  }

  std::string failure;

 private:
  // Answers that a race with another client explains.
  void expect(const Error& error, std::initializer_list<Code> allowed) {
    if (std::find(allowed.begin(), allowed.end(), error.code()) != allowed.end()) return;
    failure = std::string(code_name(error.code())) + ": " + error.message();
  }

  Task<void> put(const std::string& content) {
    MemorySource source(content, 30'000);
    PutRequest request;
    request.hash = hash_of(content);
    Result<Receipt> result = co_await rig_.objects().put(request, source);
    if (result.has_error()) expect(result.error(), {Code::busy});
  }

  Task<void> get(const std::string& content) {
    Result<meta::Object> object = co_await rig_.objects().find(hash_of(content), false);
    if (object.has_error()) {
      expect(object.error(), {Code::no_such_file});
      co_return;
    }
    MemorySink sink;
    Result<void> got = co_await rig_.objects().get(*object, 0, object->size, sink);
    if (got.has_error()) {
      expect(got.error(), {});
    } else if (sink.bytes() != content) {
      failure = "wrong bytes";
    }
  }

  Task<void> remove(const std::string& content) {
    Result<void> result = co_await rig_.objects().remove(hash_of(content));
    if (result.has_error()) expect(result.error(), {Code::no_such_file, Code::busy});
  }

  Task<void> upload(const std::string& content) {
    SessionKey key{hash_of(content), ""};
    Result<InitResult> init = co_await rig_.objects().init(key, "n", true);
    if (init.has_error()) expect(init.error(), {});
    std::size_t half = content.size() / 2;
    for (std::uint32_t number : {2u, 1u}) {
      MemorySource source(number == 1 ? content.substr(0, half) : content.substr(half), 30'000);
      PartRequest request;
      request.number = number;
      Result<PartResult> part = co_await rig_.objects().put_part(key, request, source);
      if (part.has_error()) expect(part.error(), {Code::upload_not_open});
    }
    FinishRequest request;
    Result<FinishResult> finished = co_await rig_.objects().finish(key, request);
    if (finished.has_error()) {
      expect(finished.error(), {Code::upload_not_open, Code::busy});
    }
  }

  ObjectRig& rig_;
  std::unique_ptr<Rng> rng_;
};

TEST_CASE("clients on several io threads never see wrong bytes or a lost file") {
  RigOptions options = little_memory();
  options.pods = 6;
  options.threads = true;
  options.object.record_cache = std::chrono::milliseconds(5);
  ObjectRig rig(options);
  IoThreads threads(3);
  threads.start();
  Gate gate;
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < 9; ++i) {
    clients.push_back(std::make_unique<Client>(rig, i + 100));
    spawn(threads.executor(i % 3), gate, clients.back()->run(25), "client");
  }
  run_blocking(gate.close());
  for (auto& client : clients) CHECK(client->failure == "");
  rig.stop();
  CHECK(rig.unexplained().empty());
}

}  // namespace
}  // namespace mas::object
