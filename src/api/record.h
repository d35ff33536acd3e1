// The file record of the wire contract: exactly six fields in this order.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "mas/meta/records.h"

namespace mas::api {

struct FileRecord {
  std::uint64_t size = 0;  // of an open upload: bytes stored so far
  std::string name;        // "": the hash
  Hash hash;
  bool persistence = false;  // finished
  std::int64_t create_time = 0;

  [[nodiscard]] static FileRecord of(const meta::Object& object);
  [[nodiscard]] static FileRecord of(const meta::Upload& upload);
  // {"size","name","hash","persistence","create_time","server_ip"}; server_ip is always null.
  [[nodiscard]] boost::json::object json() const;
};

}  // namespace mas::api
