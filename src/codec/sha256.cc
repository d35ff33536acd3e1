// The only file that calls OpenSSL's low-level SHA-256: its state, unlike EVP's, can be saved.
#include <openssl/sha.h>

#include <bit>
#include <cstring>
#include <new>

#include "mas/codec/hash.h"
#include "mas/core/endian.h"
#include "mas/core/result.h"
#include "mas/core/xxh3.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace mas::codec {
namespace {

constexpr std::uint8_t kStateVersion = 1;
constexpr std::uint64_t kMaxLength = std::uint64_t{1} << 60;  // SHA-256 counts bits in 64 bits

static_assert(std::is_trivially_copyable_v<SHA256_CTX>);
static_assert(sizeof(SHA256_CTX) <= 120 && alignof(SHA256_CTX) <= 8);

using Storage = std::array<std::uint8_t, 120>;

SHA256_CTX& context_of(Storage& storage) {
  return *std::launder(reinterpret_cast<SHA256_CTX*>(storage.data()));
}
const SHA256_CTX& context_of(const Storage& storage) {
  return *std::launder(reinterpret_cast<const SHA256_CTX*>(storage.data()));
}

std::uint64_t length_of(const SHA256_CTX& context) {
  return ((std::uint64_t{context.Nh} << 32) | context.Nl) / 8;
}

}  // namespace

Sha256::Sha256() : context_{} { SHA256_Init(new (context_.data()) SHA256_CTX); }

void Sha256::update(ByteView bytes) {
  SHA256_Update(&context_of(context_), bytes.data(), bytes.size());
}

Hash Sha256::digest() const {
  SHA256_CTX copy = context_of(context_);
  Hash hash;
  SHA256_Final(hash.bytes.data(), &copy);
  return hash;
}

std::uint64_t Sha256::length() const noexcept { return length_of(context_of(context_)); }

// doc/sha256-state-format.md
std::string Sha256::save() const {
  const SHA256_CTX& context = context_of(context_);
  ByteWriter out;
  out.write(kStateVersion);
  for (SHA_LONG word : context.h) out.write(std::uint32_t{word});
  out.write(length_of(context));
  out.raw({reinterpret_cast<const std::uint8_t*>(context.data), context.num});
  out.write(xxh3_64(as_bytes(out.bytes())));
  return std::move(out).take();
}

std::optional<Sha256> Sha256::restore(std::string_view state) {
  constexpr std::size_t kSumSize = 8;
  if (state.size() < kSumSize) return std::nullopt;
  ByteView body = as_bytes(state.substr(0, state.size() - kSumSize));
  ByteReader sum(as_bytes(state.substr(body.size())));
  if (sum.read<std::uint64_t>() != xxh3_64(body)) return std::nullopt;

  ByteReader in(body);
  if (in.read<std::uint8_t>() != kStateVersion) return std::nullopt;
  Sha256 hash;
  SHA256_CTX& context = context_of(hash.context_);
  for (SHA_LONG& word : context.h) word = in.read<std::uint32_t>();
  auto length = in.read<std::uint64_t>();
  if (!in.ok() || length > kMaxLength || in.remaining() != length % SHA256_CBLOCK) {
    return std::nullopt;
  }
  context.num = static_cast<unsigned int>(in.remaining());
  context.Nl = static_cast<SHA_LONG>(length * 8);
  context.Nh = static_cast<SHA_LONG>((length * 8) >> 32);
  ByteView pending = in.take(context.num);
  std::copy(pending.begin(), pending.end(), reinterpret_cast<std::uint8_t*>(context.data));
  return hash;
}

Hash sha256(ByteView bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.digest();
}

}  // namespace mas::codec
