#include "object/give_way.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <list>
#include <mutex>
#include <vector>

namespace mas::object {

struct GiveWay::State {
  std::mutex mutex;
  std::list<std::shared_ptr<Holder>> holders;  // who can give and was not asked
  std::uint64_t needs = 0;
};

struct GiveWay::Holder {
  std::shared_ptr<State> all;
  Executor home;
  std::uint64_t bytes = 0;
  std::function<void()> give;
  bool over = false;  // on `home` only: there is nothing to give any more

  // Under the lock of `all`.
  bool listed = false;
  std::list<std::shared_ptr<Holder>>::iterator place;
};

GiveWay::GiveWay() : state_(std::make_shared<State>()) {}

GiveWay::Offer::~Offer() {
  if (!holder_) return;
  holder_->over = true;
  std::lock_guard lock(holder_->all->mutex);
  if (!holder_->listed) return;
  holder_->listed = false;
  holder_->all->holders.erase(holder_->place);
}

GiveWay::Need::~Need() {
  if (!all_) return;
  std::lock_guard lock(all_->mutex);
  --all_->needs;
}

GiveWay::Offer GiveWay::offer(Executor home, std::uint64_t bytes, std::function<void()> give) {
  auto holder = std::make_shared<Holder>();
  holder->all = state_;
  holder->home = std::move(home);
  holder->bytes = bytes;
  holder->give = std::move(give);
  {
    std::lock_guard lock(state_->mutex);
    if (state_->needs == 0) {
      holder->listed = true;
      holder->place = state_->holders.insert(state_->holders.end(), holder);
      return Offer(std::move(holder));
    }
  }
  holder->give();
  return {};
}

GiveWay::Need GiveWay::need(std::uint64_t bytes) {
  {
    std::lock_guard lock(state_->mutex);
    ++state_->needs;
  }
  ask(*state_, bytes);
  return Need(state_);
}

void GiveWay::ask(State& all, std::uint64_t bytes) {
  std::vector<std::shared_ptr<Holder>> asked;
  {
    std::lock_guard lock(all.mutex);
    for (std::uint64_t sum = 0; sum < bytes && !all.holders.empty(); sum += asked.back()->bytes) {
      asked.push_back(std::move(all.holders.front()));
      all.holders.pop_front();
      asked.back()->listed = false;
    }
  }
  for (const std::shared_ptr<Holder>& holder : asked) {
    boost::asio::post(holder->home, [holder] { called(holder); });
  }
}

void GiveWay::called(const std::shared_ptr<Holder>& holder) {
  if (!holder->over) {
    holder->over = true;
    holder->give();
    return;
  }
  // It has gone on meanwhile: somebody else, then.
  State& all = *holder->all;
  {
    std::lock_guard lock(all.mutex);
    if (all.needs == 0) return;
  }
  ask(all, holder->bytes);
}

}  // namespace mas::object
