#include "supervisor/owned_state.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "supervisor/stock_locks.h"

namespace supervisor {

namespace {

constexpr std::chrono::milliseconds lock_patience{5'000};  // OpenClaw waits as long

}  // namespace

std::string OwnedState::key() const {
    struct stat info {};
    if (fstat(directory.get(), &info) != 0) return std::to_string(getpid());
    char key[64];
    std::snprintf(key, sizeof key, "%llx-%llx", static_cast<unsigned long long>(info.st_dev),
                  static_cast<unsigned long long>(info.st_ino));
    return key;
}

void OwnedState::release() {
    if (lock.file) (void)!ftruncate(lock.file.get(), 0);
}

namespace {

// Once nobody else uses the directory: what is in it changes hands.
Done take_what_is_there(const StatePlaces& places, OwnedState& state) {
    const Result<std::vector<std::string>> cleared = clear_stock_locks(
        {node_temporary_dir(places.environment), places.state_dir, places.config_path},
        lock_patience);
    if (!cleared) return cleared.error();
    state.remarks.insert(state.remarks.end(), cleared->begin(), cleared->end());
    if (Done made = prepare_run_dir(places.run_dir, geteuid() == 0); !made) return made.error();
    state.isolation = user_isolation(places.state_dir, places.run_dir);
    return prepare_state_dir(state.directory.get(), places.state_dir, places.config_path,
                             state.isolation.on);
}

}  // namespace

Result<OwnedState> take_state(const StatePlaces& places) {
    OwnedState state;
    Result<Fd> directory = open_state_dir(places.state_dir);
    if (!directory) return directory.error();
    state.directory = std::move(*directory);
    Result<StateLock> lock = lock_state(
        state.directory.get(), places.state_dir + "/hardshell/lock", lock_patience);
    if (!lock) return lock.error();
    state.lock = std::move(*lock);
    if (!state.lock.reclaimed.empty())
        state.remarks.push_back("took over the state directory from " + state.lock.reclaimed +
                                ", which is gone without having released it");
    if (const Done taken = take_what_is_there(places, state); !taken) {
        state.release();  // never in use
        return taken.error();
    }
    return state;
}

}  // namespace supervisor
