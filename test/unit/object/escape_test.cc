// Exceptions out of the seams, which are bugs or memory running out: the call they hit fails, and
// nobody who comes later waits for it.
#include "support/object_rig.h"
#include "support/throwing_meta.h"

namespace mas::object {
namespace {

using test::hash_of;
using test::make_content;
using test::ObjectRig;
using test::ThrowingMeta;

struct Rig {
  Rig() {
    auto own = std::make_unique<ThrowingMeta>(*inner);
    meta = own.get();
    objects.replace_meta(std::move(own), test::small_options());
  }
  std::unique_ptr<meta::MetaStore> inner = meta::make_memory_meta();
  ThrowingMeta* meta = nullptr;
  ObjectRig objects{{.pods = 6}};
};

// As a request is served: one catch around the whole of it.
template <class F>
bool fails(F call) {
  try {
    return call().has_error();
  } catch (const std::exception&) {
    return true;
  }
}

TEST_CASE("whichever metadata call of a put throws, the next put goes through") {
  const std::string content = make_content(300'000);
  for (int call = 0;; ++call) {
    INFO("call " << call);
    Rig rig;
    rig.meta->at = call;
    // It may get over one that only tells how far it is.
    (void)fails([&] { return rig.objects.put(content); });
    if (!rig.meta->thrown) break;
    rig.meta->at = -1;
    must(rig.objects.put(make_content(300'000, 2)));
    must(rig.objects.put(content));
    bool same = must(rig.objects.download(hash_of(content))) == content;
    CHECK(same);
    REQUIRE(call < 100);
  }
}

TEST_CASE("whichever metadata call of a finish throws, the next finish goes through") {
  const std::string content = make_content(300'000);
  for (int call = 0;; ++call) {
    INFO("call " << call);
    Rig rig;
    SessionKey key{hash_of(content), ""};
    must(rig.objects.init(key));
    must(rig.objects.part(key, 2, content.substr(150'000)));
    must(rig.objects.part(key, 1, content.substr(0, 150'000)));
    rig.objects.restart(test::small_options());  // waits for the chaser
    rig.meta->at = call;
    (void)fails([&] { return rig.objects.finish(key); });
    if (!rig.meta->thrown) break;
    rig.meta->at = -1;
    REQUIRE(must(rig.objects.finish(key)).receipt.has_value());
    bool same = must(rig.objects.download(key.hash)) == content;
    CHECK(same);
    REQUIRE(call < 100);
  }
}

TEST_CASE("whichever metadata call throws while parts are hashed ahead, finishing hashes them") {
  const std::string content = make_content(300'000);
  for (int call = 0;; ++call) {
    INFO("call " << call);
    Rig rig;
    SessionKey key{hash_of(content), ""};
    must(rig.objects.init(key));
    must(rig.objects.part(key, 2, content.substr(150'000)));
    rig.meta->at = call;
    const bool failed = fails([&] { return rig.objects.part(key, 1, content.substr(0, 150'000)); });
    rig.objects.restart(test::small_options());  // waits for the chaser
    if (!rig.meta->thrown) break;
    rig.meta->at = -1;
    if (failed) must(rig.objects.part(key, 1, content.substr(0, 150'000)));
    REQUIRE(must(rig.objects.finish(key)).receipt.has_value());
    REQUIRE(call < 100);
  }
}

// ---- Holders ----

TEST_CASE("a stripe whose sending throws does not hold up the upload for ever") {
  for (std::size_t size : {std::size_t{5'000}, std::size_t{100'000}, std::size_t{700'000}}) {
    INFO("size " << size);
    ObjectRig rig({.pods = 6});
    rig.stalls().set(2, test::StallingTransport::Way::throws);
    CHECK(must(rig.put(make_content(size))).durable >= 2);
    rig.stalls().set(2, test::StallingTransport::Way::runs);
    must(rig.put(make_content(size, 2)));
  }
}

}  // namespace
}  // namespace mas::object
