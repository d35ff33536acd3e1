// The peer port's calls, each answering one exchange. Private to the module.
#pragma once

#include <string_view>

#include "mas/http/exchange.h"
#include "mas/peer/http.h"
#include "mas/runtime/sync.h"
#include "peer/gatekeeper.h"

namespace mas::peer {

class PeerHandler final : public http::Handler {
 public:
  PeerHandler(Self self, store::Store& store, HandlerOptions options,
              const HandlerDependencies& deps);

  Task<void> handle(http::Exchange& exchange) override;
  [[nodiscard]] std::pair<http::ResponseHead, std::string> early_error(
      const Error& error, std::string_view request_id) override;

 private:
  // Answers, or gives the error to answer with.
  Task<Result<void>> serve(http::Exchange& exchange);
  Task<Result<void>> serve_record(http::Exchange& exchange, Caller caller, std::string_view key);
  Task<Result<void>> put(http::Exchange& exchange, Caller caller, RecordKey key);
  Task<Result<void>> read(http::Exchange& exchange, RecordKey key);
  Task<Result<void>> have(http::Exchange& exchange);
  Task<Result<void>> quarantine(http::Exchange& exchange, std::string_view key);
  Task<Result<void>> ledger(http::Exchange& exchange);
  Task<Result<void>> objects(http::Exchange& exchange);
  Task<Result<void>> layout(http::Exchange& exchange);
  Task<Result<void>> ping(http::Exchange& exchange);
  Task<Result<void>> probe(http::Exchange& exchange);

  // Memory for the body, of at most `limit` bytes; taken before a byte of it is read.
  Task<Result<Permit>> admit_body(http::Exchange& exchange, std::uint64_t limit);
  // The whole body, its checksum verified.
  static Task<Result<Slice>> take_body(http::Exchange& exchange);
  // The head of an answer, which says whose it is.
  [[nodiscard]] http::ResponseHead fine() const;
  void note_refusal(const http::Exchange& exchange, const Error& error);

  Self self_;
  store::Store& store_;
  HandlerOptions options_;
  HandlerDependencies deps_;
  Semaphore put_memory_;
  Semaphore read_memory_;
  Semaphore quarantines_;  // one at a time: each holds a record in memory
  Semaphore probes_;
  observe::Counter& refusals_;
};

// Errors: method_not_allowed.
[[nodiscard]] Result<void> want_method(const http::Exchange& exchange, http::Method method);

}  // namespace mas::peer
