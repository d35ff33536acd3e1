// The name where a form may say it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "api/call.h"

namespace mas::api {

// A form's fields in their order.
using Fields = std::vector<std::pair<std::string, std::string>>;

// The field `name`; "" if there is none. Errors: parameter_malformed (two of them, or no name).
[[nodiscard]] Result<std::string> name_field(const Fields& fields, std::size_t limit);

// The name of a call that carries no file, init above all: out of the query, the header, or a form
// in the body (multipart or urlencoded, within limits.form_fields); "" if none says.
Task<Result<std::string>> name_without_file(Call& call);

}  // namespace mas::api
