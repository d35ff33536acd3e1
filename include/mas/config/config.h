// The whole configuration as one checked struct. Defaults stand here and, word for word, in
// conf/mas.toml; a test compares the two. Modules take their own section by const reference.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mas/core/result.h"
#include "mas/core/units.h"

namespace mas::config {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Node {
  std::string name = "mas-0";                 // slot name; the pod's ordinal name on Kubernetes
  std::vector<std::string> data{"mas-data"};  // directories, one per disk
  Duration shutdown_timeout = seconds(30);    // SIGTERM waits this long for running requests
  std::uint32_t io_threads = 0;               // 0: one per core
  std::uint32_t disk_threads = 8;
  std::uint32_t cpu_threads = 0;  // 0: one per core
  std::uint32_t driver_threads = 8;
  std::uint32_t pool_queue = 4096;  // tasks that may wait for each pool
  std::uint64_t memory = 0;         // of the process; 0: what its control group allows
};

struct Http {
  std::string listen = "127.0.0.1:7080";
  std::uint32_t max_connections = 10'000;
  std::uint32_t max_header_bytes = 16 * 1024;
  std::uint32_t max_header_fields = 64;
  std::uint32_t max_parameters = 64;      // of a query
  Duration header_timeout = seconds(10);  // from the first byte of a request to the end of its head
  Duration idle_timeout = seconds(75);    // kept-alive, without a request; what is in front: 60 s
  Duration write_timeout = seconds(60);   // no progress on sending
  Duration body_grace = seconds(30);      // after this a body must average min_body_rate
  std::uint64_t min_body_rate = 1024;     // bytes a second
  Duration linger_timeout = seconds(10);  // early answers: how long unread body is discarded
  std::uint64_t linger_bytes = 1 * kGiB;
  std::uint64_t drain_bytes = 64 * kKiB;  // unread body up to this is drained, connection kept
};

struct Tls {
  std::string certificate;  // PEM files; both or neither
  std::string key;
};

struct Cors {
  std::string allow_origin = "*";
  std::vector<std::string> system_origins;  // origins that may send systemToken
};

struct Limits {
  std::uint64_t part = 5 * kGiB;
  std::uint64_t upload = 5 * kTiB;
  std::uint32_t parts = 10'000;
  std::uint32_t name_bytes = 1024;
  std::uint64_t form_fields = 64 * kKiB;  // all form fields but the file, together
  Duration session = hours(24);           // after its last part
  std::uint64_t resent = 15 * kGiB;       // by a token without max_size, for its file, and not kept
};

struct Auth {
  std::vector<std::string> system_token_files;  // empty: <data>/system-token, made at first start
  std::vector<std::string>
      signing_key_files;  // empty: <data>/signing-key, made at first start; first one signs
};

struct Token {
  Duration first_use = seconds(120);
  Duration extension = seconds(10);
  Duration renew_every = seconds(5);
  Duration max_life = hours(24);
  std::uint32_t requests_at_once = 16;     // per token
  std::uint32_t refusals_per_second = 20;  // per client address
  bool instant = true;                     // default of a token's `instant`
};

struct Store {
  std::uint64_t segment_size = 1 * kGiB;  // and at most 1/64 of the volume
  double reserve = 0.05;                  // of the volume kept back; at least two segments
  double compact_below = 0.5;             // live share under which a segment is copied forward
  std::uint64_t frame_bytes = 16 * kMiB;  // group commit: at most this much in one frame
  std::uint32_t frame_records = 1024;
  std::uint64_t queue_bytes = 256 * kMiB;  // waiting for the writer; beyond it: busy
  std::uint64_t index_cache = 32 * kMiB;   // RocksDB block cache and memtables
};

struct Object {
  std::string erasure = "auto";  // by cluster size, or "k+m"
  std::uint64_t stripe = 4 * kMiB;
  std::uint64_t unit = 256 * kKiB;
  std::uint64_t small_object = 64 * kKiB;  // up to this: plain copies instead of shards
  std::uint64_t extent = 1 * kGiB;
  bool compress = true;
  std::uint32_t stripes_in_flight = 3;       // per upload or download
  std::uint64_t buffer_budget = 128 * kMiB;  // stripe buffers of all requests together
  Duration record_cache = seconds(5);        // age of a cached record a download may use; 0 = never
  std::uint32_t record_cache_entries = 50'000;
  Duration finish_wait = seconds(30);  // then 503/5901 and the work goes on
};

struct Write {
  // Losses that an upload must survive to be acknowledged; at most m - 1, so that one pod down
  // stops nothing.
  std::uint32_t min_survives = 1;
  Duration straggler_wait = seconds(2);  // for holders still silent once enough pieces are durable
  Duration skip_for = seconds(30);       // then they are left out this long
};

struct Read {
  // One more holder is asked when the first is later than 95 % of recent reads, within these.
  Duration hedge_min = milliseconds(10);
  Duration hedge_max = seconds(1);  // 0: never
};

struct Meta {
  std::uint64_t cache = 16 * kMiB;
  Duration deadline = seconds(5);  // of each call
  std::uint32_t queue = 10'000;    // writes waiting
};

// A server outside mas. Its URL may hold credentials, so it comes from a file, the configuration or
// the environment, never from the command line. Without a URL the embedded part is used.
struct Mongodb {
  std::string url;       // mongodb://user:password@host:port/?options
  std::string url_file;  // a file that holds the URL instead
  std::string ca_file;   // PEM; with it, or a URL that asks for it, TLS
  std::string database = "mas";
  std::uint32_t pool = 8;         // connections
  Duration timeout = seconds(2);  // to connect, to find a server, and of each answer
};

struct Redis {
  std::string url;  // redis://[user:password@]host:port[/db], rediss:// with TLS
  std::string url_file;
  std::string ca_file;
  std::uint32_t pool = 4;         // connections of each io thread
  Duration timeout = seconds(1);  // of each call, connecting included
};

struct Rabbitmq {
  std::string url;  // amqp://user:password@host:port/vhost, amqps:// with TLS
  std::string url_file;
  std::string ca_file;
  Duration timeout = seconds(5);  // to connect, and of each answer
};

// What pods of one cluster have in common, and how this one is reached.
struct Cluster {
  std::string name = "mas";    // pods of another name are not seen, and refused
  std::string listen;          // address of the peer port; empty: this pod is alone
  std::string advertise_api;   // how others reach the API; empty: the bound address
  std::string advertise_peer;  // the same of the peer port
  std::string secret_file;  // what peers prove themselves with; one line or, during a change, two
  std::string zone;         // pods of one zone may fail together
  Duration heartbeat = seconds(2);
  Duration suspect_after = seconds(10);             // of silence; then the pod is probed
  Duration join_after = seconds(30);                // of being seen
  Duration leave_after = std::chrono::minutes(15);  // of being down
};

struct Peer {
  std::uint32_t connections = 16;  // to each peer
  Duration connect_timeout = seconds(2);
  Duration io_timeout = seconds(10);         // without progress
  std::uint64_t receive_memory = 64 * kMiB;  // bodies of all other pods together
  std::uint64_t send_memory = 32 * kMiB;     // records read for them
  std::string certificate;                   // PEM files: TLS with certificates of both sides
  std::string key;
  std::string ca_file;
  bool accept_v1 = false;  // hears and serves pods of mas 0.1.0, too: for the time of an upgrade
};

struct Maintain {
  Duration scrub_period = hours(24 * 30);  // every shard is read once in this time
  std::uint64_t scrub_rate = 32 * kMiB;    // bytes a second at most
  Duration collect_interval = std::chrono::minutes(10);
  Duration grace = hours(24);  // from being freed to being removed
  Duration expire_interval = std::chrono::minutes(1);
  Duration compact_interval = std::chrono::minutes(1);
  Duration repair_interval = std::chrono::minutes(10);
  std::uint64_t repair_rate = 64 * kMiB;  // bytes a second at most, of what is rebuilt
  bool collect_unexplained = false;       // the operator's word that what nothing explains may go
};

struct Metrics {
  std::string listen;                  // empty: on the API port
  std::uint32_t max_connections = 64;  // at that address
};

struct Log {
  std::string level = "info";   // trace, debug, info, warn, error
  std::string format = "auto";  // text, json; auto: text on a terminal
  std::uint32_t queue = 1024;   // lines that wait for a slow reader; beyond: dropped and counted
};

struct Config {
  Node node;
  Http http;
  Tls tls;
  Cors cors;
  Limits limits;
  Auth auth;
  Token token;
  Store store;
  Object object;
  Write write;
  Read read;
  Meta meta;
  Mongodb mongodb;
  Redis redis;
  Rabbitmq rabbitmq;
  Cluster cluster;
  Peer peer;
  Maintain maintain;
  Metrics metrics;
  Log log;
};

// One key as people see it.
struct KeyInfo {
  std::string key;            // "http.listen"
  std::string default_value;  // as it stands in TOML, e.g. "\"10 s\""
  std::string doc;            // one line: what it is
};
// Every key there is, in the order of the struct.
[[nodiscard]] std::vector<KeyInfo> all_keys();

// A TOML file, read by the caller; at most kMaxFileBytes.
struct SourceFile {
  std::string path;  // names it in errors
  std::string text;
};
inline constexpr std::uint64_t kMaxFileBytes = 1 * kMiB;

// What the three sources hold; later ones win: file, environment (MAS_HTTP_LISTEN for http.listen),
// flags ("http.listen" -> "127.0.0.1:80").
struct Sources {
  std::optional<SourceFile> file;
  std::map<std::string, std::string> environment;  // only names starting MAS_ are looked at
  std::map<std::string, std::string> flags;
};

// Reads and checks everything. Errors (invalid_argument): one line that says what and where, e.g.
// "conf.toml:12: unknown key http.lisen; did you mean http.listen?".
[[nodiscard]] Result<Config> load(const Sources& sources);

// Parses TOML text only; `origin` names it in errors. For `mas config check` and the fuzzer.
[[nodiscard]] Result<Config> parse(std::string_view toml, std::string_view origin);

}  // namespace mas::config
