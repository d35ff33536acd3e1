#include "api/upload_name.h"

#include "api/params.h"
#include "mas/http/multipart.h"

namespace mas::api {
namespace {

Task<Result<Fields>> urlencoded_fields(http::Body& body, std::uint64_t limit) {
  std::string text(limit + 1, '\0');
  MutableBytes room{reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
  MAS_CO_TRY(std::size_t count, co_await read_full(body, room));
  if (count > limit) {
    co_return Error(Code::body_too_large, "The form's fields are larger than is allowed.");
  }
  text.resize(count);
  MAS_CO_TRY(http::Query form, http::Query::parse(text));
  co_return form.all();
}

Task<Result<Fields>> multipart_fields(http::Body& body, std::string boundary, std::uint64_t limit) {
  http::MultipartLimits limits;
  limits.fields = limit;
  auto form = http::make_multipart(body, std::move(boundary), "file", limits);
  auto opened = co_await form->open();
  // A form without a file is just right here.
  if (opened.has_error() && opened.error().code() == Code::parameter_missing) {
    co_return form->fields();
  }
  if (opened.has_error()) co_return opened.error();
  // One with a file may say more behind it.
  std::string file(limit + 1, '\0');
  MutableBytes room{reinterpret_cast<std::uint8_t*>(file.data()), file.size()};
  MAS_CO_TRY(std::size_t count, co_await read_full(*form, room));
  if (count > limit) {
    co_return Error(Code::body_too_large, "This call takes no file; send only the form's fields.");
  }
  MAS_CO_CHECK(co_await form->finish());
  co_return form->fields();
}

}  // namespace

Result<std::string> name_field(const Fields& fields, std::size_t limit) {
  const std::string* name = nullptr;
  for (const auto& [field, value] : fields) {
    if (field != "name") continue;
    if (name != nullptr) {
      return Error(Code::parameter_malformed, "The form has two fields called name; send one.");
    }
    name = &value;
  }
  return name == nullptr ? std::string() : check_name(*name, limit);
}

Task<Result<std::string>> name_without_file(Call& call) {
  const config::Limits& limits = call.services.config.limits;
  const http::Headers& headers = call.head().headers;
  MAS_CO_TRY(std::string stated, stated_name(call.query, headers, limits.name_bytes));
  http::Body& body = call.exchange.body();
  bool empty = body.length() == std::optional<std::uint64_t>(0);
  if (!stated.empty() || empty) co_return stated;
  std::string_view type = headers.get("Content-Type").value_or("");
  Fields fields;
  if (auto boundary = http::multipart_boundary(type)) {
    MAS_CO_TRY(fields, co_await multipart_fields(body, *boundary, limits.form_fields));
  } else if (type.substr(0, type.find(';')) == "application/x-www-form-urlencoded") {
    MAS_CO_TRY(fields, co_await urlencoded_fields(body, limits.form_fields));
  }
  co_return name_field(fields, limits.name_bytes);
}

}  // namespace mas::api
