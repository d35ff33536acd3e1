// FakeObjects: object::Objects in two maps, with errors on demand; for tests of the api alone.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <utility>

#include "mas/codec/hash.h"
#include "mas/object/objects.h"

namespace mas::test {

class FakeObjects final : public object::Objects {
 public:
  // Knobs: the named call fails with this error; reads fail after so many bytes.
  std::map<std::string, Error> fail;
  std::uint64_t good_bytes = UINT64_MAX;
  std::int64_t clock = 1000;  // Unix seconds of what is stored now
  // What there is.
  std::map<Hash, std::pair<meta::Object, std::string>> stored;
  struct Session {
    meta::Upload upload;
    std::map<std::uint32_t, std::string> parts;
  };
  std::map<std::pair<Hash, std::string>, Session> sessions;
  // What was asked last.
  object::PutRequest last_put;
  object::PartRequest last_part;
  object::FinishRequest last_finish;
  meta::ListQuery last_list;

  Hash add(std::string bytes, std::string name) {
    meta::Object object;
    object.hash = codec::sha256(as_bytes(bytes));
    object.size = bytes.size();
    object.name = std::move(name);
    object.created = clock;
    Hash hash = object.hash;
    stored[hash] = {object, std::move(bytes)};
    return hash;
  }

  Task<Result<meta::Object>> find(Hash hash, bool) override {
    MAS_CO_CHECK(ask("find"));
    auto at = stored.find(hash);
    if (at == stored.end()) co_return Error(Code::no_such_file, "There is no such file.");
    co_return at->second.first;
  }
  void forget_records() override {}

  Task<Result<object::Receipt>> put(object::PutRequest request, ByteSource& body) override {
    last_put = request;
    MAS_CO_CHECK(ask("put"));
    std::string bytes;
    MAS_CO_CHECK(co_await read_all(body, request.max_size, bytes));
    if (request.size && *request.size != bytes.size()) {
      co_return Error(Code::wrong_length, "The length differs.");
    }
    Hash hash = codec::sha256(as_bytes(bytes));
    if (request.hash && *request.hash != hash) {
      co_return Error(Code::hash_mismatch, "The content does not match its hash.");
    }
    auto name = request.name ? request.name() : Result<std::string>(std::string());
    if (name.has_error()) co_return name.error();
    if (!stored.contains(hash)) add(bytes, *name);
    co_return object::Receipt{stored[hash].first, 1, 1, 0};
  }

  // The api asks for nothing of this.
  object::Upkeep& upkeep() override { throw std::logic_error("no upkeep here"); }

  Task<Result<object::Receipt>> receipt_of(meta::Object object) override {
    co_return object::Receipt{std::move(object), 1, 1, 0};
  }

  Task<Result<object::InitResult>> init(object::SessionKey key, std::string name,
                                        bool instant) override {
    MAS_CO_CHECK(ask("init"));
    object::InitResult result;
    if (instant && stored.contains(key.hash)) {
      result.stored = stored[key.hash].first;
      co_return result;
    }
    Session& session = sessions[{key.hash, key.session}];
    session.upload.hash = key.hash;
    session.upload.session = key.session;
    if (!name.empty()) session.upload.name = name;
    if (session.upload.created == 0) session.upload.created = clock;
    session.upload.expires = clock + 86400;
    result.upload = session.upload;
    co_return result;
  }

  Task<Result<object::SessionStatus>> session(object::SessionKey key) override {
    MAS_CO_CHECK(ask("session"));
    MAS_CO_TRY(Session * found, open_session(key));
    object::SessionStatus status;
    status.upload = found->upload;
    std::uint32_t next = 1;
    for (const auto& [number, bytes] : found->parts) {
      while (next < number) status.missing.push_back(next++);
      ++next;
      meta::Part part;
      part.number = number;
      part.size = bytes.size();
      status.parts.push_back(part);
    }
    co_return status;
  }

  Task<Result<object::PartResult>> put_part(object::SessionKey key, object::PartRequest request,
                                            ByteSource& body) override {
    last_part = request;
    MAS_CO_CHECK(ask("put_part"));
    MAS_CO_TRY(Session * found, open_session(key));
    std::string bytes;
    MAS_CO_CHECK(co_await read_all(body, request.max_size, bytes));
    if (request.digest && *request.digest != codec::sha256(as_bytes(bytes))) {
      co_return Error(Code::hash_mismatch, "The part does not match its digest.");
    }
    MAS_CO_CHECK(ask("record_part"));
    std::string& part = found->parts[request.number];
    found->upload.stored += bytes.size() - part.size();
    part = std::move(bytes);
    co_return object::PartResult{static_cast<std::uint32_t>(found->parts.size()),
                                 found->upload.stored};
  }

  Task<Result<object::FinishResult>> finish(object::SessionKey key,
                                            object::FinishRequest request) override {
    last_finish = request;
    MAS_CO_CHECK(ask("finish"));
    object::FinishResult result;
    if (!sessions.contains({key.hash, key.session}) && stored.contains(key.hash)) {
      result.receipt = object::Receipt{stored[key.hash].first, 1, 1, 0};
      co_return result;
    }
    MAS_CO_TRY(Session * found, open_session(key));
    std::uint32_t last = found->parts.empty() ? 0 : found->parts.rbegin()->first;
    for (std::uint32_t n = 1; n <= std::max(last, request.parts.value_or(0)); ++n) {
      if (!found->parts.contains(n)) result.missing.push_back(n);
    }
    if (!result.missing.empty()) co_return result;
    std::string bytes;
    for (const auto& [number, part] : found->parts) bytes += part;
    if (codec::sha256(as_bytes(bytes)) != key.hash) {
      co_return Error(Code::hash_mismatch, "The content does not match its hash.");
    }
    if (!stored.contains(key.hash)) {
      add(bytes, request.name.empty() ? found->upload.name : request.name);
    }
    sessions.erase({key.hash, key.session});
    result.receipt = object::Receipt{stored[key.hash].first, 1, 1, 0};
    co_return result;
  }

  Task<Result<void>> abort(object::SessionKey key) override {
    MAS_CO_CHECK(ask("abort"));
    sessions.erase({key.hash, key.session});
    co_return Result<void>();
  }

  Task<Result<void>> get(meta::Object object, std::uint64_t from, std::uint64_t length,
                         ByteSink& sink) override {
    std::string_view bytes = stored[object.hash].second;
    std::uint64_t sent = 0;
    while (sent < length) {
      if (sent >= good_bytes) co_return fail["get"];
      std::uint64_t count = std::min<std::uint64_t>(length - sent, 5);
      Slice piece = Slice::copy_of(as_bytes(bytes.substr(from + sent, count)));
      MAS_CO_CHECK(co_await sink.write(std::span(&piece, 1)));
      sent += count;
    }
    co_return Result<void>();
  }

  Task<Result<meta::ObjectPage>> list(meta::ListQuery query) override {
    last_list = query;
    MAS_CO_CHECK(ask("list"));
    meta::ObjectPage page;
    for (const auto& [hash, entry] : stored) {
      if (query.after && hash <= *query.after) continue;
      if (page.objects.size() == query.limit) {
        page.next = page.objects.back().hash;
        break;
      }
      page.objects.push_back(entry.first);
    }
    co_return page;
  }

  Task<Result<void>> remove(Hash hash) override {
    MAS_CO_CHECK(ask("remove"));
    if (stored.erase(hash) == 0) co_return Error(Code::no_such_file, "There is no such file.");
    co_return Result<void>();
  }

  bool writes_drained(std::uint64_t) override { return true; }
  Task<Result<void>> recover() override { co_return Result<void>(); }
  Task<Result<void>> take_over(meta::Upload) override { co_return Result<void>(); }
  Task<void> close() override { co_return; }

 private:
  Result<void> ask(const std::string& call) {
    auto at = fail.find(call);
    if (at != fail.end()) return at->second;
    return {};
  }
  Result<Session*> open_session(const object::SessionKey& key) {
    auto at = sessions.find({key.hash, key.session});
    if (at != sessions.end()) return &at->second;
    return Error(Code::upload_not_open, "The upload is not open.");
  }
  static Task<Result<void>> read_all(ByteSource& body, std::uint64_t limit, std::string& out) {
    std::array<std::uint8_t, 64> room;
    while (true) {
      MAS_CO_TRY(std::size_t count, co_await body.read(room));
      if (count == 0) co_return Result<void>();
      out += as_text(ByteView(room).first(count));
      if (out.size() > limit) co_return Error(Code::body_too_large, "The body is too large.");
    }
  }
};

}  // namespace mas::test
