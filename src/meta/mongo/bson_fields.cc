#include "meta/mongo/bson_fields.h"

#include "mas/meta/records.h"

namespace mas::meta::mongo {

Bson& Bson::text(const char* name, std::string_view value) {
  bson_append_utf8(&bson_, name, -1, value.data(), static_cast<int>(value.size()));
  return *this;
}
Bson& Bson::bytes(const char* name, std::string_view value) {
  bson_append_binary(&bson_, name, -1, BSON_SUBTYPE_BINARY,
                     reinterpret_cast<const std::uint8_t*>(value.data()),
                     static_cast<std::uint32_t>(value.size()));
  return *this;
}
Bson& Bson::number(const char* name, std::int64_t value) {
  bson_append_int64(&bson_, name, -1, value);
  return *this;
}
Bson& Bson::flag(const char* name, bool value) {
  bson_append_bool(&bson_, name, -1, value);
  return *this;
}
Bson& Bson::nested(const char* name, Bson& value) {
  bson_append_document(&bson_, name, -1, value.get());
  return *this;
}
Bson& Bson::list(const char* name, Bson& value) {
  bson_append_array(&bson_, name, -1, value.get());
  return *this;
}

const char* name_of(Field field) {
  switch (field) {
    case Field::condemned_at:
      return "c";
    case Field::expires:
      return "e";
    case Field::sealed:
      return "s";
  }
  return "";
}

namespace {

// What an object or upload is found by, beside its id.
Result<void> add_fields(Bson& to, const Step& step) {
  if (step.id.starts_with("o/")) {
    MAS_TRY(Object object, decode_object(step.value));
    if (object.state == ObjectState::condemned) {
      to.number(name_of(Field::condemned_at), object.condemned_at);
    }
  } else if (step.id.starts_with("u/")) {
    MAS_TRY(Upload upload, decode_upload(step.value));
    if (upload.state == UploadState::open) to.number(name_of(Field::expires), upload.expires);
    if (upload.state == UploadState::sealed) to.number(name_of(Field::sealed), upload.created);
  }
  return {};
}

std::string binary(bson_iter_t* at) {
  bson_subtype_t subtype{};
  std::uint32_t size = 0;
  const std::uint8_t* data = nullptr;
  bson_iter_binary(at, &subtype, &size, &data);
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace

Result<void> fill(Bson& to, const Step& step) {
  to.text("_id", step.id);
  if (!step.lock.empty()) to.bytes("l", step.lock);
  if (step.stamp.empty()) return {};
  to.bytes("t", step.stamp).bytes("v", step.value);
  return add_fields(to, step);
}

Result<Document> read_document(const bson_t* from) {
  Document document;
  bson_iter_t at;
  bool whole = bson_iter_init(&at, from);
  while (whole && bson_iter_next(&at)) {
    std::string_view name = bson_iter_key(&at);
    if (name == "_id" && BSON_ITER_HOLDS_UTF8(&at)) {
      std::uint32_t size = 0;
      const char* text = bson_iter_utf8(&at, &size);
      document.id.assign(text, size);
    } else if (BSON_ITER_HOLDS_BINARY(&at)) {
      if (name == "t") document.stamp = binary(&at);
      if (name == "v") document.value = binary(&at);
      if (name == "l") document.lock = binary(&at);
    }
  }
  if (document.id.empty() || (document.stamp.empty() && document.lock.empty())) {
    return Error(Code::corrupt, "A record of the metadata server cannot be read.");
  }
  return document;
}

}  // namespace mas::meta::mongo
