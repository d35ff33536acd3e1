#include "app/bench/bench.h"

#include <array>
#include <boost/json/object.hpp>
#include <cstdio>
#include <ostream>

#include "app/bench/runner.h"
#include "app/client/client_command.h"
#include "app/client/output.h"
#include "mas/runtime/rng.h"

namespace mas::app {
namespace {

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

std::string fixed(double value, int digits) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

std::string millis(Duration duration) { return fixed(seconds(duration) * 1000, 3); }

boost::json::object describe(const Tally& tally, Duration elapsed) {
  boost::json::object out;
  double time = seconds(elapsed);
  out["requests"] = tally.samples.count();
  out["errors"] = tally.errors;
  out["wrong"] = tally.wrong;
  out["ops_per_second"] = static_cast<double>(tally.samples.count()) / time;
  out["mb_per_second"] = static_cast<double>(tally.bytes) / time / 1e6;
  out["p50_ms"] = seconds(tally.samples.percentile(0.50)) * 1000;
  out["p95_ms"] = seconds(tally.samples.percentile(0.95)) * 1000;
  out["p99_ms"] = seconds(tally.samples.percentile(0.99)) * 1000;
  out["max_ms"] = seconds(tally.samples.max()) * 1000;
  if (!tally.first_error.empty()) out["first_error"] = tally.first_error;
  return out;
}

std::vector<std::string> row(const std::string& name, const Tally& tally, Duration elapsed) {
  double time = seconds(elapsed);
  const Samples& samples = tally.samples;
  return {name,
          std::to_string(samples.count()),
          fixed(static_cast<double>(samples.count()) / time, 1),
          fixed(static_cast<double>(tally.bytes) / time / 1e6, 1),
          millis(samples.percentile(0.50)),
          millis(samples.percentile(0.95)),
          millis(samples.percentile(0.99)),
          millis(samples.max()),
          std::to_string(tally.errors)};
}

class Bench final : public ClientCommand {
 public:
  std::string name() const override { return "bench"; }
  std::string summary() const override { return "Measure a pod under load and verify its answers"; }
  std::string details() const override {
    return "put: uploads, each with a token of its own (minting is not timed). get: downloads of "
           "files\n"
           "stored before, every byte compared. mixed: both. Content is made from --seed, neither\n"
           "compressible nor repeated. The load shares this machine's cores with the pod, if that "
           "runs\n"
           "here too: compare only figures of one machine. MB/s are 10^6 bytes. Exit status 1 if "
           "any\n"
           "request failed or any byte was wrong.";
  }

 protected:
  void declare_own(OptionSet& options) override {
    options.argument_choice("KIND", bench_.kind, {"put", "get", "mixed"}, "What to do");
    options.size("--size", bench_.size, 1, 5 * kGiB, "Size of each file");
    options.number("--concurrency", bench_.concurrency, 1, 4096, "Requests at once");
    options.duration("--duration", bench_.duration, "How long");
    options.number("--count", bench_.count, 0, 1'000'000'000,
                   "Stop after this many requests instead; 0: by --duration");
    options.number("--objects", bench_.objects, 0, 10'000'000,
                   "Files to read from; 0: four per connection, at most 1 GiB");
    options.number("--read-percent", bench_.read_percent, 0, 100, "Share of downloads in mixed");
    options.flag("--object-call", bench_.object_call,
                 "Upload under the system token; the pod computes the hash, this side does not");
    options.flag("--keep", bench_.keep, "Leave the files on the pod");
    options.number("--seed", bench_.seed, 0, UINT64_MAX, "Of the content; 0: a random one");
    options.number("--threads", threads_, 1, 64, "Threads that make the load");
  }

  Task<Result<int>> work(Context& context) override {
    // A seed that was used before would upload what is stored already.
    if (bench_.seed == 0) bench_.seed = make_system_rng()->u64();
    IoThreads io(threads_);
    io.start();
    BenchRunner runner(bench_, context.target, context.clock, io);
    auto result = co_await runner.run();
    io.stop();
    if (result.has_error()) co_return result.error();
    print(context, *result);
    std::uint64_t bad = result->puts.errors + result->gets.errors;
    co_return bad == 0 ? kExitOk : kExitFailed;
  }

 private:
  void print(const Context& context, const BenchResult& result) const {
    if (context.json) {
      boost::json::object line;
      line["kind"] = bench_.kind;
      line["size"] = bench_.size;
      line["concurrency"] = bench_.concurrency;
      line["seconds"] = seconds(result.elapsed);
      line["seed"] = bench_.seed;
      if (bench_.kind != "get") line["put"] = describe(result.puts, result.elapsed);
      if (bench_.kind != "put") line["get"] = describe(result.gets, result.elapsed);
      context.print(line);
      return;
    }
    std::vector<std::vector<std::string>> rows{
        {"", "requests", "op/s", "MB/s", "p50 ms", "p95 ms", "p99 ms", "max ms", "errors"}};
    if (bench_.kind != "get") rows.push_back(row("put", result.puts, result.elapsed));
    if (bench_.kind != "put") rows.push_back(row("get", result.gets, result.elapsed));
    std::ostream& out = context.surroundings.out;
    out << format_size(bench_.size) << " files, " << bench_.concurrency << " at once, "
        << fixed(seconds(result.elapsed), 1) << " s\n"
        << table(rows);
    for (const Tally* tally : {&result.puts, &result.gets}) {
      if (!tally->first_error.empty()) out << "first error: " << tally->first_error << "\n";
    }
    out << std::flush;
  }

  BenchOptions bench_;
  std::uint64_t threads_ = 1;
};

}  // namespace

std::unique_ptr<Command> make_bench() { return std::make_unique<Bench>(); }

}  // namespace mas::app
