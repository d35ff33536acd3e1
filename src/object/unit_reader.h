// One stripe by units: its plain bytes, verified, from whichever shards are good.
#pragma once

#include "object/stripe_asks.h"

namespace mas::object {

class UnitReader {
 public:
  UnitReader(Context& context, const meta::Extent& extent, std::uint64_t number, Search search);

  // Plain bytes of the unit that holds plain byte `offset` of the stripe, and where it starts.
  // `until`: the reader will go on to this byte of the stripe (exclusive). Errors: damaged (every
  // holder has answered), too_few_pods_read.
  struct Unit {
    Slice bytes;
    std::uint32_t start = 0;
  };
  Task<Result<Unit>> unit_at(std::uint32_t offset, std::uint32_t until);

 private:
  // Bytes of a data shard's data, whole blocks of it, verified or rebuilt.
  struct Window {
    std::uint64_t offset = 0;
    std::uint32_t length = 0;
    Slice data;
  };

  Task<Result<Unit>> from_copies(std::uint32_t offset);
  Task<Result<Unit>> from_shards(std::uint32_t offset, std::uint32_t until);
  Task<Result<void>> find_header();
  Task<Result<void>> load(std::uint64_t begin, std::uint64_t end);
  Task<Result<void>> load_shard(StripeAsks& asks, int shard);
  Result<Slice> rebuild(StripeAsks& asks, int shard);
  [[nodiscard]] Want want_of(int shard) const;
  // The first in the order of preference is this pod's own, and can be read without more ado.
  [[nodiscard]] bool own_comes_first() const;
  // Whom to ask for what lies in the same place as `shard`'s, and that one last.
  [[nodiscard]] std::vector<int> others(int shard) const;
  // Of the joined stripe's bytes [begin, end).
  [[nodiscard]] bool covers(std::uint64_t begin, std::uint64_t end) const;
  [[nodiscard]] Slice joined(std::uint64_t begin, std::uint64_t end) const;

  [[nodiscard]] Error missing() const;

  Context& context_;
  const std::uint32_t plain_size_;
  const std::shared_ptr<ShardSource> source_;
  // Any good shard's header: it describes the whole stripe.
  std::optional<codec::ShardHeader> stripe_;
  std::vector<Window> windows_;  // by data shard
};

}  // namespace mas::object
