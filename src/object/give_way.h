// GiveWay: memory that its holders can do without for as long as they wait for their clients, and
// that is taken from them when somebody waits for memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "mas/runtime/task.h"

namespace mas::object {

// Of one budget. Thread-safe. Whoever has been waiting for longest gives first.
class GiveWay {
 private:
  struct State;
  struct Holder;

 public:
  // While it lives, its holder can give. To be destroyed on the holder's executor.
  class [[nodiscard]] Offer {
   public:
    Offer() = default;
    Offer(Offer&&) noexcept = default;
    Offer& operator=(Offer&&) = delete;
    ~Offer();

   private:
    friend class GiveWay;
    explicit Offer(std::shared_ptr<Holder> holder) : holder_(std::move(holder)) {}
    std::shared_ptr<Holder> holder_;
  };
  // While it lives, somebody waits for memory.
  class [[nodiscard]] Need {
   public:
    Need(Need&&) noexcept = default;
    Need& operator=(Need&&) = delete;
    ~Need();

   private:
    friend class GiveWay;
    explicit Need(std::shared_ptr<State> all) : all_(std::move(all)) {}
    std::shared_ptr<State> all_;
  };

  GiveWay();

  // Offers `bytes`: `give` gives them back to the budget. It is called once at most, on `home`,
  // where this is called too: at once if somebody waits already, later if somebody comes to wait.
  Offer offer(Executor home, std::uint64_t bytes, std::function<void()> give);
  // To be called before waiting for `bytes`, which are asked of as many holders as it takes.
  Need need(std::uint64_t bytes);

 private:
  static void ask(State& all, std::uint64_t bytes);
  static void called(const std::shared_ptr<Holder>& holder);

  std::shared_ptr<State> state_;
};

}  // namespace mas::object
