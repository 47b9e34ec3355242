#include "supervisor/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace supervisor {

namespace {

// Rights by the version that brought them; those of files alone apply to /dev/null too.
struct Right {
    int since;
    uint64_t bit;
    bool of_files;
};
constexpr Right rights[] = {
    {1, LANDLOCK_ACCESS_FS_WRITE_FILE, true},
    {1, LANDLOCK_ACCESS_FS_REMOVE_DIR, false},
    {1, LANDLOCK_ACCESS_FS_REMOVE_FILE, false},
    {1, LANDLOCK_ACCESS_FS_MAKE_DIR, false},
    {1, LANDLOCK_ACCESS_FS_MAKE_REG, false},
    {1, LANDLOCK_ACCESS_FS_MAKE_SOCK, false},
    {1, LANDLOCK_ACCESS_FS_MAKE_FIFO, false},
    {1, LANDLOCK_ACCESS_FS_MAKE_SYM, false},
    {2, LANDLOCK_ACCESS_FS_REFER, false},  // rename between directories
    {3, 1ULL << 14, true},                 // TRUNCATE
};
// Nobody's business.
constexpr uint64_t never = LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK;

uint64_t rights_of(int version, bool of_files_only) {
    uint64_t bits = 0;
    for (const Right& right : rights)
        if (right.since <= version && (right.of_files || !of_files_only)) bits |= right.bit;
    return bits;
}

Done allow(int ruleset, int relative_to, const std::string& path, uint64_t bits) {
    const Fd place(openat(relative_to, path.c_str(), O_PATH | O_CLOEXEC));
    if (!place && errno == ENOENT) return {};
    if (!place) return system_error("cannot open " + path, errno);
    landlock_path_beneath_attr rule{};
    rule.allowed_access = bits;
    rule.parent_fd = place.get();
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        return system_error("cannot let a worker write to " + path, errno);
    return {};
}

}  // namespace

int landlock_version() {
    const long version =
        syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version > 0 ? static_cast<int>(version) : 0;
}

Result<Fd> write_confinement(int relative_to, const std::vector<std::string>& directories) {
    const int version = landlock_version();
    landlock_ruleset_attr handled{};
    handled.handled_access_fs = rights_of(version, false) | never;
    Fd ruleset(static_cast<int>(
        syscall(SYS_landlock_create_ruleset, &handled, sizeof handled.handled_access_fs, 0)));
    if (!ruleset) return system_error("cannot make a Landlock ruleset", errno);
    for (const std::string& directory : directories)
        if (Done done = allow(ruleset.get(), relative_to, directory, rights_of(version, false));
            !done)
            return done.error();
    if (Done done = allow(ruleset.get(), relative_to, "/dev/null", rights_of(version, true)); !done)
        return done.error();
    return ruleset;
}

}  // namespace supervisor
