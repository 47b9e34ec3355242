#include "tests/faults/stub_limits.h"

#include <dirent.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <set>
#include <thread>

namespace {

using Words = std::istringstream;
using Note = void (*)(const std::string&);

// "leak 200 20": MiB, one per so many milliseconds, while the loop goes on.
void leak(Words& words, Note note) {
    size_t mebibytes = 0;
    int64_t ms = 0;
    words >> mebibytes >> ms;
    std::thread([mebibytes, ms, note] {
        constexpr size_t step = 1u << 20;
        for (size_t i = 0; i < mebibytes; ++i) {
            void* block =
                mmap(nullptr, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (block == MAP_FAILED) return note("refused-memory");
            std::memset(block, 1, step);
            const timespec time{ms / 1000, (ms % 1000) * 1'000'000};
            nanosleep(&time, nullptr);
        }
        note("leaked");
    }).detach();
}

// The socket that takes the test's commands is the stub's own and its only one of datagrams.
bool takes_orders(int descriptor) {
    int type = 0;
    socklen_t size = sizeof type;
    return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_DGRAM;
}

// Notes each descriptor that it did not open itself, and what it leads to.
void report_descriptors(Words&, Note note) {
    DIR* listing = opendir("/proc/self/fd");
    if (!listing) return note("refused-listing");
    std::set<int> open;
    while (const dirent* entry = readdir(listing)) {
        const int descriptor = std::atoi(entry->d_name);
        if (entry->d_name[0] != '.' && descriptor != dirfd(listing) && !takes_orders(descriptor))
            open.insert(descriptor);
    }
    closedir(listing);
    for (const int descriptor : open) {
        char target[256] = {};
        const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
        (void)!readlink(path.c_str(), target, sizeof target - 1);
        note("descriptor " + std::to_string(descriptor) + " " + target);
    }
    note("descriptors " + std::to_string(open.size()));
}

struct Command {
    const char* word;
    void (*obey)(Words&, Note);
};
constexpr Command commands[] = {
    {"leak", leak},
    {"report-descriptors", report_descriptors},
};

}  // namespace

bool obey_about_limits(const std::string& word, Words& words, Note note) {
    for (const Command& command : commands) {
        if (word != command.word) continue;
        command.obey(words, note);
        return true;
    }
    return false;
}
