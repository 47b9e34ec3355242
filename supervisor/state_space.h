// How full the volume that holds the state directory is, and whether it can be written: tells the
// owner when it fills, when it takes nothing any more, and when it has room again. Workers find out
// for themselves, each by its own write.
#pragma once

#include <sys/statvfs.h>

#include <string>

#include "proto/supervisor_worker.pb.h"
#include "supervisor/log_pump.h"

namespace supervisor {

// Filling is the alarm, full the critical level.
enum class SpaceTrouble { none, filling, full, read_only };

// `before`: a volume that was full or filling counts as such until clearly more is free, so that
// the answer does not change with every file.
SpaceTrouble space_trouble(const struct statvfs& space, SpaceTrouble before);

class StateSpace {
  public:
    explicit StateSpace(LogPump& log) : log_(log) {}

    // Every two seconds; does not wait for the disk. True when the state is another one, or the
    // share that is used changed by a hundredth: workers are to be told.
    bool check(int state_dir);
    const hardshell::proto::VolumeState& state() const { return state_; }
    SpaceTrouble trouble() const { return trouble_; }

  private:
    void say(SpaceTrouble before) const;

    LogPump& log_;
    SpaceTrouble trouble_ = SpaceTrouble::none;
    hardshell::proto::VolumeState state_;
    int told_permille_ = -1000;
};

}  // namespace supervisor
