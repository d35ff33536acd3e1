// Reads an object, working around what can be worked around: if too few shards are found, the
// record and the layout are fetched again and every member is asked before it gives up.
#pragma once

#include "object/extent_reader.h"

namespace mas::object {

class ObjectReader {
 public:
  ObjectReader(Context& context, meta::Object object, std::uint64_t from, std::uint64_t length,
               std::uint32_t window);

  // The next verified bytes; empty at the end. Errors: damaged (the record is marked),
  // too_few_pods_read, no_such_file (deleted and collected meanwhile).
  Task<Result<Slice>> next();
  // See ExtentReader; not while next() is on its way.
  void forget() { reader_.forget(); }
  void go_back(std::uint64_t position, std::uint32_t window) { reader_.go_back(position, window); }
  [[nodiscard]] std::uint64_t left() const noexcept { return reader_.left(); }

 private:
  Task<Result<void>> look_again(Error error);
  // True: the file has been stored anew since its record was fetched.
  Task<Result<bool>> mark_damaged();

  Context& context_;
  meta::Object object_;
  ExtentReader reader_;
  int looks_ = 0;  // at a newer record, and at every member
};

}  // namespace mas::object
