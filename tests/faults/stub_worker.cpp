// A worker that does what it is told: the far side of every fault.
//
// Takes commands from the variable STUB_DO (at its start, separated by ';') and from a datagram
// socket with an abstract name, which no user, directory or confinement can hide. Answers each
// command with itself when it has obeyed. Links no protobuf: it knows a message by its first byte.
// Built without sanitizers, so that it starts as fast as a small program does and may misuse
// memory.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/faults/stub_limits.h"
#include "workers/common/base/board_page.h"

namespace {

constexpr int supervisor_descriptor = 3;
constexpr int board_descriptor = 4;
constexpr int first_listener = 5;
constexpr int beat_ms = 500;

// First bytes of the messages of proto/supervisor_worker.proto.
constexpr char stop_message = 0x1a;
constexpr char shed_message = 0x22;
const std::string ready_message = {0x0a, 0x00};

struct Stub {
    std::string name;
    std::string lives;  // file that gets a line per life
    int orders = -1;
    std::string received;
    bool beats = true;
    bool obeys = true;
    bool follows_its_parent = true;
    bool sheds = false;
    int linger_ms = 0;
    pid_t brood = 0;  // the process group of its orphans
    std::vector<void*> memory;
};
Stub stub;

int64_t now_us() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
}

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

void note(const std::string& what) {
    const int file = open(stub.lives.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const std::string line = what + " " + std::to_string(now_us()) + "\n";
    if (file >= 0) (void)!write(file, line.data(), line.size());
    close(file);
}

void write_all(int descriptor, const std::string& bytes) {
    for (size_t at = 0; at < bytes.size();) {
        const ssize_t count = write(descriptor, bytes.data() + at, bytes.size() - at);
        if (count < 0 && errno == EAGAIN) {
            pollfd ready{descriptor, POLLOUT, 0};
            poll(&ready, 1, -1);
        } else if (count < 0 && errno != EINTR) {
            return;
        } else {
            at += count > 0 ? static_cast<size_t>(count) : 0;
        }
    }
}

std::string framed(const std::string& message) {
    const auto size = static_cast<uint32_t>(message.size());
    return {static_cast<char>(size >> 24), static_cast<char>(size >> 16),
            static_cast<char>(size >> 8), static_cast<char>(size)};
}

void send_message(const std::string& message) {
    write_all(supervisor_descriptor, framed(message) + message);
}

std::string from_hex(const std::string& hex) {
    std::string bytes;
    for (size_t i = 0; i + 1 < hex.size(); i += 2)
        bytes += static_cast<char>(std::strtol(hex.substr(i, 2).c_str(), nullptr, 16));
    return bytes;
}

void nap(int64_t ms) {
    const timespec time{ms / 1000, (ms % 1000) * 1'000'000};
    nanosleep(&time, nullptr);
}

// In a fork: no more this worker, but something that it left behind.
void become(const char* what) {
    prctl(PR_SET_NAME, what);
    close(stub.orders);
    close(supervisor_descriptor);
}

using Words = std::istringstream;

// --- commands ---

void ready(Words&) {
    send_message(ready_message);
}
void beat_not(Words&) {
    stub.beats = false;
}
void exit_with(Words& words) {
    int code = 0;
    words >> code;
    _exit(code);
}
void raise_signal(Words& words) {
    int number = SIGABRT;
    words >> number;
    signal(number, SIG_DFL);
    raise(number);
}
void die_after(Words& words) {
    int64_t ms = 0;
    int code = 1;
    words >> ms >> code;
    std::thread([ms, code] {
        nap(ms);
        _exit(code);
    }).detach();
}
// A side thread lives on while the loop does not turn.
void spin(Words&) {
    std::thread([] {
        for (;;) nap(100);
    }).detach();
    for (volatile bool forever = true; forever;) continue;
}
void defy(Words&) {
    signal(SIGTERM, SIG_IGN);
    stub.obeys = false;
    stub.follows_its_parent = false;
}
void linger(Words& words) {
    words >> stub.linger_ms;
}
void print(Words& words) {
    std::string text;
    std::getline(words >> std::ws, text);
    write_all(1, text + "\n");
}
void print_bytes(Words& words) {
    std::string hex;
    words >> hex;
    write_all(1, from_hex(hex));
}
// "lines 100 40": 100 numbered lines of 40 characters.
void print_lines(Words& words) {
    long count = 0;
    size_t width = 0;
    words >> count >> width;
    std::string block;
    for (long i = 0; i < count; ++i) {
        std::string line = "line " + std::to_string(i) + " of " + stub.name + " ";
        if (line.size() < width) line.append(width - line.size(), '.');
        block += line + "\n";
        if (block.size() > 60'000 || i + 1 == count) {
            write_all(1, block);
            block.clear();
        }
    }
}
// "torn 100 5": numbered lines, each in two writes with milliseconds between.
void print_torn_lines(Words& words) {
    long count = 0;
    int64_t ms = 0;
    words >> count >> ms;
    for (long i = 0; i < count; ++i) {
        write_all(1, "torn " + std::to_string(i));
        nap(ms);
        write_all(1, " whole\n");
    }
}
// "flood 300 6000": floods its log for that many milliseconds, or that many lines if the second
// number is there, and notes how many there were.
void flood(Words& words) {
    int64_t ms = 0;
    long most = std::numeric_limits<long>::max();
    words >> ms;
    if (long given = 0; words >> given) most = given;
    long count = 0;
    for (const int64_t end = now_us() + ms * 1000; now_us() < end && count < most;) {
        std::string block;
        for (int i = 0; i < 500; ++i)
            block += "flood " + std::to_string(count++) + " of " + stub.name + "\n";
        write_all(1, block);
    }
    note("flooded " + std::to_string(count));
}
void print_long(Words& words) {
    size_t size = 0;
    words >> size;
    std::string line = "begin ";
    while (line.size() + 4 < size) line += static_cast<char>('a' + line.size() % 26);
    write_all(1, line + " end\n");
}
void close_output(Words&) {
    close(1);
    close(2);
}
void open_descriptors(Words& words) {
    int count = 0;
    words >> count;
    for (int i = 0; i < count; ++i)
        if (open("/dev/null", O_RDONLY) < 0) {
            note("refused-descriptor");
            break;
        }
}
void start_threads(Words& words) {
    int count = 0;
    words >> count;
    for (int i = 0; i < count; ++i) std::thread([] {}).join();
}
// Leaves the session and its parent, and stays.
void start_daemon(Words&) {
    const pid_t middle = fork();
    if (middle == 0) {
        setsid();
        if (fork() != 0) _exit(0);
        become("daemon");
        close(1);
        close(2);
        signal(SIGTERM, SIG_IGN);
        for (;;) pause();
    }
    waitpid(middle, nullptr, 0);
}
// Keeps the pipes and the listeners open, in the same process group.
void start_grandchild(Words&) {
    if (fork() != 0) return;
    become("grandchild");
    signal(SIGTERM, SIG_IGN);
    for (;;) pause();
}
// "orphans 1000 dead": a brood that is handed over at once, as zombies or alive.
void make_orphans(Words& words) {
    int count = 0;
    std::string how;
    words >> count >> how;
    int ends[2];
    if (pipe(ends) != 0) return;
    const pid_t middle = fork();
    if (middle == 0) {
        become("middle");
        setpgid(0, 0);
        close(1);
        close(2);
        close(ends[0]);
        int made = 0;
        for (int i = 0; i < count; ++i) {
            const pid_t child = fork();
            if (child == 0) {
                if (how == "dead") _exit(0);
                prctl(PR_SET_NAME, "orphan");
                close(ends[1]);
                for (;;) pause();
            }
            made += child > 0 ? 1 : 0;
        }
        (void)!write(ends[1], &made, sizeof made);
        // All of them ended, none collected: they are handed over as zombies.
        siginfo_t info{};
        if (how == "dead") waitid(P_ALL, 0, &info, WEXITED | WNOWAIT);
        _exit(0);
    }
    close(ends[1]);
    stub.brood = middle;
    // Making thousands takes longer than a loop may stand still.
    std::thread([middle, end = ends[0]] {
        int made = 0;
        (void)!read(end, &made, sizeof made);
        close(end);
        siginfo_t info{};
        waitid(P_PID, static_cast<id_t>(middle), &info, WEXITED);
        note("orphans " + std::to_string(made));
    }).detach();
}
void kill_orphans(Words&) {
    if (stub.brood > 1) kill(-stub.brood, SIGKILL);
}
// "breed 500 1000": that many orphans per second for so many milliseconds.
void breed(Words& words) {
    int per_second = 1;
    int64_t ms = 0;
    words >> per_second >> ms;
    for (const int64_t end = now_us() + ms * 1000; now_us() < end; nap(20)) {
        const pid_t middle = fork();
        if (middle == 0) {
            for (int i = 0; i < per_second / 50; ++i)
                if (fork() == 0) {
                    nap(1);
                    _exit(0);
                }
            _exit(0);
        }
        waitpid(middle, nullptr, 0);
    }
}
// Only inside a limit on processes that is its own.
void fork_bomb(Words&) {
    const pid_t child = fork();
    if (child != 0) return;
    become("bomb");
    for (long made = 0; made < 100'000; ++made)
        if (fork() < 0) nap(1);
}
// "grow 64 0": MiB of touched memory, at once or one per so many milliseconds.
void grow(Words& words) {
    size_t mebibytes = 0;
    int64_t ms = 0;
    words >> mebibytes >> ms;
    for (size_t i = 0; i < mebibytes; ++i) {
        constexpr size_t step = 1u << 20;
        void* block =
            mmap(nullptr, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (block == MAP_FAILED) return note("refused-memory");
        std::memset(block, 1, step);
        stub.memory.push_back(block);
        if (ms > 0) nap(ms);
    }
}
void let_go() {
    for (void* block : stub.memory) munmap(block, 1u << 20);
    stub.memory.clear();
}
void shed_when_asked(Words&) {
    stub.sheds = true;
}
void write_file(Words& words) {
    size_t mebibytes = 0;
    words >> mebibytes;
    const int file = open((stub.lives + ".big").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const std::string block(1u << 20, 'x');
    for (size_t i = 0; i < mebibytes; ++i)
        if (write(file, block.data(), block.size()) < 0) {
            note("refused-write " + std::to_string(errno));
            break;
        }
    close(file);
}
void remove_file(Words&) {
    unlink((stub.lives + ".big").c_str());
}
void send_bytes(Words& words) {
    std::string hex;
    words >> hex;
    write_all(supervisor_descriptor, from_hex(hex));
}
void send_many_readies(Words& words) {
    long count = 0;
    words >> count;
    std::string block;
    for (int i = 0; i < 1'000; ++i) block += framed(ready_message) + ready_message;
    for (long i = 0; i < count; i += 1'000) write_all(supervisor_descriptor, block);
}
void close_link(Words&) {
    stub.follows_its_parent = false;
    close(supervisor_descriptor);
}
void beat_much(Words& words) {
    int64_t ms = 0;
    words >> ms;
    Result<BoardPage> page = BoardPage::map(board_descriptor, true);
    for (const int64_t end = now_us() + ms * 1000; now_us() < end;)
        for (int i = 0; i < 1'000; ++i) page->beat(now_us() / 1000);
}
// Answers each connection with its pid until it is asked to end.
void serve(Words&) {
    fcntl(first_listener, F_SETFL, O_NONBLOCK);
    std::thread([] {
        for (pollfd ready{first_listener, POLLIN, 0}; poll(&ready, 1, -1) >= 0;) {
            const int connection = accept4(first_listener, nullptr, nullptr, SOCK_CLOEXEC);
            if (connection < 0) continue;
            write_all(connection, std::to_string(getpid()) + "\n");
            close(connection);
        }
    }).detach();
}

struct Command {
    const char* word;
    void (*obey)(Words&);
};
constexpr Command commands[] = {
    {"ready", ready},
    {"mute", beat_not},
    {"exit", exit_with},
    {"signal", raise_signal},
    {"die-after", die_after},
    {"spin", spin},
    {"defy", defy},
    {"linger", linger},
    {"print", print},
    {"bytes", print_bytes},
    {"lines", print_lines},
    {"torn", print_torn_lines},
    {"flood", flood},
    {"long", print_long},
    {"close-output", close_output},
    {"descriptors", open_descriptors},
    {"threads", start_threads},
    {"daemon", start_daemon},
    {"grandchild", start_grandchild},
    {"orphans", make_orphans},
    {"kill-orphans", kill_orphans},
    {"breed", breed},
    {"bomb", fork_bomb},
    {"grow", grow},
    {"shed", shed_when_asked},
    {"write-file", write_file},
    {"remove-file", remove_file},
    {"send", send_bytes},
    {"readies", send_many_readies},
    {"close-link", close_link},
    {"beat-much", beat_much},
    {"serve", serve},
};

void obey(const std::string& text) {
    Words words(text);
    std::string word;
    words >> word;
    if (obey_about_limits(word, words, note)) return;
    for (const Command& command : commands)
        if (word == command.word) command.obey(words);
}

// --- the loop ---

int open_orders() {
    const std::string name = "hardshell-fault-" + variable("FAULT_ID") + "/" + stub.name;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    const int orders = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    // The name of the life before is free once the kernel has closed its socket.
    while (bind(orders, reinterpret_cast<sockaddr*>(&address), size) != 0 && errno == EADDRINUSE)
        nap(1);
    return orders;
}

void take_order() {
    char text[2048];
    sockaddr_un from{};
    socklen_t size = sizeof from;
    const ssize_t count = recvfrom(stub.orders, text, sizeof text, MSG_DONTWAIT,
                                   reinterpret_cast<sockaddr*>(&from), &size);
    if (count < 0) return;
    obey({text, static_cast<size_t>(count)});
    sendto(stub.orders, text, static_cast<size_t>(count), MSG_DONTWAIT,
           reinterpret_cast<sockaddr*>(&from), size);
}

void take_message(char first) {
    if (first == shed_message) {
        note("shed");
        if (stub.sheds) let_go();
    }
    if (first != stop_message) return;
    note("stop");
    if (!stub.obeys) return;
    nap(stub.linger_ms);
    _exit(0);
}

void take_messages() {
    char buffer[65536];
    const ssize_t count = read(supervisor_descriptor, buffer, sizeof buffer);
    if (count == 0 && stub.follows_its_parent) _exit(75);
    if (count == 0) close(supervisor_descriptor);
    if (count <= 0) return;
    stub.received.append(buffer, static_cast<size_t>(count));
    while (stub.received.size() >= 4) {
        size_t size = 0;
        for (int i = 0; i < 4; ++i)
            size = size << 8 | static_cast<unsigned char>(stub.received[static_cast<size_t>(i)]);
        if (stub.received.size() < 4 + size) return;
        if (size > 0) take_message(stub.received[4]);
        stub.received.erase(0, 4 + size);
    }
}

}  // namespace

int main() {
    stub.name = variable("STUB_NAME");
    stub.lives = "lives-" + variable("STUB_KIND") + "/" + stub.name;
    note("life " + std::to_string(getpid()));
    prctl(PR_SET_NAME, stub.name.substr(0, 15).c_str());
    signal(SIGPIPE, SIG_IGN);
    stub.orders = open_orders();
    fcntl(supervisor_descriptor, F_SETFL, O_NONBLOCK);
    Result<BoardPage> page = BoardPage::map(board_descriptor, true);
    if (!page) return 70;
    page->beat(now_us() / 1000);
    std::string plan = variable("STUB_DO");
    std::istringstream steps(plan.empty() ? "ready" : plan);
    for (std::string step; std::getline(steps, step, ';');) obey(step);
    for (;;) {
        if (stub.beats) page->beat(now_us() / 1000);
        pollfd ready[] = {{supervisor_descriptor, POLLIN, 0}, {stub.orders, POLLIN, 0}};
        poll(ready, 2, beat_ms);
        if (ready[0].revents & POLLNVAL) nap(1);
        if (ready[0].revents & (POLLIN | POLLHUP)) take_messages();
        if (ready[1].revents & POLLIN) take_order();
    }
}
