#include "supervisor/descriptor_room.h"

#include <sys/resource.h>

#include <cerrno>

namespace supervisor {

namespace {

// Page, link, pidfd, two pipes and a door to each of three control groups.
constexpr size_t per_worker = 8;
// The supervisor's own, and those of a start or of a planner, which are closed again.
constexpr size_t for_all = 48;

}  // namespace

Done room_for_worker(const std::string& name, size_t workers) {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return {};
    const size_t most = limit.rlim_cur < for_all ? 0 : (limit.rlim_cur - for_all) / per_worker;
    if (workers < most) return {};
    return Error{Fault::out_of_room,
                 "cannot start " + name + ": with " + std::to_string(limit.rlim_cur) +
                     " descriptors (ulimit -n) there is room for " + std::to_string(most) +
                     " workers",
                 EMFILE};
}

}  // namespace supervisor
