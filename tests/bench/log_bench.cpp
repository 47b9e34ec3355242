// How fast the log is: processes that write lines of 120 bytes as fast as they can, the log pump
// alone in a process as in the supervisor, a reader that checks every line. Prints a table.
//
//   log_bench [megabytes per run]

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "supervisor/log_pump.h"

namespace {

constexpr size_t line_size = 120;  // with its line break
constexpr size_t number_size = 9;
constexpr size_t stamp_size = 24;
constexpr size_t tag_size = 6;  // " [w0] "
constexpr size_t output_size = stamp_size + tag_size + line_size;

struct Outcome {
    double seconds = 0;
    double processor_seconds = 0;  // of the pump
    uint64_t wrong = 0;            // lines missing, torn or out of order
};

double now_s() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

double used_s() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

void write_number(char* at, uint64_t number) {
    for (size_t digit = number_size; digit-- > 0; number /= 10)
        at[digit] = static_cast<char>('0' + number % 10);
}

[[noreturn]] void write_lines(int pipe, uint64_t lines, size_t lines_per_write) {
    std::string block;
    for (size_t i = 0; i < lines_per_write; ++i)
        block += std::string(number_size, '0') +
                 " the quick brown fox jumps over the lazy dog, again and again, until the pipe "
                 "is full of it all..............." +
                 "\n";
    if (block.size() != lines_per_write * line_size) std::abort();
    for (uint64_t number = 0; number < lines;) {
        const size_t count = std::min<uint64_t>(lines_per_write, lines - number);
        for (size_t i = 0; i < count; ++i) write_number(block.data() + i * line_size, number++);
        for (size_t at = 0; at < count * line_size;) {
            const ssize_t size = write(pipe, block.data() + at, count * line_size - at);
            if (size <= 0) _exit(1);
            at += static_cast<size_t>(size);
        }
    }
    _exit(0);
}

// Every line has the same size, so a lost or torn one shows in all that follow.
[[noreturn]] void read_lines(int pipe, uint64_t lines, size_t streams, int result) {
    std::vector<uint64_t> next(streams, 0);
    std::vector<char> buffer(1u << 20);
    size_t filled = 0;
    uint64_t good = 0;
    ssize_t count;
    while ((count = read(pipe, buffer.data() + filled, buffer.size() - filled)) > 0) {
        filled += static_cast<size_t>(count);
        size_t at = 0;
        for (; filled - at >= output_size; at += output_size) {
            const char* const line = buffer.data() + at;
            const auto stream = static_cast<size_t>(line[stamp_size + 3] - '0');
            char wanted[number_size];
            if (stream >= streams || line[output_size - 1] != '\n') continue;
            write_number(wanted, next[stream]++);
            good += std::memcmp(wanted, line + stamp_size + tag_size, number_size) == 0 ? 1 : 0;
        }
        filled -= at;
        std::memmove(buffer.data(), buffer.data() + at, filled);
    }
    const uint64_t wrong = streams * lines - std::min(good, streams * lines) + filled;
    if (write(result, &wrong, sizeof wrong) != sizeof wrong) _exit(1);
    _exit(0);
}

struct Pipe {
    Fd read;
    Fd write;
    Pipe() {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
        read = Fd(ends[0]);
        write = Fd(ends[1]);
    }
};

template <typename Task>
pid_t start(const Task& task) {
    const pid_t pid = fork();
    if (pid == 0) task();
    return pid;
}

void pump_until_all_ended(int output, std::vector<Pipe>& pipes, std::vector<pid_t> writers) {
    const std::unique_ptr<Loop> loop = make_epoll_loop();
    supervisor::LogPump pump(*loop, output);
    pump.limit(UINT32_MAX);
    pump.mask({"sk-ant-api03-Wv9mJ4k2", "xoxb-1234567890-abcdefghij", "MTA4NzY1NDMyMQ.GkZ9aQ.x",
               "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "gateway-token-4711"});
    std::string name = "w0";
    for (Pipe& pipe : pipes) {
        pump.follow(name, std::move(pipe.read));
        ++name[1];
    }
    const auto look = loop->every(std::chrono::milliseconds(1), [&] {
        std::erase_if(writers, [](pid_t pid) { return waitpid(pid, nullptr, WNOHANG) == pid; });
        if (writers.empty()) loop->stop(0);
    });
    loop->run();
    for (name = "w0"; static_cast<size_t>(name[1] - '0') < pipes.size(); ++name[1])
        pump.finish(name);
    pump.flush(std::chrono::seconds(10));
}

Outcome run(size_t streams, size_t lines_per_write, uint64_t bytes) {
    const uint64_t lines = bytes / line_size / streams;
    Pipe output;
    Pipe result;
    std::vector<Pipe> pipes(streams);
    const pid_t reader = start([&] {
        output.write.reset();
        read_lines(output.read.get(), lines, streams, result.write.get());
    });
    const double begin = now_s();
    const double used = used_s();
    std::vector<pid_t> writers;
    for (Pipe& pipe : pipes) {
        writers.push_back(start([&] { write_lines(pipe.write.get(), lines, lines_per_write); }));
        pipe.write.reset();
    }
    pump_until_all_ended(output.write.get(), pipes, writers);
    output.write.reset();
    Outcome outcome;
    if (read(result.read.get(), &outcome.wrong, sizeof outcome.wrong) < 0) outcome.wrong = lines;
    outcome.seconds = now_s() - begin;
    outcome.processor_seconds = used_s() - used;
    waitpid(reader, nullptr, 0);
    return outcome;
}

}  // namespace

int main(int count, char** arguments) {
    const uint64_t megabytes = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 400;
    struct Row {
        const char* name;
        size_t streams;
        size_t lines_per_write;
    };
    constexpr Row rows[] = {{"1 stream", 1, 500},
                            {"8 streams", 8, 500},
                            {"1 stream, a write per line", 1, 1},
                            {"8 streams, a write per line", 8, 1}};
    std::printf("%-30s %8s %26s %s\n", "120-byte lines, masked", "MB/s", "processor s per 96 MB",
                "lines lost or torn");
    uint64_t wrong = 0;
    for (const Row& row : rows) {
        const uint64_t bytes = megabytes * 1'000'000 / (row.lines_per_write == 1 ? 4 : 1);
        const Outcome outcome = run(row.streams, row.lines_per_write, bytes);
        const double size = static_cast<double>(bytes) / 1e6;
        std::printf("%-30s %8.0f %26.3f %llu\n", row.name, size / outcome.seconds,
                    outcome.processor_seconds * 96 / size,
                    static_cast<unsigned long long>(outcome.wrong));
        wrong += outcome.wrong;
    }
    return wrong == 0 ? 0 : 1;
}
