#include "mas/observe/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <list>
#include <mutex>
#include <utility>

#include "mas/core/result.h"

namespace mas::observe {
namespace {

class PromCounter final : public Counter {
 public:
  explicit PromCounter(prometheus::Counter& inner) : inner_(inner) {}
  void add(double amount) override { inner_.Increment(amount); }
  double value() const override { return inner_.Value(); }

 private:
  prometheus::Counter& inner_;
};

class PromGauge final : public Gauge {
 public:
  explicit PromGauge(prometheus::Gauge& inner) : inner_(inner) {}
  void set(double value) override { inner_.Set(value); }
  void add(double amount) override { inner_.Increment(amount); }
  double value() const override { return inner_.Value(); }

 private:
  prometheus::Gauge& inner_;
};

class PromHistogram final : public Histogram {
 public:
  explicit PromHistogram(prometheus::Histogram& inner) : inner_(inner) {}
  void observe(double value) override { inner_.Observe(value); }

 private:
  prometheus::Histogram& inner_;
};

// All instruments of one kind: families by name, and in each the instruments by labels.
template <class Inner, class Outer, class Interface>
class Shelf {
 public:
  template <class Builder, class... Extra>
  Interface& get(prometheus::Registry& registry, Builder builder, const std::string& name,
                 const std::string& help, const Labels& labels, Extra&&... extra) {
    auto& slot = instruments_[{name, labels}];
    if (!slot) {
      prometheus::Family<Inner>*& family = families_[name];
      if (family == nullptr) family = &builder.Name(name).Help(help).Register(registry);
      slot = std::make_unique<Outer>(family->Add(labels, std::forward<Extra>(extra)...));
    }
    return *slot;
  }

 private:
  std::map<std::string, prometheus::Family<Inner>*> families_;
  std::map<std::pair<std::string, Labels>, std::unique_ptr<Interface>> instruments_;
};

// Held while a callback runs and while one is removed: a dropped handle's callback never runs
// again, nor is it still running.
struct Refreshers {
  std::mutex mutex;
  std::list<std::function<void()>> callbacks;
};

}  // namespace

struct Metrics::State {
  std::mutex mutex;
  prometheus::Registry registry;
  // What a name was first used as; a name has one type.
  std::map<std::string, char> types;
  Shelf<prometheus::Counter, PromCounter, Counter> counters;
  Shelf<prometheus::Gauge, PromGauge, Gauge> gauges;
  Shelf<prometheus::Histogram, PromHistogram, Histogram> histograms;
  std::shared_ptr<Refreshers> refreshers = std::make_shared<Refreshers>();

  void claim(const std::string& name, char type) {
    auto [at, fresh] = types.emplace(name, type);
    MAS_ASSERT(fresh || at->second == type);
  }
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

Counter& Metrics::counter(const std::string& name, const std::string& help, const Labels& labels) {
  std::lock_guard lock(state_->mutex);
  state_->claim(name, 'c');
  return state_->counters.get(state_->registry, prometheus::BuildCounter(), name, help, labels);
}

Gauge& Metrics::gauge(const std::string& name, const std::string& help, const Labels& labels) {
  std::lock_guard lock(state_->mutex);
  state_->claim(name, 'g');
  return state_->gauges.get(state_->registry, prometheus::BuildGauge(), name, help, labels);
}

Histogram& Metrics::histogram(const std::string& name, const std::string& help,
                              const std::vector<double>& bounds, const Labels& labels) {
  std::lock_guard lock(state_->mutex);
  state_->claim(name, 'h');
  return state_->histograms.get(state_->registry, prometheus::BuildHistogram(), name, help, labels,
                                bounds);
}

std::shared_ptr<void> Metrics::before_scrape(std::function<void()> refresh) {
  std::shared_ptr<Refreshers> shared = state_->refreshers;
  std::lock_guard lock(shared->mutex);
  auto place = shared->callbacks.insert(shared->callbacks.end(), std::move(refresh));
  auto remove = [shared, place](void*) {
    std::lock_guard inner(shared->mutex);
    shared->callbacks.erase(place);
  };
  return {static_cast<void*>(&*place), remove};
}

std::string Metrics::text() const {
  {
    std::lock_guard lock(state_->refreshers->mutex);
    for (const auto& refresh : state_->refreshers->callbacks) refresh();
  }
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

const std::vector<double>& latency_bounds() {
  static const std::vector<double> bounds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                          0.25,   0.5,   1,      2.5,   5,    10,    30,   60};
  return bounds;
}

}  // namespace mas::observe
