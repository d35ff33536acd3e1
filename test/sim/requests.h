// What a client asks of a pod, run there: bodies that arrive in pieces and break off, downloads
// that are taken slowly.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "mas/object/objects.h"
#include "sim/network.h"

namespace mas::sim {

// A body on its way in.
struct Body {
  std::shared_ptr<const std::string> bytes;
  std::size_t from = 0;
  std::size_t length = 0;
  std::optional<std::size_t> breaks_after = {};  // bytes, then the client is gone
  std::size_t piece = 16 * 1024;                 // bytes
  Duration pause = Duration(0);                  // at most, between pieces
  std::shared_ptr<const bool> hurry = {};        // once true: without pauses from then on
};

struct Download {
  meta::Object object;
  Result<void> read;
};

// What came of a download before its answer, or instead of it; kept by the client.
using Received = std::shared_ptr<std::string>;

[[nodiscard]] Request<object::Receipt> put_request(object::PutRequest request, Body body);
[[nodiscard]] Request<object::PartResult> part_request(object::SessionKey key,
                                                       object::PartRequest request, Body body);
// Bytes [from, from + length) of the object, as far as it goes.
[[nodiscard]] Request<Download> get_request(Hash hash, bool fresh, std::uint64_t from,
                                            std::uint64_t length, Duration pause, Received into);
[[nodiscard]] Request<object::InitResult> init_request(object::SessionKey key, bool instant);
[[nodiscard]] Request<object::FinishResult> finish_request(object::SessionKey key);
[[nodiscard]] Request<object::SessionStatus> session_request(object::SessionKey key);
[[nodiscard]] Request<void> abort_request(object::SessionKey key);
[[nodiscard]] Request<void> remove_request(Hash hash);
[[nodiscard]] Request<object::Receipt> receipt_request(meta::Object object);

// The same request, with something that lives as long as any copy of it does.
template <class T>
[[nodiscard]] Request<T> holding(Request<T> request, std::shared_ptr<void> held) {
  auto run = [](Task<Result<T>> task, std::shared_ptr<void>) -> Task<Result<T>> {
    co_return co_await std::move(task);
  };
  return [request = std::move(request), held = std::move(held), run](
             Services& services, Life& life) { return run(request(services, life), held); };
}

}  // namespace mas::sim
