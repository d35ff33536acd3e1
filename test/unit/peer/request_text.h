// A request to a PeerPod by hand, every part of which a test can leave out, double or spoil.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mas/core/xxh3.h"
#include "peer/wire.h"
#include "support/peer_pod.h"
#include "support/raw_client.h"

namespace mas::test {

inline RecordKey stripe_key(std::uint64_t stripe) {
  Id128 extent;
  extent.bytes.fill(0xcd);
  return RecordKey::shard(extent, stripe, 1);
}

struct RequestText {
  std::string method = "PUT";
  std::string path = "record/" + peer::wire::key_text(stripe_key(1));
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;

  // A good request of pod mas-9 to `pod`, as mas 0.1.0 made them.
  explicit RequestText(PeerPod& pod, std::string with_body = "payload")
      : body(std::move(with_body)) {
    Id128 incarnation;
    incarnation.bytes.fill(9);
    fields = {{"Host", "pod"},
              {"Authorization", "Bearer " + kPeerSecret},
              {"Mas-Peer-Version", "1"},
              {"Mas-Cluster", "testing"},
              {"Mas-Target-Slot", pod.self().slot},
              {"Mas-Target-Incarnation", pod.self().incarnation.hex()},
              {"Mas-Slot", "mas-9"},
              {"Mas-Incarnation", incarnation.hex()},
              {"Mas-Layout", "1"}};
    if (body.empty()) return;
    fields.emplace_back("Content-Length", std::to_string(body.size()));
    fields.emplace_back("Mas-Sum", peer::wire::sum_text(xxh3_128(as_bytes(body))));
  }
  RequestText& to(std::string with_method, std::string with_path) {
    method = std::move(with_method);
    path = std::move(with_path);
    return *this;
  }
  RequestText& set(std::string_view name, std::string value) {
    for (auto& [field, old] : fields) {
      if (field == name) old = std::move(value);
    }
    return *this;
  }
  RequestText& drop(std::string_view name) {
    std::erase_if(fields, [&](const auto& field) { return field.first == name; });
    return *this;
  }
  RequestText& twice(std::string_view name) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (fields[i].first != name) continue;
      fields.push_back(fields[i]);
      break;
    }
    return *this;
  }
  [[nodiscard]] std::string head() const {
    std::string text = method + " /peer/v1/" + path + " HTTP/1.1\r\n";
    for (const auto& [name, value] : fields) text += name + ": " + value + "\r\n";
    return text + "\r\n";
  }
  [[nodiscard]] std::string text() const { return head() + body; }
};

// What a pod answers, by the number in Mas-Code; Code::ok for a 200.
inline Code peer_code(const RawAnswer& answer) {
  if (answer.field("Mas-Peer-Version") != "2") return Code::closed;
  if (answer.status == 200) return Code::ok;
  return static_cast<Code>(std::atoi(answer.field("Mas-Code").c_str()));
}

}  // namespace mas::test
