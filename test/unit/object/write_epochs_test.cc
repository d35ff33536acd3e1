#include "object/write_epochs.h"

#include <catch2/catch.hpp>
#include <optional>

using mas::object::WriteEpochs;

TEST_CASE("a version is drained when no write is left that began under an older one") {
  WriteEpochs epochs;
  CHECK(epochs.drained(1));
  std::optional<WriteEpochs::Write> first = epochs.begin(4);
  std::optional<WriteEpochs::Write> second = epochs.begin(4);
  std::optional<WriteEpochs::Write> newer = epochs.begin(6);
  CHECK(epochs.drained(4));
  CHECK_FALSE(epochs.drained(5));
  first.reset();
  CHECK_FALSE(epochs.drained(5));
  second.reset();
  CHECK(epochs.drained(6));
  CHECK_FALSE(epochs.drained(7));
  newer.reset();
  CHECK(epochs.drained(7));
}

TEST_CASE("a write that is handed on counts once") {
  WriteEpochs epochs;
  {
    WriteEpochs::Write write = epochs.begin(1);
    WriteEpochs::Write moved = std::move(write);
    CHECK_FALSE(epochs.drained(2));
  }
  CHECK(epochs.drained(2));
}
