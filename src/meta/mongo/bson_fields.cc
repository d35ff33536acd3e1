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
    case Field::released:
      return "r";
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
    if (object.released > 0) {
      to.number(name_of(Field::released), static_cast<std::int64_t>(object.released));
    } else if (object.state == ObjectState::condemned) {
      to.number(name_of(Field::condemned_at), object.condemned_at);
    }
  } else if (step.id.starts_with("u/")) {
    MAS_TRY(Upload upload, decode_upload(step.value));
    if (upload.state == UploadState::sealed) to.number(name_of(Field::sealed), upload.created);
  }
  return {};
}

std::string_view text_at(bson_iter_t* at) {
  std::uint32_t size = 0;
  const char* text = bson_iter_utf8(at, &size);
  return {text, size};
}

constexpr char kLocked = 'l';  // no stamp starts with it

}  // namespace

std::string locked_state(std::string_view lock) { return kLocked + std::string(lock); }

Result<void> fill(Bson& to, const Step& step) {
  to.text("_id", step.id);
  if (step.stamp.empty()) {
    to.text("g", locked_state(step.lock));
    return {};
  }
  to.text("g", step.stamp).bytes("v", step.value);
  return add_fields(to, step);
}

Result<Document> read_document(const bson_t* from) {
  Document document;
  std::string_view state;
  bson_iter_t at;
  bool whole = bson_iter_init(&at, from);
  while (whole && bson_iter_next(&at)) {
    std::string_view name = bson_iter_key(&at);
    if (BSON_ITER_HOLDS_UTF8(&at)) {
      if (name == "_id") document.id = text_at(&at);
      if (name == "g") state = text_at(&at);
      if (name == "t") document.stamp = text_at(&at);
    } else if (BSON_ITER_HOLDS_BINARY(&at) && name == "v") {
      std::uint32_t size = 0;
      const std::uint8_t* data = nullptr;
      bson_iter_binary(&at, nullptr, &size, &data);
      document.value = as_text({data, size});
    }
  }
  if (document.id.empty() || state.empty()) {
    return Error(Code::corrupt, "A record of the metadata server cannot be read.");
  }
  if (state[0] == kLocked) {
    document.lock = state.substr(1);
  } else {
    document.stamp = state;
  }
  return document;
}

}  // namespace mas::meta::mongo
