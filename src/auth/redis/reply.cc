#include "auth/redis/reply.h"

#include <hiredis/hiredis.h>

namespace mas::auth::redis {
namespace {

Error garbage() { return {Code::corrupt, "The answer is not the protocol of Redis."}; }

// ---- What hiredis calls for each piece of a reply. A null makes it give the reply up. ----

// Where the piece belongs: among its array's elements, or a new reply.
Reply* place_for(const redisReadTask* task) noexcept {
  if (task->parent == nullptr) return new Reply;
  auto* array = static_cast<Reply*>(task->parent->obj);
  return &array->elements[static_cast<std::size_t>(task->idx)];
}

void* on_string(const redisReadTask* task, char* text, std::size_t size) noexcept {
  Reply* reply = place_for(task);
  reply->kind = task->type == REDIS_REPLY_ERROR ? Reply::Kind::error : Reply::Kind::text;
  reply->text.assign(text, size);
  return reply;
}

void* on_array(const redisReadTask* task, int elements) noexcept {
  if (elements < 0 || static_cast<std::size_t>(elements) > ReplyReader::kMaxElements) {
    return nullptr;
  }
  Reply* reply = place_for(task);
  reply->kind = Reply::Kind::array;
  // Never grows again: pieces keep their places.
  reply->elements.resize(static_cast<std::size_t>(elements));
  return reply;
}

void* on_integer(const redisReadTask* task, long long value) noexcept {
  Reply* reply = place_for(task);
  reply->kind = Reply::Kind::integer;
  reply->integer = value;
  return reply;
}

void* on_nil(const redisReadTask* task) noexcept { return place_for(task); }

// Of whole replies only; their elements go with them.
void free_reply(void* reply) noexcept { delete static_cast<Reply*>(reply); }

redisReplyObjectFunctions functions{on_string, on_array, on_integer, on_nil, free_reply};

}  // namespace

std::string encode(const Command& command) {
  MAS_ASSERT(!command.empty());
  std::vector<const char*> words;
  std::vector<std::size_t> sizes;
  for (const std::string& word : command) {
    words.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* encoded = nullptr;
  int size =
      redisFormatCommandArgv(&encoded, static_cast<int>(words.size()), words.data(), sizes.data());
  MAS_ASSERT(size > 0);
  std::string out(encoded, static_cast<std::size_t>(size));
  redisFreeCommand(encoded);
  return out;
}

std::string_view Reply::error_word() const {
  return std::string_view(text).substr(0, text.find(' '));
}

struct ReplyReader::Parser {
  Parser() : reader(redisReaderCreateWithFunctions(&functions)) { MAS_ASSERT(reader != nullptr); }
  ~Parser() { redisReaderFree(reader); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  redisReader* reader;
  bool broken = false;
  std::size_t pending = 0;  // bytes fed since the last whole reply
};

ReplyReader::ReplyReader() : parser_(std::make_unique<Parser>()) {}
ReplyReader::~ReplyReader() = default;

Result<void> ReplyReader::feed(ByteView bytes) {
  std::string_view text = as_text(bytes);
  parser_->pending += bytes.size();
  if (parser_->pending > kMaxBytes) parser_->broken = true;
  if (!parser_->broken && !text.empty() &&
      redisReaderFeed(parser_->reader, text.data(), text.size()) != REDIS_OK) {
    parser_->broken = true;
  }
  if (parser_->broken) return garbage();
  return {};
}

Result<std::optional<Reply>> ReplyReader::next() {
  if (parser_->broken) return garbage();
  void* whole = nullptr;
  if (redisReaderGetReply(parser_->reader, &whole) != REDIS_OK) {
    parser_->broken = true;
    return garbage();
  }
  if (whole == nullptr) return std::optional<Reply>();
  std::unique_ptr<Reply> reply(static_cast<Reply*>(whole));
  parser_->pending = parser_->reader->len - parser_->reader->pos;
  return std::optional<Reply>(std::move(*reply));
}

bool ReplyReader::empty() const noexcept { return parser_->pending == 0 && !parser_->broken; }

}  // namespace mas::auth::redis
