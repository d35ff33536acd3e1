#include "sim/requests.h"

#include <algorithm>
#include <cstring>

#include "mas/runtime/byte_stream.h"

namespace mas::sim {
namespace {

class SlowSource final : public ByteSource {
 public:
  SlowSource(Life& life, Body body) : life_(life), body_(std::move(body)) {}

  Task<Result<std::size_t>> read(MutableBytes into) override {
    const bool hurries = body_.hurry && *body_.hurry;
    if (body_.pause > Duration(0) && !hurries) {
      co_await life_.pause(life_.world().rand().between(Duration(0), body_.pause));
    }
    if (life_.is_over() || (body_.breaks_after && position_ >= *body_.breaks_after)) {
      co_return Error(Code::body_unreadable, "The client has gone.");
    }
    std::size_t size = std::min({into.size(), body_.length - position_, body_.piece});
    if (body_.breaks_after) size = std::min(size, *body_.breaks_after - position_);
    if (size > 0) std::memcpy(into.data(), body_.bytes->data() + body_.from + position_, size);
    position_ += size;
    co_return size;
  }

 private:
  Life& life_;
  const Body body_;
  std::size_t position_ = 0;
};

class SlowSink final : public ByteSink {
 public:
  SlowSink(Life& life, Duration pause, Received into)
      : life_(life), pause_(pause), into_(std::move(into)) {}

  Task<Result<void>> write(std::span<const Slice> pieces) override {
    if (pause_ > Duration(0)) {
      co_await life_.pause(life_.world().rand().between(Duration(0), pause_));
    }
    if (life_.is_over()) co_return Error(Code::closed, "The client has gone.");
    for (const Slice& piece : pieces) into_->append(as_text(piece.view()));
    co_return Result<void>();
  }

 private:
  Life& life_;
  const Duration pause_;
  const Received into_;
};

Task<Result<object::Receipt>> run_put(object::Objects& objects, Life& life,
                                      object::PutRequest request, Body body) {
  SlowSource source(life, std::move(body));
  co_return co_await objects.put(std::move(request), source);
}

Task<Result<object::PartResult>> run_part(object::Objects& objects, Life& life,
                                          object::SessionKey key, object::PartRequest request,
                                          Body body) {
  SlowSource source(life, std::move(body));
  co_return co_await objects.put_part(std::move(key), std::move(request), source);
}

struct GetArguments {
  Hash hash;
  bool fresh;
  std::uint64_t from;
  std::uint64_t length;
  Duration pause;
  Received into;
};

Task<Result<Download>> run_get(object::Objects& objects, Life& life, GetArguments get) {
  MAS_CO_TRY(meta::Object object, co_await objects.find(get.hash, get.fresh));
  const std::uint64_t from = std::min(get.from, object.size);
  const std::uint64_t length = std::min(get.length, object.size - from);
  SlowSink sink(life, get.pause, get.into);
  Result<void> read = co_await objects.get(object, from, length, sink);
  co_return Download{std::move(object), std::move(read)};
}

template <class T>
Task<Result<T>> not_serving() {
  co_return Error(Code::closed, "This pod does not serve yet.");
}

// `f` takes Objects& and Life& and gives the task.
template <class T, class F>
Request<T> to_objects(F f) {
  return [f = std::move(f)](Services& services, Life& life) {
    return services.objects == nullptr ? not_serving<T>() : f(*services.objects, life);
  };
}

}  // namespace

Request<object::Receipt> put_request(object::PutRequest request, Body body) {
  return to_objects<object::Receipt>(
      [=](object::Objects& objects, Life& life) { return run_put(objects, life, request, body); });
}

Request<object::PartResult> part_request(object::SessionKey key, object::PartRequest request,
                                         Body body) {
  return to_objects<object::PartResult>([=](object::Objects& objects, Life& life) {
    return run_part(objects, life, key, request, body);
  });
}

Request<Download> get_request(Hash hash, bool fresh, std::uint64_t from, std::uint64_t length,
                              Duration pause, Received into) {
  const GetArguments get{hash, fresh, from, length, pause, std::move(into)};
  return to_objects<Download>(
      [get](object::Objects& objects, Life& life) { return run_get(objects, life, get); });
}

Request<object::InitResult> init_request(object::SessionKey key, bool instant) {
  return to_objects<object::InitResult>(
      [=](object::Objects& objects, Life&) { return objects.init(key, "a name", instant); });
}

Request<object::FinishResult> finish_request(object::SessionKey key) {
  return to_objects<object::FinishResult>(
      [=](object::Objects& objects, Life&) { return objects.finish(key, {}); });
}

Request<object::SessionStatus> session_request(object::SessionKey key) {
  return to_objects<object::SessionStatus>(
      [=](object::Objects& objects, Life&) { return objects.session(key); });
}

Request<void> abort_request(object::SessionKey key) {
  return to_objects<void>([=](object::Objects& objects, Life&) { return objects.abort(key); });
}

Request<void> remove_request(Hash hash) {
  return to_objects<void>([=](object::Objects& objects, Life&) { return objects.remove(hash); });
}

Request<object::Receipt> receipt_request(meta::Object object) {
  return to_objects<object::Receipt>(
      [=](object::Objects& objects, Life&) { return objects.receipt_of(object); });
}

}  // namespace mas::sim
