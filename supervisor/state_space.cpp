#include "supervisor/state_space.h"

#include <algorithm>
#include <cstdint>

namespace supervisor {

namespace {

constexpr uint64_t enough_bytes = 16u << 20;  // on a large volume
constexpr uint64_t enough_share = 50;         // one part in so many on a small one
constexpr uint64_t relief = 2;                // times that until it counts as having room again

uint64_t total_of(const struct statvfs& space) {
    return uint64_t{space.f_blocks} * space.f_frsize;
}

uint64_t free_of(const struct statvfs& space) {
    return uint64_t{space.f_bavail} * space.f_frsize;
}

std::string describe(SpaceTrouble trouble, const struct statvfs& space) {
    if (trouble == SpaceTrouble::none) return {};
    if (trouble == SpaceTrouble::read_only)
        return "the state directory cannot be written: its file system is read-only; nothing new "
               "is kept";
    return "the state directory is full: " + std::to_string(free_of(space) >> 10) + " of " +
           std::to_string(total_of(space) >> 10) +
           " KiB are free; nothing new may be kept until there is room";
}

}  // namespace

SpaceTrouble space_trouble(const struct statvfs& space, SpaceTrouble before) {
    if (space.f_flag & ST_RDONLY) return SpaceTrouble::read_only;
    const uint64_t total = total_of(space);
    if (total == 0) return SpaceTrouble::none;  // a file system that does not tell
    const uint64_t factor = before == SpaceTrouble::full ? relief : 1;
    const bool has_bytes = free_of(space) >= std::min(enough_bytes, total / enough_share) * factor;
    const bool has_files = space.f_files == 0 || space.f_favail > 0;
    return has_bytes && has_files ? SpaceTrouble::none : SpaceTrouble::full;
}

void StateSpace::check(int state_dir) {
    struct statvfs space {};
    if (fstatvfs(state_dir, &space) != 0) return;
    const SpaceTrouble now = space_trouble(space, trouble_);
    if (now == trouble_) return;  // said once, not with every kibibyte
    what_ = describe(now, space);
    if (!what_.empty())
        log_.say("error", what_);
    else if (trouble_ == SpaceTrouble::full)
        log_.say("", "the state directory has room again");
    else
        log_.say("", "the state directory can be written again");
    trouble_ = now;
}

}  // namespace supervisor
