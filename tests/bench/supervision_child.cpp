// A worker for supervision_bench.py: the same program under every supervisor, told by BENCH_MODE
// what to do. Under ours (STUB_NAME is set) it speaks the worker's part of
// proto/supervisor_worker.proto; it links no protobuf and knows a message by its first byte.
//
//   idle, defy (ignores being asked to stop), crash (at once), log (BENCH_LINES lines of 120 bytes
//   once a file "go" is there), talk (without end)
//   storm N: no worker; leaves N dead children at once to the first process of its pid namespace
//   and prints how many milliseconds it took until the last was collected.
//   read N: no worker; reads what N-line writers of mode log put out from its input until it ends
//   or is silent; prints lines lost, lines torn, and when the last byte came in milliseconds.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "workers/common/base/board_page.h"

namespace {

constexpr int supervisor_descriptor = 3;
constexpr int board_descriptor = 4;
constexpr int beat_ms = 500;
constexpr char stop_message = 0x1a;
constexpr char ready_frame[] = {0, 0, 0, 2, 0x0a, 0};

bool is_ours = false;
bool obeys = true;
std::string notes;

int64_t now_us() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
}

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

void note(const char* what) {
    const int file = open(notes.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    char line[100];
    const int size = std::snprintf(line, sizeof line, "%s %d %lld\n", what, getpid(),
                                   static_cast<long long>(now_us()));
    if (file >= 0) (void)!write(file, line, static_cast<size_t>(size));
    close(file);
}

void write_all(const std::string& bytes) {
    for (size_t at = 0; at < bytes.size();) {
        const ssize_t count = write(1, bytes.data() + at, bytes.size() - at);
        if (count > 0)
            at += static_cast<size_t>(count);
        else if (errno != EINTR && errno != EAGAIN)
            return;
    }
}

// "<name 000000000>" and dots, 120 bytes with the line break.
void write_lines(const std::string& name, long lines, long first) {
    constexpr long most = 500;
    std::string line = "<" + name + " 000000000>";
    const size_t last_digit = line.size() - 2;
    line.append(119 - line.size(), '.');
    line += '\n';
    std::string block;
    for (long i = 0; i < most; ++i) block += line;
    for (const long end = first + lines; first < end;) {
        const long count = std::min(most, end - first);
        for (long i = 0; i < count; ++i, ++first) {
            char* digit = block.data() + static_cast<size_t>(i) * line.size() + last_digit;
            for (long number = first, left = 9; left > 0; --left, number /= 10)
                *digit-- = static_cast<char>('0' + number % 10);
        }
        write_all(block.substr(0, static_cast<size_t>(count) * line.size()));
    }
}

void wait_for_go() {
    const std::string go = notes.substr(0, notes.rfind('/')) + "/go";
    while (access(go.c_str(), F_OK) != 0) usleep(1'000);
}

void take_messages() {
    static std::string received;
    char bytes[65536];
    const ssize_t count = read(supervisor_descriptor, bytes, sizeof bytes);
    if (count <= 0) _exit(75);
    received.append(bytes, static_cast<size_t>(count));
    while (received.size() > 4) {
        size_t size = 4;
        for (size_t i = 0, weight = 1u << 24; i < 4; ++i, weight >>= 8)
            size += weight * static_cast<unsigned char>(received[i]);
        if (received.size() < size) return;
        if (received[4] == stop_message && obeys) _exit(0);
        received.erase(0, size);
    }
}

[[noreturn]] void live(const std::string& mode) {
    Result<BoardPage> page = is_ours ? BoardPage::map(board_descriptor, true)
                                     : Result<BoardPage>(Error{Fault::system, ""});
    if (is_ours && !page) _exit(70);
    if (is_ours) {
        page->beat(now_us() / 1000);
        (void)!write(supervisor_descriptor, ready_frame, sizeof ready_frame);
    }
    note("ready");
    if (mode == "log") {
        // In a process of its own: a worker that waits for a full pipe still has to beat.
        if (fork() == 0) {
            wait_for_go();
            write_lines(variable("BENCH_NAME"), std::atol(variable("BENCH_LINES").c_str()), 0);
            _exit(0);
        }
    }
    for (long number = 0;; number += 100) {
        if (is_ours) page->beat(now_us() / 1000);
        if (mode == "talk") write_lines(variable("BENCH_NAME"), 100, number);
        pollfd ready{is_ours ? supervisor_descriptor : -1, POLLIN, 0};
        if (poll(&ready, 1, mode == "talk" ? 1 : beat_ms) <= 0) continue;
        take_messages();
    }
}

int storm(int count) {
    auto* const pids =
        static_cast<pid_t*>(mmap(nullptr, sizeof(pid_t) * static_cast<size_t>(count),
                                 PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    int ends[2];
    if (pids == MAP_FAILED || pipe(ends) != 0) return 1;
    const pid_t middle = fork();
    if (middle == 0) {
        for (int i = 0; i < count; ++i) {
            pids[i] = fork();
            if (pids[i] == 0) _exit(0);
        }
        siginfo_t info{};
        for (int i = 0; i < count; ++i)
            if (pids[i] > 0) waitid(P_PID, static_cast<id_t>(pids[i]), &info, WEXITED | WNOWAIT);
        std::printf("go\n");
        std::fflush(stdout);
        const int64_t now = now_us();
        (void)!write(ends[1], &now, sizeof now);
        _exit(0);
    }
    int64_t begin = 0;
    (void)!read(ends[0], &begin, sizeof begin);
    waitpid(middle, nullptr, 0);
    const int64_t end = begin + 60'000'000;
    for (int i = 0; i < count && now_us() < end;) {
        if (pids[i] <= 0 || (kill(pids[i], 0) != 0 && errno == ESRCH))
            ++i;
        else
            usleep(500);
    }
    std::printf("%.1f\n", static_cast<double>(now_us() - begin) / 1000);
    return 0;
}

// Lines of all workers come in any order, those of one worker in their own.
class LineCheck {
  public:
    void take(std::string_view line) {
        const size_t begin = line.find("<w");
        const bool is_shaped = begin != std::string_view::npos && line.size() - begin == 119 &&
                               line[begin + 13] == '>' && line[begin + 2] >= '0' &&
                               line[begin + 2] <= '7';
        if (!is_shaped) {
            torn += begin != std::string_view::npos || line.find("...") != std::string_view::npos;
            return;
        }
        long number = 0;
        for (size_t i = 0; i < 9; ++i) number = number * 10 + (line[begin + 4 + i] - '0');
        long& next = next_[line[begin + 2] - '0'];
        good += number >= next ? 1 : 0;
        next = number + 1;
    }
    long good = 0;
    long torn = 0;

  private:
    long next_[8] = {};
};

int read_lines(long lines) {
    constexpr int longest_silence_ms = 2'000;
    LineCheck check;
    std::string buffer(1u << 20, '\0');
    size_t filled = 0;
    int64_t last = 0;
    pollfd ready{0, POLLIN, 0};
    while (poll(&ready, 1, last == 0 ? -1 : longest_silence_ms) > 0) {
        const ssize_t count = read(0, buffer.data() + filled, buffer.size() - filled);
        if (count <= 0) break;
        last = now_us();
        filled += static_cast<size_t>(count);
        std::string_view rest(buffer.data(), filled);
        for (size_t end; (end = rest.find('\n')) != rest.npos; rest.remove_prefix(end + 1))
            check.take(rest.substr(0, end));
        if (rest.size() == buffer.size()) rest = {};
        std::memmove(buffer.data(), rest.data(), rest.size());
        filled = rest.size();
    }
    std::printf("%ld %ld %.3f\n", 8 * lines - check.good, check.torn,
                static_cast<double>(last) / 1000);
    return 0;
}

}  // namespace

int main(int count, char** arguments) {
    if (count == 3 && std::strcmp(arguments[1], "storm") == 0)
        return storm(std::atoi(arguments[2]));
    if (count == 3 && std::strcmp(arguments[1], "read") == 0)
        return read_lines(std::atol(arguments[2]));
    const std::string ours = variable("STUB_NAME");
    is_ours = !ours.empty();
    notes = is_ours ? "lives-stub/" + ours : variable("BENCH_NOTES");
    note("life");
    const std::string mode = variable("BENCH_MODE");
    if (mode == "crash") return 1;
    if (mode == "defy") {
        signal(SIGTERM, SIG_IGN);
        obeys = false;
    }
    live(mode);
}
