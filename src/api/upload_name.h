// The name on calls that carry no file: init may have it in a form.
#pragma once

#include <string>

#include "api/call.h"

namespace mas::api {

// The name out of the query, the header, or a form in the body (multipart or urlencoded, within
// limits.form_fields); "" if none says.
Task<Result<std::string>> name_without_file(Call& call);

}  // namespace mas::api
