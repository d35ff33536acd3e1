// A body on its way into extents of an upload: while one stripe is read from the network, the one
// before is hashed and encoded, and those before that are written.
#pragma once

#include <vector>

#include "object/body_reader.h"
#include "object/content_hasher.h"
#include "object/durable_prefix.h"
#include "object/placement.h"
#include "object/upload_keeper.h"

namespace mas::object {

// What a body became. Extents are listed as soon as they are registered, so that a caller can give
// them up if the rest fails; their lengths count the stripes sent so far.
struct Written {
  std::vector<meta::Extent> extents;
  // Answers for the stripes until their caller has recorded them.
  std::shared_ptr<UnrecordedBody> body;
};

// At most config::Object::stripes_in_flight stripes are in memory. The extents belong to `upload`,
// registered before their first shard. Nothing runs on after it has returned or failed.
class StripePipeline {
 public:
  StripePipeline(Context& context, const Id128& upload, const Profile& profile,
                 ContentHasher& hasher, Written& written, const UploadKeeper& keeper);

  // Writes `head` (empty only if `body` gave way) and the rest of `body`. Errors: those of the
  // body, of write_stripe, of MetaStore::register_extent, busy.
  Task<Result<void>> run(BodyReader& body, Head head);

 private:
  Task<Result<void>> pump(BodyReader& body, Piece piece);
  Task<Result<void>> prepare_extent(std::uint64_t at_most);
  Task<void> submit(Piece piece);
  Task<void> work(Piece piece, meta::Extent extent, std::uint64_t number);
  Task<Result<void>> store(Piece& piece, meta::Extent extent, std::uint64_t number);
  Task<Result<Piece>> next_piece(std::uint64_t at_most);
  Task<void> let_go();
  Task<void> grow_stripes();
  Task<void> wait_for_slot();

  [[nodiscard]] std::uint64_t extent_limit() const;
  [[nodiscard]] bool extent_is_full() const;
  void fail(Error error);

  Context& context_;
  const Id128 upload_;
  const Profile profile_;
  ContentHasher& hasher_;  // used by one pool task at a time
  Written& written_;
  const UploadKeeper& keeper_;

  std::uint32_t stripe_size_ = 0;
  bool large_ = false;
  bool slow_ = false;           // the sender: no large stripes for it
  bool extent_closed_ = false;  // by a short stripe
  DurablePrefix durable_;
  Gate workers_;
  std::uint32_t in_flight_ = 0;
  bool filling_ = false;        // the next piece, which has a permit
  std::optional<Permit> idle_;  // kept by the last stripe in flight, so that the next can go on
  Event coder_free_;
  Event slot_free_;
  Result<void> status_;
};

}  // namespace mas::object
