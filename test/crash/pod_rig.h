// A whole pod but for its network: objects over a real store and embedded metadata, both on one
// disk.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ledger.h"
#include "mas/membership/cluster_view.h"
#include "mas/object/objects.h"
#include "mas/runtime/io_threads.h"

namespace mas::crash {

// Names in a ledger: an object by its hash, a part of the one session by its number.
[[nodiscard]] Hash hash_of(const std::string& content);
[[nodiscard]] std::string object_name(const Hash& hash);
[[nodiscard]] std::string part_name(std::uint32_t number);

class PodRig {
 public:
  // `session`: the one upload session whose parts are looked for.
  static Result<std::unique_ptr<PodRig>> open(fs::Fs& fs, const object::SessionKey& session);
  // As when the process dies: nothing is flushed or closed properly in the store.
  ~PodRig();
  PodRig(const PodRig&) = delete;
  PodRig& operator=(const PodRig&) = delete;

  Result<void> put(Ledger& ledger, const std::string& content);
  Result<void> remove(Ledger& ledger, const std::string& content);
  Result<void> begin_session();
  Result<void> part(Ledger& ledger, std::uint32_t number, const std::string& content);
  Result<void> finish(Ledger& ledger, const std::string& content);
  Result<void> compact();

  // What can be downloaded of all that is listed, and the parts of the session (all of them, if it
  // is finished). Errors: of any of the calls.
  Result<std::map<std::string, State>> read_all();
  // Records called damaged since the start.
  [[nodiscard]] std::uint64_t quarantined() const;

 private:
  explicit PodRig(object::SessionKey session);
  Result<void> start(fs::Fs& fs);
  Result<std::string> download(const meta::Object& object);

  object::SessionKey session_;
  std::unique_ptr<Clock> clock_;
  std::unique_ptr<Rng> rng_;
  observe::Metrics metrics_;
  IoThreads background_{1};
  std::unique_ptr<store::Store> store_;
  std::vector<store::Store*> stores_;
  std::unique_ptr<meta::MetaStore> meta_;
  std::unique_ptr<membership::ViewBoard> view_;
  std::unique_ptr<peer::PeerTransport> transport_;
  std::unique_ptr<object::Objects> objects_;
};

}  // namespace mas::crash
