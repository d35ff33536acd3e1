#include "meta/mongo/documents.h"

#include <algorithm>
#include <atomic>
#include <span>
#include <utility>

#include "mas/observe/log.h"
#include "meta/mongo/breaker.h"
#include "meta/mongo/bson_fields.h"
#include "meta/mongo/driver.h"

namespace mas::meta::mongo {
namespace {

// Steps or ids in one command: a server works them off well within the time-out of an answer.
constexpr std::size_t kChunk = 500;
// Bytes of values in one command; the server takes 48 MB.
constexpr std::size_t kChunkBytes = 8 << 20;

struct DropBulk {
  void operator()(mongoc_bulk_operation_t* bulk) const { mongoc_bulk_operation_destroy(bulk); }
};
using Bulk = std::unique_ptr<mongoc_bulk_operation_t, DropBulk>;
struct DropCursor {
  void operator()(mongoc_cursor_t* cursor) const { mongoc_cursor_destroy(cursor); }
};
using Cursor = std::unique_ptr<mongoc_cursor_t, DropCursor>;

const char* text_of(Reading reading) {
  return reading == Reading::linearizable ? "linearizable" : "majority";
}

// The one document of a step, in the state it must be in. Always the same two fields: the server
// finds it by its id.
void fill_filter(Bson& filter, const Step& step) {
  filter.text("_id", step.id);
  switch (step.kind) {
    case Step::Kind::unlock:
    case Step::Kind::settle:
    case Step::Kind::settle_gone:
      filter.text("g", locked_state(step.match));
      break;
    case Step::Kind::remove_named:
      break;
    default:
      filter.text("g", step.match);
  }
}

bool add_update(mongoc_bulk_operation_t* bulk, const Step& step, bson_error_t* error) {
  Bson filter, change, set, unset;
  fill_filter(filter, step);
  if (step.kind == Step::Kind::lock) {
    set.text("g", locked_state(step.lock)).text("t", step.match);
  } else {
    set.text("g", step.stamp);
  }
  change.nested("$set", set);
  if (step.kind == Step::Kind::unlock) {
    unset.text("t", "");
    change.nested("$unset", unset);
  }
  return mongoc_bulk_operation_update_one_with_opts(bulk, filter.get(), change.get(), nullptr,
                                                    error);
}

Result<void> add(mongoc_bulk_operation_t* bulk, const Step& step) {
  bson_error_t error{};
  bool added = false;
  switch (step.kind) {
    case Step::Kind::insert:
    case Step::Kind::replace:
    case Step::Kind::settle: {
      Bson whole, filter;
      fill_filter(filter, step);
      MAS_CHECK(fill(whole, step));
      added = step.kind == Step::Kind::insert
                  ? mongoc_bulk_operation_insert_with_opts(bulk, whole.get(), nullptr, &error)
                  : mongoc_bulk_operation_replace_one_with_opts(bulk, filter.get(), whole.get(),
                                                                nullptr, &error);
      break;
    }
    case Step::Kind::lock:
    case Step::Kind::unlock:
    case Step::Kind::mark:
      added = add_update(bulk, step, &error);
      break;
    default: {
      Bson filter;
      fill_filter(filter, step);
      added = mongoc_bulk_operation_remove_one_with_opts(bulk, filter.get(), nullptr, &error);
    }
  }
  if (!added) return Error(Code::invalid_argument, "A record cannot be written: it is too large.");
  return {};
}

std::size_t count_of(const bson_t* reply, const char* name) {
  bson_iter_t at;
  if (!bson_iter_init_find(&at, reply, name)) return 0;
  return static_cast<std::size_t>(std::max<std::int64_t>(bson_iter_as_int64(&at), 0));
}

class MongoDocuments final : public Documents {
 public:
  MongoDocuments(ClientPool pool, const config::Mongodb& options, Breaker& breaker, Hook hook)
      : pool_(std::move(pool)),
        database_(options.database),
        millis_(std::chrono::duration_cast<std::chrono::milliseconds>(options.timeout).count()),
        breaker_(breaker),
        hook_(std::move(hook)) {}

  Result<std::vector<Document>> get(const std::vector<std::string>& ids, Reading reading) override;
  Result<std::vector<Document>> range(const std::string& from, const std::string& to,
                                      std::uint32_t limit) override;
  Result<std::vector<std::string>> below(Field field, std::int64_t before,
                                         std::uint32_t limit) override;
  Result<std::size_t> write(const std::vector<Step>& steps) override;
  Result<std::optional<std::uint64_t>> add(const std::string& id, std::uint64_t least,
                                           std::uint64_t amount) override;
  Result<void> ping() override;
  void expect_new() override { indexed_ = false; }

 private:
  // Around each command: the breaker, the hook, a client.
  template <class F>
  auto command(const char* name, F run) -> decltype(run(std::declval<Lease&>())) {
    if (breaker_.open()) return Breaker::refusal();
    Hook::Fate fate = hook_.before(name);
    if (fate == Hook::Fate::unsent) return Breaker::refusal();
    auto answer = leased(run);
    if (fate == Hook::Fate::pass) return answer;
    Error lost = Breaker::refusal();
    return lost.mark_maybe_happened();
  }
  template <class F>
  auto leased(F& run) -> decltype(run(std::declval<Lease&>())) {
    Lease lease(pool_.get(), database_, breaker_.outages());
    if (lease.ok()) {
      make_indexes(lease);
      return run(lease);
    }
    return Error(Code::metadata_unavailable,
                 "All connections to the metadata server are in use; try again shortly.");
  }
  Error failed(const Lease& lease, const bson_error_t& error) {
    Failure failure = judge(error);
    if (failure.unreachable) {
      breaker_.trip(lease.outages(), failure.detail);
    } else if (log::once_a_minute("mongodb_refused")) {
      log::warn("metadata_refused", {{"detail", failure.detail}, {"code", error.code}});
    }
    return failure.error;
  }
  // `visit` is Result<void>(const bson_t*).
  template <class Visit>
  Result<void> find(Lease& lease, Bson& filter, Bson& options, Reading reading, Visit& visit) {
    Bson concern;
    concern.text("level", text_of(reading));
    options.nested("readConcern", concern).number("maxTimeMS", millis_);
    Cursor cursor(
        mongoc_collection_find_with_opts(lease.records(), filter.get(), options.get(), nullptr));
    const bson_t* found = nullptr;
    while (mongoc_cursor_next(cursor.get(), &found)) MAS_CHECK(visit(found));
    bson_error_t error{};
    if (mongoc_cursor_error(cursor.get(), &error)) return failed(lease, error);
    return {};
  }
  Result<std::size_t> write_chunk(Lease& lease, std::span<const Step> steps, bool& stopped);
  Result<std::optional<std::uint64_t>> add_in(Lease& lease, const std::string& id,
                                              std::uint64_t least, std::uint64_t amount);

  // With the first command that reaches the server, and after expect_new().
  void make_indexes(Lease& lease);

  ClientPool pool_;
  std::atomic<bool> indexed_{false};
  std::string database_;
  std::int64_t millis_;
  Breaker& breaker_;
  Hook hook_;
};

Result<std::vector<Document>> MongoDocuments::get(const std::vector<std::string>& ids,
                                                  Reading reading) {
  std::vector<Document> found;
  auto visit = [&](const bson_t* from) -> Result<void> {
    MAS_TRY(Document document, read_document(from));
    found.push_back(std::move(document));
    return {};
  };
  for (std::size_t start = 0; start < ids.size(); start += kChunk) {
    std::size_t end = std::min(ids.size(), start + kChunk);
    auto run = [&](Lease& lease) -> Result<void> {
      Bson filter, options, any, list;
      for (std::size_t i = start; i < end; ++i) {
        list.text(std::to_string(i - start).c_str(), ids[i]);
      }
      if (end - start == 1) {
        filter.text("_id", ids[start]);
      } else {
        any.list("$in", list);
        filter.nested("_id", any);
      }
      return find(lease, filter, options, reading, visit);
    };
    MAS_CHECK(command("get", run));
  }
  return found;
}

Result<std::vector<Document>> MongoDocuments::range(const std::string& from, const std::string& to,
                                                    std::uint32_t limit) {
  std::vector<Document> found;
  auto visit = [&](const bson_t* document) -> Result<void> {
    MAS_TRY(Document record, read_document(document));
    found.push_back(std::move(record));
    return {};
  };
  auto run = [&](Lease& lease) -> Result<void> {
    Bson filter, options, between, order;
    between.text("$gte", from).text("$lt", to);
    filter.nested("_id", between);
    order.number("_id", 1);
    options.nested("sort", order).number("limit", limit);
    return find(lease, filter, options, Reading::majority, visit);
  };
  MAS_CHECK(command("range", run));
  return found;
}

Result<std::vector<std::string>> MongoDocuments::below(Field field, std::int64_t before,
                                                       std::uint32_t limit) {
  std::vector<std::string> ids;
  auto visit = [&](const bson_t* document) -> Result<void> {
    bson_iter_t at;
    if (bson_iter_init_find(&at, document, "_id") && BSON_ITER_HOLDS_UTF8(&at)) {
      ids.emplace_back(bson_iter_utf8(&at, nullptr));
    }
    return {};
  };
  auto run = [&](Lease& lease) -> Result<void> {
    Bson filter, options, less, order, only;
    less.number("$lt", before);
    filter.nested(name_of(field), less);
    order.number(name_of(field), 1);
    only.number("_id", 1);
    options.nested("sort", order).nested("projection", only).number("limit", limit);
    return find(lease, filter, options, Reading::majority, visit);
  };
  MAS_CHECK(command("below", run));
  return ids;
}

Result<std::size_t> MongoDocuments::write_chunk(Lease& lease, std::span<const Step> steps,
                                                bool& stopped) {
  Bulk bulk(mongoc_collection_create_bulk_operation_with_opts(lease.records(), nullptr));
  for (const Step& step : steps) MAS_CHECK(mongo::add(bulk.get(), step));
  bson_error_t error{};
  bson_t reply;
  bool done = mongoc_bulk_operation_execute(bulk.get(), &reply, &error) != 0;
  std::size_t matched =
      count_of(&reply, "nInserted") + count_of(&reply, "nMatched") + count_of(&reply, "nRemoved");
  bson_destroy(&reply);
  if (done) return matched;
  if (!judge(error).duplicate_key) return failed(lease, error);
  stopped = true;  // the count is not to be trusted: mongo-java-server counts what it refused
  return std::size_t{0};
}

Result<std::size_t> MongoDocuments::write(const std::vector<Step>& steps) {
  std::span<const Step> rest = steps;
  std::size_t matched = 0;
  bool stopped = false;
  while (!rest.empty() && !stopped) {
    std::size_t count = 0, bytes = 0;
    while (count < rest.size() && count < kChunk && (count == 0 || bytes < kChunkBytes)) {
      bytes += rest[count++].value.size();
    }
    auto run = [&](Lease& lease) { return write_chunk(lease, rest.first(count), stopped); };
    auto part = command("write", run);
    if (part.has_error()) {
      Error error = part.error();
      if (rest.size() != steps.size()) error.mark_maybe_happened();
      return error;
    }
    matched = stopped ? 0 : matched + *part;
    rest = rest.subspan(count);
  }
  return matched;
}

Result<std::optional<std::uint64_t>> MongoDocuments::add_in(Lease& lease, const std::string& id,
                                                            std::uint64_t least,
                                                            std::uint64_t amount) {
  Bson query, reached, more, change;
  query.text("_id", id);
  if (least > 0) {
    reached.number("$gte", static_cast<std::int64_t>(least));
    query.nested("n", reached);
  }
  more.number("n", static_cast<std::int64_t>(amount));
  change.nested("$inc", more);
  std::unique_ptr<mongoc_find_and_modify_opts_t, decltype(&mongoc_find_and_modify_opts_destroy)>
      options(mongoc_find_and_modify_opts_new(), &mongoc_find_and_modify_opts_destroy);
  mongoc_find_and_modify_opts_set_update(options.get(), change.get());
  const int begin = least > 0 ? MONGOC_FIND_AND_MODIFY_NONE : MONGOC_FIND_AND_MODIFY_UPSERT;
  mongoc_find_and_modify_opts_set_flags(
      options.get(),
      static_cast<mongoc_find_and_modify_flags_t>(begin | MONGOC_FIND_AND_MODIFY_RETURN_NEW));
  bson_error_t error{};
  bson_t reply;
  bool done = mongoc_collection_find_and_modify_with_opts(lease.records(), query.get(),
                                                          options.get(), &reply, &error);
  bson_iter_t at, number;
  bool found =
      done && bson_iter_init(&at, &reply) && bson_iter_find_descendant(&at, "value.n", &number);
  std::optional<std::uint64_t> value;
  if (found) value = static_cast<std::uint64_t>(bson_iter_as_int64(&number));
  bson_destroy(&reply);
  if (!done) return failed(lease, error);
  if (!found && least == 0)
    return Error(Code::corrupt, "A counter of the metadata server cannot be read.");
  return value;
}

Result<std::optional<std::uint64_t>> MongoDocuments::add(const std::string& id, std::uint64_t least,
                                                         std::uint64_t amount) {
  auto run = [&](Lease& lease) { return add_in(lease, id, least, amount); };
  return command("add", run);
}

void MongoDocuments::make_indexes(Lease& lease) {
  if (indexed_.exchange(true)) return;
  Bson create, list;
  create.text("createIndexes", "records");
  int position = 0;
  for (Field field : {Field::condemned_at, Field::released, Field::sealed}) {
    Bson index, key;
    key.number(name_of(field), 1);
    // Sparse: only the few records that have the field.
    index.nested("key", key).text("name", name_of(field)).flag("sparse", true);
    list.nested(std::to_string(position++).c_str(), index);
  }
  create.list("indexes", list);
  bson_error_t error{};
  // Without them everything is right, only slow; the next command tries again.
  indexed_ = mongoc_client_write_command_with_opts(lease.client(), database_.c_str(), create.get(),
                                                   nullptr, nullptr, &error);
}

Result<void> MongoDocuments::ping() {
  auto run = [&](Lease& lease) -> Result<void> {
    MAS_CHECK(add_in(lease, "v/ping", 0, 1));
    return {};
  };
  return leased(run);
}

}  // namespace

Result<std::unique_ptr<Documents>> Documents::connect(const config::Meta& meta,
                                                      const config::Mongodb& options,
                                                      Breaker& breaker, Hook hook) {
  MAS_TRY(ClientPool pool, make_client_pool(meta, options));
  return std::unique_ptr<Documents>(
      std::make_unique<MongoDocuments>(std::move(pool), options, breaker, std::move(hook)));
}

}  // namespace mas::meta::mongo
