// What the clients were told, and so what they may find: for each content whether it may be there
// and whether it may be missing.
//
// A change (an upload, a deletion) takes effect at some moment between its request and its answer.
// Without an answer it may do so as long as anything of the request is left anywhere, and until the
// messages to the metadata store that were sent for it have arrived. A request therefore carries
// its Change with it; when the last copy is gone, the change is settled soon after, with an outcome
// that nobody knows.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mas/meta/records.h"
#include "sim/world.h"

namespace mas::sim {

struct Content {
  std::string bytes;
  Hash hash;
};

enum class ChangeKind { store, remove };

class Model;

class Change {
 public:
  Change(std::weak_ptr<Model> model, std::size_t content, std::uint64_t number)
      : model_(std::move(model)), content_(content), number_(number) {}
  ~Change();
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;

  void acknowledge();
  // It certainly did not happen, and will not.
  void refuse();

 private:
  std::weak_ptr<Model> model_;
  const std::size_t content_;
  const std::uint64_t number_;
  bool answered_ = false;
};

// What a look at a content may see, from its beginning to its end.
struct Sight {
  bool present = false;
  bool absent = false;
};

class Model : public std::enable_shared_from_this<Model> {
 public:
  Model(World& world, std::vector<Content> contents);

  [[nodiscard]] std::size_t size() const noexcept { return contents_.size(); }
  [[nodiscard]] const Content& content(std::size_t index) const { return contents_.at(index); }
  // By hash; size() if it is nobody's.
  [[nodiscard]] std::size_t find(const Hash& hash) const;

  [[nodiscard]] std::shared_ptr<Change> begin(std::size_t content, ChangeKind kind);
  // It may still happen for as long as the faults go on: a finish is taken up by others.
  void linger(std::shared_ptr<Change> change) { lingering_.push_back(std::move(change)); }
  void end_lingering() { lingering_.clear(); }
  // No change is under way or in doubt.
  [[nodiscard]] bool is_settled() const;

  // From the loss of the metadata until it is rebuilt any look may see anything.
  void set_clouded(bool clouded);
  // It was lost with more than it was to survive: it may be missing from now on.
  void may_be_gone(std::size_t content) { registers_.at(content).absent = true; }
  // Deletions may be forgotten: what was deleted may be there again from now on.
  void may_return();
  void may_return(std::size_t content) { registers_.at(content).present = true; }
  // Begins a look; it is widened by what begins meanwhile.
  [[nodiscard]] std::shared_ptr<Sight> look(std::size_t content);

 private:
  friend class Change;
  struct Pending {
    ChangeKind kind;
    bool overlapped = false;  // by a change of the other kind
  };
  struct Register {
    bool present = false;
    bool absent = true;
    std::map<std::uint64_t, Pending> pending;
    std::vector<std::weak_ptr<Sight>> looks;
  };
  enum class Outcome { happened, unknown, refused };
  void settle(std::size_t content, std::uint64_t number, Outcome outcome);
  void settle_later(std::size_t content, std::uint64_t number);

  World& world_;
  const std::vector<Content> contents_;
  std::vector<Register> registers_;
  std::uint64_t next_change_ = 0;
  bool clouded_ = false;
  std::vector<std::shared_ptr<Change>> lingering_;
};

// The last contents are this big and more: uploads of them last.
inline constexpr std::size_t kBigContents = 2;
inline constexpr std::size_t kBigContent = 300'000;
// Contents of many sizes, each its own.
[[nodiscard]] std::vector<Content> make_contents(Rand& rand, std::size_t count);

}  // namespace mas::sim
