// Rows: the rows of a layout's table, used like a vector of them. Copies share the rows until one
// of them changes: every picture of the cluster carries its layout, and a pod makes a picture
// whenever it hears something new of another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace mas::layout {

// Index into Layout::members. A member keeps its index for as long as any row names it.
using MemberIndex = std::uint16_t;

// One object is used by one thread at a time; copies that share rows may be on any.
class Rows {
 public:
  using Row = std::vector<MemberIndex>;
  using Table = std::vector<Row>;

  [[nodiscard]] std::size_t size() const noexcept { return table().size(); }
  [[nodiscard]] bool empty() const noexcept { return table().empty(); }
  [[nodiscard]] const Row& operator[](std::size_t index) const { return table()[index]; }
  [[nodiscard]] Table::const_iterator begin() const noexcept { return table().begin(); }
  [[nodiscard]] Table::const_iterator end() const noexcept { return table().end(); }
  friend bool operator==(const Rows& a, const Rows& b) {
    return a.table_ == b.table_ || a.table() == b.table();
  }

  // To be changed; copies keep the rows they have.
  [[nodiscard]] Row& operator[](std::size_t index) { return own()[index]; }
  void push_back(Row row) { own().push_back(std::move(row)); }
  void resize(std::size_t size) { own().resize(size); }
  void clear() noexcept { table_.reset(); }

 private:
  [[nodiscard]] const Table& table() const noexcept {
    static const Table kNone;
    return table_ ? *table_ : kNone;
  }
  Table& own() {
    if (!table_) {
      table_ = std::make_shared<Table>();
    } else if (table_.use_count() > 1) {
      table_ = std::make_shared<Table>(*table_);
    }
    return *table_;
  }

  std::shared_ptr<Table> table_;  // nullptr: no rows
};

}  // namespace mas::layout
