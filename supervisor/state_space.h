// Whether the state directory can be written: tells the owner when it no longer can, and when it
// can again. Workers find out for themselves, each by its own write.
#pragma once

#include <sys/statvfs.h>

#include <string>

#include "supervisor/log_pump.h"

namespace supervisor {

enum class SpaceTrouble { none, full, read_only };

// `before`: a volume that was full counts as such until clearly more is free, so that the answer
// does not change with every file.
SpaceTrouble space_trouble(const struct statvfs& space, SpaceTrouble before);

class StateSpace {
  public:
    explicit StateSpace(LogPump& log) : log_(log) {}

    // Every two seconds; does not wait for the disk.
    void check(int state_dir);
    // What is wrong with it now, for the owner; empty when nothing is.
    const std::string& trouble() const { return what_; }

  private:
    LogPump& log_;
    SpaceTrouble trouble_ = SpaceTrouble::none;
    std::string what_;
};

}  // namespace supervisor
