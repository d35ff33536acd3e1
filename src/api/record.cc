#include "api/record.h"

namespace mas::api {

FileRecord FileRecord::of(const meta::Object& object) {
  return {object.size, object.name, object.hash, true, object.created};
}

FileRecord FileRecord::of(const meta::Upload& upload) {
  return {upload.stored, upload.name, upload.hash, false, upload.created};
}

boost::json::object FileRecord::json() const {
  boost::json::object fields;
  std::string hex = hash.hex();
  fields["size"] = size;
  fields["name"] = name.empty() ? hex : name;
  fields["hash"] = hex;
  fields["persistence"] = persistence;
  fields["create_time"] = create_time;
  fields["server_ip"] = nullptr;
  return fields;
}

}  // namespace mas::api
