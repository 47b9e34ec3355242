#include "supervisor/state_space.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "workers/common/base/volume_size.h"

namespace supervisor {

namespace {

using hardshell::proto::VolumeState;

constexpr uint64_t enough_bytes = 16u << 20;  // on a large volume
constexpr uint64_t enough_share = 50;         // one part in so many on a small one
constexpr uint64_t relief = 2;                // times that until it counts as having room again
constexpr int alarm_permille = 850;           // used
constexpr int calm_permille = 800;            // below that the alarm ends
constexpr int worth_telling = 10;             // permille

int used_permille(const struct statvfs& space) {
    const auto total = static_cast<double>(usable_bytes(space));
    return static_cast<int>(1000 * (total - static_cast<double>(free_bytes(space))) / total);
}

std::string free_in_words(const struct statvfs& space) {
    return std::to_string(free_bytes(space) >> 10) + " of " +
           std::to_string(usable_bytes(space) >> 10) + " KiB are free";
}

std::string describe(SpaceTrouble trouble, const struct statvfs& space) {
    switch (trouble) {
        case SpaceTrouble::none:
            return {};
        case SpaceTrouble::filling:
            return "the volume with the state directory is " +
                   std::to_string(used_permille(space) / 10) + " % full: " + free_in_words(space) +
                   "; not ready until less than " + std::to_string(calm_permille / 10) +
                   " % are used";
        case SpaceTrouble::read_only:
            return "the state directory cannot be written: its file system is read-only; nothing "
                   "new is kept";
        case SpaceTrouble::full:
            break;
    }
    return "the state directory is full: " + free_in_words(space) +
           "; nothing new may be kept until there is room";
}

VolumeState::Level level_of(SpaceTrouble trouble, const struct statvfs& space) {
    switch (trouble) {
        case SpaceTrouble::filling:
            return VolumeState::FILLING;
        case SpaceTrouble::full:
            return VolumeState::FULL;
        case SpaceTrouble::read_only:
            return VolumeState::READ_ONLY;
        case SpaceTrouble::none:
            break;
    }
    return usable_bytes(space) == 0 ? VolumeState::LEVEL_UNKNOWN : VolumeState::ROOM;
}

bool is_full(const struct statvfs& space, SpaceTrouble before) {
    const uint64_t factor = before == SpaceTrouble::full ? relief : 1;
    const uint64_t enough = std::min(enough_bytes, usable_bytes(space) / enough_share) * factor;
    const bool has_files = space.f_files == 0 || space.f_favail > 0;
    return free_bytes(space) < enough || !has_files;
}

}  // namespace

SpaceTrouble space_trouble(const struct statvfs& space, SpaceTrouble before) {
    if (space.f_flag & ST_RDONLY) return SpaceTrouble::read_only;
    if (usable_bytes(space) == 0) return SpaceTrouble::none;  // a file system that does not tell
    if (is_full(space, before)) return SpaceTrouble::full;
    const bool was_calm = before == SpaceTrouble::none || before == SpaceTrouble::read_only;
    return used_permille(space) < (was_calm ? alarm_permille : calm_permille)
               ? SpaceTrouble::none
               : SpaceTrouble::filling;
}

bool StateSpace::check(int state_dir) {
    struct statvfs space {};
    if (fstatvfs(state_dir, &space) != 0) return false;
    const SpaceTrouble before = trouble_;
    trouble_ = space_trouble(space, before);
    state_.set_level(level_of(trouble_, space));
    state_.set_total_bytes(usable_bytes(space));
    state_.set_free_bytes(free_bytes(space));
    state_.set_what(describe(trouble_, space));
    if (trouble_ != before) say(before);  // said once, not with every kibibyte
    const int used = usable_bytes(space) == 0 ? 0 : used_permille(space);
    if (trouble_ == before && std::abs(used - told_permille_) < worth_telling) return false;
    told_permille_ = used;
    return true;
}

void StateSpace::say(SpaceTrouble before) const {
    if (before == SpaceTrouble::read_only) log_.say("", "the state directory can be written again");
    if (before == SpaceTrouble::full) log_.say("", "the state directory has room again");
    if (trouble_ != SpaceTrouble::none)
        log_.say(trouble_ == SpaceTrouble::filling ? "warn" : "error", state_.what());
    else if (before == SpaceTrouble::filling)
        log_.say("", "the volume with the state directory is no longer filling up");
}

}  // namespace supervisor
