// What the codec does on one core: each line runs for a while and prints GB/s of plain bytes.
// Compare only lines of one run; doc/stripe-format.md says what the steps are.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "mas/codec/hash.h"
#include "mas/codec/stripe.h"
#include "mas/core/xxh3.h"

using namespace mas;
using namespace mas::codec;

namespace {

constexpr std::size_t kStripe = 4 << 20;
constexpr auto kRunFor = std::chrono::milliseconds(700);

// Prints the median rate of `work`, which passes over `bytes` of plain data each time. What
// `prepare` does is not counted.
void report(
    const std::string& name, std::size_t bytes, const std::function<void()>& work,
    const std::function<void()>& prepare = [] {}) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> rounds;
  for (auto end = Clock::now() + kRunFor; Clock::now() < end;) {
    prepare();
    auto before = Clock::now();
    work();
    rounds.push_back(std::chrono::duration<double>(Clock::now() - before).count());
  }
  auto middle = rounds.begin() + static_cast<std::ptrdiff_t>(rounds.size() / 2);
  std::nth_element(rounds.begin(), middle, rounds.end());
  std::printf("%-46s %8.2f GB/s %10.2f us each\n", name.c_str(),
              static_cast<double>(bytes) / *middle / 1e9, *middle * 1e6);
}

std::string noise(std::size_t size) {
  std::mt19937_64 random(1);
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i + 8 <= size; i += 8) {
    std::uint64_t word = random();
    std::memcpy(bytes.data() + i, &word, 8);
  }
  return bytes;
}

// Words in random order: shrinks to about a half, as text and code do.
std::string words(std::size_t size) {
  std::mt19937 random(2);
  std::vector<std::string> vocabulary;
  for (int i = 0; i < 3000; ++i)
    vocabulary.push_back(to_hex(as_bytes(noise(8))).substr(0, 3 + random() % 7));
  for (auto& word : vocabulary) {
    for (char& c : word) c = static_cast<char>('a' + random() % 26);
  }
  std::string bytes;
  while (bytes.size() < size) bytes += vocabulary[random() % vocabulary.size()] + ' ';
  bytes.resize(size);
  return bytes;
}

struct Case {
  std::string name;
  Profile profile;
  const std::string* bytes;
  bool compress = true;
};

void encode_and_decode(const Case& what, BufferPool& pool) {
  const std::string& bytes = *what.bytes;
  EncodeOptions options;
  options.profile = what.profile;
  options.compress = what.compress;
  options.buffers = &pool;
  Buffer plain;
  EncodedStripe stripe;
  auto fill = [&] {
    stripe.shards.clear();
    plain = bytes.size() > kStripe / 4 ? pool.get() : Buffer::allocate(bytes.size());
    std::memcpy(plain.data(), bytes.data(), bytes.size());
  };
  report(
      "encode " + what.name, bytes.size(),
      [&] { stripe = encode({}, std::move(plain), bytes.size(), options).value(); }, fill);

  ShardHeader header = parse_header(stripe.shards[0].header.view()).value();
  std::vector<Slice> have;
  for (const EncodedShard& shard : stripe.shards) have.push_back(shard.data);
  std::string joined;
  for (int i = 0; i < header.profile.k; ++i) joined.append(as_text(have[i].view()));
  std::vector<std::uint8_t> out(bytes.size());
  report("verify and decode " + what.name, bytes.size(), [&] {
    header = parse_header(stripe.shards[0].header.view()).value();
    for (int i = 0; i < header.profile.k && header.profile.k > 1; ++i) {
      ShardHeader own = parse_header(stripe.shards[i].header.view()).value();
      verify_blocks(own, 0, have[i].view()).value();
    }
    std::size_t at = 0;
    for (std::size_t i = 0; i < header.units.size(); ++i) {
      ByteView stored = as_bytes(joined).subspan(header.unit_offset(i), header.units[i].stored);
      decode_unit(header, i, stored, MutableBytes(out).subspan(at)).value();
      at += header.units[i].plain;
    }
  });
  if (header.profile.k == 1) return;
  std::vector<int> lost(header.profile.m);
  std::iota(lost.begin(), lost.end(), 0);
  std::vector<Slice> left;
  report(
      "rebuild the first m shards " + what.name, bytes.size(),
      [&] { reconstruct(header.profile, left, lost, &pool).value(); },
      [&] {
        left = have;
        for (int i : lost) left[i] = Slice();
      });
}

}  // namespace

int main() {
  initialise();
  const std::string random = noise(kStripe);
  const std::string text = words(kStripe);
  const std::string small = random.substr(0, 4096);
  const std::string small_text = text.substr(0, 4096);
  volatile std::uint8_t last = 0;  // so that the work is not left out
  report("SHA-256, 4 MiB", kStripe, [&] { last = sha256(as_bytes(random)).bytes[0]; });
  report("SHA-256, 4 KiB", 4096, [&] { last = sha256(as_bytes(small)).bytes[0]; });
  report("XXH3-128, 256 KiB", 256 << 10,
         [&] { last = xxh3_128(as_bytes(random).first(256 << 10)).bytes[0]; });
  report("XXH3-128, 4 MiB", kStripe, [&] { last = xxh3_128(as_bytes(random)).bytes[0]; });
  report("XXH3-128, 4 KiB", 4096, [&] { last = xxh3_128(as_bytes(small)).bytes[0]; });

  BufferPool pool(round_up(kStripe, 16 * kBlockSize), 8);
  for (const Case& what : {
           Case{"1+0, 4 MiB, noise", {1, 0}, &random},
           Case{"1+0, 4 MiB, noise, not tried", {1, 0}, &random, false},
           Case{"1+0, 4 MiB, text", {1, 0}, &text},
           Case{"4+2, 4 MiB, noise", {4, 2}, &random},
           Case{"4+2, 4 MiB, text", {4, 2}, &text},
           Case{"10+4, 4 MiB, noise", {10, 4}, &random},
           Case{"1+0, 4 KiB, noise", {1, 0}, &small},
           Case{"1+0, 4 KiB, text", {1, 0}, &small_text},
           Case{"1+2, 4 KiB, noise", {1, 2}, &small},
       }) {
    encode_and_decode(what, pool);
  }
}
