// A pod of one whose collection keeps its marks on a disk.
#pragma once

#include "mas/fs/fault_fs.h"
#include "rig.h"
#include "support/inline_pool.h"

namespace mas::test {

struct CollectRig : MaintainRig {
  CollectRig() { start(); }
  // As the pod does; again: it has been started anew.
  void start() {
    maintain::MarksFile file{*disk, "/freed-marks", pool};
    worker = maintain::make_collect_worker(options, deps(), nullptr, std::move(file));
  }

  std::unique_ptr<fs::FaultFs> disk = fs::make_fault_fs(1);
  InlinePool pool;
  std::unique_ptr<maintain::Worker> worker;
};

}  // namespace mas::test
