#include "config/keys.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "config/checks.h"
#include "config/text.h"

namespace mas::config {
namespace {

using std::chrono::minutes;

constexpr Duration kDay = hours(24);
constexpr Duration kYear = 365 * kDay;
constexpr Duration kShort = milliseconds(10);

// The name and the place of a key come from one spelling, so they cannot disagree.
#define MAS_AT(path) \
  [](Config & c) -> auto& { return c.path; }
#define MAS_KEY(path, kind, doc, ...) \
  Key { #path, kind{MAS_AT(path) __VA_OPT__(, ) __VA_ARGS__ }, doc }

constexpr std::array kKeys{
    MAS_KEY(node.name, TextField, "Name of this pod, its slot in the cluster.", name_problem),
    MAS_KEY(node.data, ListField, "Directories that hold the data, one per disk.", data_problem),
    MAS_KEY(node.shutdown_timeout, DurationField,
            "How long SIGTERM waits for running requests before it cuts them off.", Duration(0),
            hours(1)),
    MAS_KEY(node.io_threads, CountField, "Threads that serve connections; 0: one per core.", 0,
            256),
    MAS_KEY(node.disk_threads, CountField, "Threads for calls to the file system.", 1, 1024),
    MAS_KEY(node.cpu_threads, CountField, "Threads that hash, compress and code; 0: one per core.",
            0, 256),
    MAS_KEY(node.driver_threads, CountField, "Threads for calls to the metadata store.", 1, 1024),
    MAS_KEY(node.pool_queue, CountField, "Tasks that may wait for each of the three pools above.",
            16, 1'000'000),
    MAS_KEY(node.memory, SizeField,
            "Memory that the process may use; 0: what its control group allows.", 0, kTiB),

    MAS_KEY(http.listen, TextField, "Address and port of the API; port 0 takes any free one.",
            listen_problem),
    MAS_KEY(http.max_connections, CountField, "Connections open at once; more are refused.", 1,
            1'000'000),
    MAS_KEY(http.max_header_bytes, SmallSizeField, "Request line and header fields, together.",
            1024, 1024 * 1024),
    MAS_KEY(http.max_header_fields, CountField, "Number of header fields of a request.", 8, 1000),
    MAS_KEY(http.max_parameters, CountField, "Number of parameters in a request's query.", 8, 1000),
    MAS_KEY(http.header_timeout, DurationField,
            "From the first byte of a request to the end of its header.", kShort, hours(1)),
    MAS_KEY(http.idle_timeout, DurationField,
            "How long a kept-alive connection may wait for its next request.", kShort, kDay),
    MAS_KEY(http.write_timeout, DurationField,
            "How long a client may take nothing of an answer before it is cut off.", kShort, kDay),
    MAS_KEY(http.body_grace, DurationField,
            "How long a request's body may be slower than min_body_rate.", kShort, kDay),
    MAS_KEY(http.min_body_rate, SizeField,
            "Bytes a second that a body must average after body_grace; 0: no minimum.", 0, kGiB),
    MAS_KEY(http.linger_timeout, DurationField,
            "After an early refusal: how long the unread body is discarded.", Duration(0),
            minutes(10)),
    MAS_KEY(http.linger_bytes, SizeField,
            "After an early refusal: how much unread body is discarded.", 0, kTiB),
    MAS_KEY(http.drain_bytes, SizeField,
            "Unread body up to this size is read so that the connection can be kept.", 0, kGiB),

    MAS_KEY(tls.certificate, TextField,
            "PEM file with the certificate chain; with tls.key it turns the API into HTTPS."),
    MAS_KEY(tls.key, TextField, "PEM file with the certificate's private key."),

    MAS_KEY(cors.allow_origin, TextField, "What Access-Control-Allow-Origin says.", origin_problem),
    MAS_KEY(cors.system_origins, ListField,
            "Origins whose pages may send the system token from a browser.", origins_problem),

    MAS_KEY(limits.part, SizeField, "Largest part, and largest single upload.", 1, 1024 * kTiB),
    MAS_KEY(limits.upload, SizeField, "Largest resumable upload, all parts together.", 1,
            1024 * kTiB),
    MAS_KEY(limits.parts, CountField, "Highest part number.", 1, 10'000),
    MAS_KEY(limits.name_bytes, SmallSizeField, "Longest file name, in bytes of UTF-8.", 1, 4096),
    MAS_KEY(limits.form_fields, SizeField, "All fields of an upload form but the file, together.",
            1024, kMiB),
    MAS_KEY(limits.session, DurationField,
            "A resumable upload is dropped this long after its last part.", seconds(1), kYear),
    MAS_KEY(limits.resent, SizeField,
            "What a token without max_size may send for its file and not keep.", 1, 1024 * kTiB),

    MAS_KEY(auth.system_token_files, ListField,
            "Files that hold system tokens; empty: <data>/system-token."),
    MAS_KEY(auth.signing_key_files, ListField,
            "Files with the keys that sign temporary tokens; empty: <data>/signing-key.",
            signing_keys_problem),

    MAS_KEY(token.first_use, DurationField,
            "A temporary token must be used within this time of being minted.", kShort, kDay),
    MAS_KEY(token.extension, DurationField, "What each use adds to a token's life.", kShort,
            hours(1)),
    MAS_KEY(token.renew_every, DurationField, "How often a running request renews its token.",
            kShort, hours(1)),
    MAS_KEY(token.max_life, DurationField, "No new use of a token begins after this.", kShort,
            kYear),
    MAS_KEY(token.requests_at_once, CountField, "Requests that may run at once on one token.", 1,
            100'000),
    MAS_KEY(token.refusals_per_second, CountField,
            "Refused tokens of one client address a second, before it gets 429.", 1, 1'000'000),
    MAS_KEY(token.instant, SwitchField,
            "Whether init may answer that a file is stored already, so nothing need be sent."),

    MAS_KEY(store.segment_size, SizeField, "Size of a segment file.", kMiB, kGiB),
    MAS_KEY(store.reserve, ShareField, "Share of the volume that is kept free.", 0.0, 0.5),
    MAS_KEY(store.compact_below, ShareField,
            "A segment with less live data than this share is copied forward and removed.", 0.0,
            0.95),
    MAS_KEY(store.frame_bytes, SizeField, "Most bytes that one sync makes durable.", 64 * kKiB,
            256 * kMiB),
    MAS_KEY(store.frame_records, CountField, "Most records that one sync makes durable.", 1,
            65'536),
    MAS_KEY(store.queue_bytes, SizeField, "Bytes that may wait for the disk; then uploads get 503.",
            kMiB, kTiB),
    MAS_KEY(store.index_cache, SizeField, "Memory for the index of the segments.", kMiB, kTiB),

    MAS_KEY(object.erasure, TextField, "Data and parity shards of each stripe, or auto.",
            erasure_problem),
    MAS_KEY(object.stripe, SizeField, "Bytes of a file that are coded together.", 64 * kKiB,
            64 * kMiB),
    MAS_KEY(object.unit, SizeField,
            "Piece of a stripe that is compressed, checked and read on its own.", 4 * kKiB, kMiB),
    MAS_KEY(object.small_object, SizeField, "Files up to this size are kept as plain copies.", 0,
            64 * kMiB),
    MAS_KEY(object.extent, SizeField, "Longest run of stripes under one id in the metadata.",
            64 * kKiB, kGiB),
    MAS_KEY(object.compress, SwitchField, "Whether to compress what shrinks by a tenth or more."),
    MAS_KEY(object.stripes_in_flight, CountField,
            "Stripes that one upload or download works on at once.", 1, 64),
    MAS_KEY(object.buffer_budget, SizeField, "Memory for the stripes of all requests together.",
            kMiB, kTiB),
    MAS_KEY(object.record_cache, DurationField,
            "Oldest cached record that a download may use; 0: always ask.", Duration(0),
            minutes(10)),
    MAS_KEY(object.record_cache_entries, CountField, "Records kept for that.", 0, 100'000'000),
    MAS_KEY(object.finish_wait, DurationField,
            "How long finish waits for its result before it answers 503.", Duration(0),
            minutes(10)),

    MAS_KEY(write.min_survives, CountField,
            "Pods that may be lost right after an upload was answered, at the least.", 0, 15),
    MAS_KEY(write.straggler_wait, DurationField,
            "How long a silent pod is waited for once enough others have stored their pieces.",
            kShort, minutes(10)),
    MAS_KEY(write.skip_for, DurationField,
            "How long a pod that stayed silent gets no pieces and is asked last.", Duration(0),
            hours(1)),

    MAS_KEY(read.hedge_min, DurationField,
            "Soonest that another pod is asked because the first is late.", Duration(0),
            minutes(10)),
    MAS_KEY(read.hedge_max, DurationField, "Latest that it is; 0: never.", Duration(0),
            minutes(10)),

    MAS_KEY(meta.cache, SizeField, "Memory for the embedded metadata store.", kMiB, kTiB),
    MAS_KEY(meta.deadline, DurationField, "Longest time a call to the metadata store may take.",
            kShort, minutes(10)),
    MAS_KEY(meta.queue, CountField, "Writes that may wait for the metadata store.", 1, 10'000'000),

    MAS_KEY(mongodb.url, TextField, "Where the metadata is kept; empty: in this pod."),
    MAS_KEY(mongodb.url_file, TextField, "A file that holds the URL instead."),
    MAS_KEY(mongodb.ca_file, TextField, "PEM file of who signed the server's certificate."),
    MAS_KEY(mongodb.database, TextField, "Name of the database.", name_problem),
    MAS_KEY(mongodb.pool, CountField, "Connections to the server.", 1, 1000),
    MAS_KEY(mongodb.timeout, DurationField, "Longest time to connect, and to wait for an answer.",
            kShort, minutes(10)),

    MAS_KEY(redis.url, TextField, "Where the life of tokens is kept; empty: in this pod."),
    MAS_KEY(redis.url_file, TextField, "A file that holds the URL instead."),
    MAS_KEY(redis.ca_file, TextField, "PEM file of who signed the server's certificate."),
    MAS_KEY(redis.pool, CountField, "Connections to the server, for each io thread.", 1, 1000),
    MAS_KEY(redis.timeout, DurationField, "Longest time of each call, connecting included.", kShort,
            minutes(10)),

    MAS_KEY(rabbitmq.url, TextField, "Where pods hear of each other; empty: this pod is alone."),
    MAS_KEY(rabbitmq.url_file, TextField, "A file that holds the URL instead."),
    MAS_KEY(rabbitmq.ca_file, TextField, "PEM file of who signed the server's certificate."),
    MAS_KEY(rabbitmq.timeout, DurationField, "Longest time to connect, and to wait for an answer.",
            kShort, minutes(10)),

    MAS_KEY(cluster.name, TextField, "Name of the cluster, the same for all of its pods.",
            name_problem),
    MAS_KEY(cluster.listen, TextField,
            "Address and port for the other pods; empty: this pod is alone.",
            optional_listen_problem),
    MAS_KEY(cluster.advertise_api, TextField,
            "Address at which others reach the API; empty: the one it listens on.",
            optional_listen_problem),
    MAS_KEY(cluster.advertise_peer, TextField,
            "Address at which other pods reach this one; empty: the one it listens on.",
            optional_listen_problem),
    MAS_KEY(cluster.secret_file, TextField,
            "File with the secret that pods prove themselves with, the same for all."),
    MAS_KEY(cluster.zone, TextField, "Pods of one zone may fail together."),
    MAS_KEY(cluster.heartbeat, DurationField, "How often a pod says that it is there.", kShort,
            minutes(10)),
    MAS_KEY(cluster.suspect_after, DurationField,
            "A pod that was silent for this long is asked whether it is there.", kShort, hours(1)),
    MAS_KEY(cluster.join_after, DurationField, "A new pod joins after it was seen for this long.",
            Duration(0), kDay),
    MAS_KEY(cluster.leave_after, DurationField,
            "A pod that was down for this long is replaced, if there are enough others.", kShort,
            kYear),

    MAS_KEY(peer.connections, CountField, "Most connections to each other pod.", 1, 10'000),
    MAS_KEY(peer.connect_timeout, DurationField, "Longest time to connect to another pod.", kShort,
            minutes(10)),
    MAS_KEY(peer.io_timeout, DurationField, "How long a call to another pod may make no progress.",
            kShort, hours(1)),
    MAS_KEY(peer.receive_memory, SizeField,
            "Memory for what other pods are sending to this one, all together.", kMiB, kTiB),
    MAS_KEY(peer.send_memory, SizeField,
            "Memory for what other pods are reading from this one, all together.", kMiB, kTiB),
    MAS_KEY(peer.certificate, TextField,
            "PEM file with this pod's certificate: pods then prove themselves with certificates."),
    MAS_KEY(peer.key, TextField, "PEM file with the certificate's private key."),
    MAS_KEY(peer.ca_file, TextField, "PEM file of who signed the pods' certificates."),
    MAS_KEY(peer.accept_v1, SwitchField,
            "Whether pods of mas 0.1.0 are accepted; for the time of an upgrade."),

    MAS_KEY(maintain.scrub_period, DurationField, "Everything stored is read once in this time.",
            seconds(1), 10 * kYear),
    MAS_KEY(maintain.scrub_rate, SizeField, "Most bytes a second that scrub reads.", 4 * kKiB,
            kTiB),
    MAS_KEY(maintain.collect_interval, DurationField, "How often deleted data is looked for.",
            kShort, kYear),
    MAS_KEY(maintain.grace, DurationField,
            "How long deleted data is kept before its space is given back.", Duration(0), kYear),
    MAS_KEY(maintain.expire_interval, DurationField,
            "How often uploads past their time are looked for.", kShort, kYear),
    MAS_KEY(maintain.compact_interval, DurationField,
            "How often segments worth compacting are looked for.", kShort, kYear),
    MAS_KEY(maintain.repair_interval, DurationField,
            "How often everything stored is looked over for missing pieces.", kShort, kYear),
    MAS_KEY(maintain.repair_rate, SizeField, "Most bytes a second that repair writes.", 4 * kKiB,
            kTiB),
    MAS_KEY(maintain.collect_unexplained, SwitchField,
            "Give back the space of data that no file and no upload refers to."),

    MAS_KEY(metrics.listen, TextField,
            "Address and port for /metrics alone; empty: on the API's port.",
            optional_listen_problem),
    MAS_KEY(metrics.max_connections, CountField, "Connections open at once at that address.", 4,
            100'000),

    MAS_KEY(log.level, TextField, "Least important lines that are written.", log_level_problem),
    MAS_KEY(log.format, TextField, "Form of a line.", log_format_problem),
    MAS_KEY(log.queue, CountField, "Lines that may wait for a reader that is slow.", 16, 1'000'000),
};

#undef MAS_KEY
#undef MAS_AT

// Takes "_" and one of the words a Kubernetes variable ends with off; "" if it ends otherwise.
bool ends_like_service(std::string_view rest) {
  // rest: what follows "MAS_" or "MAS_<NAME>_".
  if (rest == "SERVICE_HOST" || rest == "SERVICE_PORT" || rest == "PORT") return true;
  if (rest.starts_with("SERVICE_PORT_")) return true;
  if (!rest.starts_with("PORT_")) return false;
  rest.remove_prefix(5);
  std::size_t digits = 0;
  while (digits < rest.size() && std::isdigit(static_cast<unsigned char>(rest[digits])) != 0) {
    ++digits;
  }
  if (digits == 0) return false;
  rest.remove_prefix(digits);
  for (std::string_view protocol : {"_TCP", "_UDP", "_SCTP"}) {
    if (!rest.starts_with(protocol)) continue;
    std::string_view tail = rest.substr(protocol.size());
    return tail.empty() || tail == "_PROTO" || tail == "_PORT" || tail == "_ADDR";
  }
  return false;
}

}  // namespace

std::span<const Key> keys() { return kKeys; }

const Key* find_key(std::string_view name) {
  auto at =
      std::find_if(kKeys.begin(), kKeys.end(), [name](const Key& key) { return key.name == name; });
  return at == kKeys.end() ? nullptr : &*at;
}

bool is_section(std::string_view name) {
  return std::any_of(kKeys.begin(), kKeys.end(), [name](const Key& key) {
    return key.name.size() > name.size() && key.name.starts_with(name) &&
           key.name[name.size()] == '.';
  });
}

std::string_view nearest_key(std::string_view name) {
  // Longer than any key can be useful; bounds the work.
  name = name.substr(0, 64);
  auto closer = [name](const Key& a, const Key& b) {
    return edit_distance(name, a.name) < edit_distance(name, b.name);
  };
  return std::min_element(kKeys.begin(), kKeys.end(), closer)->name;
}

std::string environment_name(std::string_view key) {
  std::string name = "MAS_";
  for (char c : key) {
    name += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

bool is_foreign_environment(std::string_view name) {
  for (std::string_view own :
       {"MAS_SERVER", "MAS_SYSTEM_TOKEN_FILE", "MAS_CA_FILE", "MAS_CONFIG"}) {
    if (name == own) return true;
  }
  // Every tail after an underscore may be the service's part of the name.
  for (std::size_t at = name.find('_'); at != std::string_view::npos; at = name.find('_', at + 1)) {
    if (ends_like_service(name.substr(at + 1))) return true;
  }
  return false;
}

}  // namespace mas::config
