#include "api/receipt.h"

namespace mas::api {

Reply with_receipt(Reply reply, const object::Receipt& receipt) {
  reply.headers.set("Mas-Durable",
                    std::to_string(receipt.durable) + "/" + std::to_string(receipt.meant));
  reply.headers.set("Mas-Survives", std::to_string(receipt.survives));
  return reply;
}

void make_own(FileRecord& record, std::string name, std::int64_t began, std::int64_t now) {
  record.name = std::move(name);
  if (record.create_time < began || record.create_time > now) record.create_time = now;
}

}  // namespace mas::api
