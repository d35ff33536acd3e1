// What comes from Redis and what names it. The first byte chooses: the rest as replies, which must
// be the same however they are cut; as a command, which must read back; or as a URL.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "auth/redis/reply.h"
#include "auth/redis/url.h"

namespace {

using namespace mas;
using namespace mas::auth::redis;

void require(bool holds) {
  if (!holds) std::abort();
}

bool same(const Reply& a, const Reply& b) {
  if (a.kind != b.kind || a.text != b.text || a.integer != b.integer) return false;
  if (a.elements.size() != b.elements.size()) return false;
  for (std::size_t i = 0; i < a.elements.size(); ++i) {
    if (!same(a.elements[i], b.elements[i])) return false;
  }
  return true;
}

struct Outcome {
  std::vector<Reply> replies;
  bool broken = false;
  bool empty = true;
};

Outcome read_in_pieces(std::string_view bytes, std::size_t piece) {
  Outcome outcome;
  ReplyReader reader;
  while (!bytes.empty() && !outcome.broken) {
    std::string_view front = bytes.substr(0, piece);
    bytes.remove_prefix(front.size());
    outcome.broken = reader.feed(as_bytes(front)).has_error();
    while (!outcome.broken) {
      auto reply = reader.next();
      outcome.broken = reply.has_error();
      if (outcome.broken || !reply->has_value()) break;
      require((*reply)->elements.size() <= ReplyReader::kMaxElements);
      outcome.replies.push_back(std::move(**reply));
    }
  }
  outcome.empty = reader.empty();
  return outcome;
}

void replies(std::string_view bytes) {
  if (bytes.size() > ReplyReader::kMaxBytes) return;
  Outcome whole = read_in_pieces(bytes, bytes.size() + 1);
  for (std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{64}}) {
    Outcome cut = read_in_pieces(bytes, piece);
    require(cut.broken == whole.broken && cut.empty == whole.empty);
    require(cut.replies.size() == whole.replies.size());
    for (std::size_t i = 0; i < cut.replies.size(); ++i) {
      require(same(cut.replies[i], whole.replies[i]));
    }
  }
}

// Words end with a line; a command is read as the array of texts that it is.
void command(std::string_view text) {
  Command words;
  while (words.size() < ReplyReader::kMaxElements) {
    std::size_t end = text.find('\n');
    words.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  std::string encoded = encode(words);
  if (encoded.size() > ReplyReader::kMaxBytes) return;
  Outcome outcome = read_in_pieces(encoded, encoded.size());
  require(!outcome.broken && outcome.empty && outcome.replies.size() == 1);
  const Reply& reply = outcome.replies.front();
  require(reply.kind == Reply::Kind::array && reply.elements.size() == words.size());
  for (std::size_t i = 0; i < words.size(); ++i) require(reply.elements[i].text == words[i]);
}

void url(std::string_view text) {
  auto parsed = parse_url(text);
  if (parsed.has_error()) return;
  require(!parsed->host.empty() && !parsed->port.empty());
  // Who names a user gives a password.
  require(parsed->user.empty() || !parsed->password.empty());
  require(parsed->database.find_first_not_of("0123456789") == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      replies(rest);
      break;
    case 1:
      command(rest);
      break;
    default:
      url(rest);
      break;
  }
  return 0;
}
