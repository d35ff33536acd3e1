// A request as the client tests send it.
#pragma once

#include <string>
#include <utility>

#include "mas/http/client.h"

namespace mas::test {

inline http::ClientRequest request(std::string method, std::string target, std::string text = "") {
  http::ClientRequest out;
  out.method = std::move(method);
  out.target = std::move(target);
  out.text = std::move(text);
  return out;
}

}  // namespace mas::test
