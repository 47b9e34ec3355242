#include "supervisor/log_output.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "workers/common/base/clock.h"

namespace supervisor {

namespace {

constexpr std::chrono::milliseconds retry_period{100};
constexpr int pipe_size = 1 << 20;
// Twice the backlog: what waits is moved to the front once per backlog written, not per write.
constexpr size_t memory_size = 2 * LogOutput::longest_backlog;
// Memory beyond this goes back to the machine when a backlog has been worked off.
constexpr size_t memory_kept = 2u << 20;

Fd open_output(const std::string& path) {
    return Fd(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_APPEND | O_CLOEXEC | O_NOCTTY));
}

}  // namespace

LogOutput::LogOutput(Loop& loop, int descriptor, std::vector<std::string> fallbacks)
    : loop_(loop), output_(descriptor), fallbacks_(std::move(fallbacks)) {
    std::reverse(fallbacks_.begin(), fallbacks_.end());
    // An open description of our own, where the kind of file allows it: O_NONBLOCK on the
    // inherited one would reach everybody who shares it. A regular file never blocks and is shared
    // with its offset: written through another description, others would write over our lines.
    struct stat info {};
    if (fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode)) return;
    own_output_ = open_output("/proc/self/fd/" + std::to_string(descriptor));
    if (own_output_) output_ = own_output_.get();
    // Fewer turns between us and the reader: a quarter more lines per second. May be refused.
    fcntl(output_, F_SETPIPE_SZ, pipe_size);
}

bool LogOutput::append(std::initializer_list<std::string_view> parts, uint64_t lines) {
    size_t size = 0;
    for (const std::string_view part : parts) size += part.size();
    if (!accepts() || !make_room(size)) {
        overrun_ = true;
        dropped_ += lines;
        return false;
    }
    overrun_ = false;
    for (const std::string_view part : parts) {
        std::memcpy(backlog_.get() + end_, part.data(), part.size());
        end_ += part.size();
    }
    return true;
}

bool LogOutput::make_room(size_t size) {
    if (waiting() + size > longest_backlog) return false;
    // Not cleared: what no line has reached yet costs no memory.
    if (!backlog_) backlog_.reset(new char[memory_size]);
    if (end_ + size > memory_size) {
        std::memmove(backlog_.get(), backlog_.get() + begin_, waiting());
        end_ -= begin_;
        begin_ = 0;
    }
    furthest_ = std::max(furthest_, end_ + size);
    return true;
}

ssize_t LogOutput::write_once() {
    size_t most = waiting();
    if (!own_output_) {
        // Shared description: ask first, and write no more than a pipe takes at once.
        pollfd ready{output_, POLLOUT, 0};
        if (poll(&ready, 1, 0) <= 0) {
            errno = EAGAIN;
            return -1;
        }
        most = std::min<size_t>(most, 4096);
    }
    return ::write(output_, backlog_.get() + begin_, most);
}

void LogOutput::write_some() {
    if (waiting() == 0) return;
    while (waiting() > 0) {
        const ssize_t count = write_once();
        if (count >= 0) {
            begin_ += static_cast<size_t>(count);
            taken_ms_ = monotonic_ms();
            if (count > 0) in_mid_line_ = backlog_[begin_ - 1] != '\n';
        } else if (errno == EAGAIN || errno == ENOSPC || errno == EDQUOT) {
            return watch_for_room();  // a full disk may have room again later
        } else if (errno != EINTR) {
            give_up_descriptor();
        }
    }
    forget_all();
    if (on_drained_) on_drained_();
}

void LogOutput::give_up_descriptor() {
    if (watched_ >= 0) watch_.reset();
    watched_ = -1;
    const char* const from = backlog_.get() + begin_;
    if (in_mid_line_) {  // its beginning went where nobody reads
        const void* const line_break = std::memchr(from, '\n', waiting());
        begin_ += static_cast<size_t>(static_cast<const char*>(line_break) - from) + 1;
        in_mid_line_ = false;
        ++dropped_;
    }
    own_output_.reset();
    while (!own_output_ && !fallbacks_.empty()) {
        own_output_ = open_output(fallbacks_.back());
        fallbacks_.pop_back();
    }
    output_ = own_output_.get();
    if (own_output_) return;
    is_closed_ = true;  // whoever wants to know asks for the rings
    dropped_ +=
        static_cast<uint64_t>(std::count(backlog_.get() + begin_, backlog_.get() + end_, '\n'));
    begin_ = end_;
}

void LogOutput::forget_all() {
    begin_ = end_ = 0;
    if (furthest_ > memory_kept) {
        backlog_.reset();
        furthest_ = 0;
    }
    if (watched_ >= 0) loop_.rewatch(watched_, 0);
    retry_.reset();
}

void LogOutput::watch_for_room() {
    if (watched_ != output_) {
        watch_ = loop_.watch(output_, Loop::writable, [this](unsigned) { write_some(); });
        watched_ = output_;
    }
    loop_.rewatch(output_, Loop::writable);
    // A file on a full disk cannot be watched.
    if (!retry_) retry_ = loop_.every(retry_period, [this] { write_some(); });
}

void LogOutput::flush(std::chrono::milliseconds longest) {
    const int64_t deadline = monotonic_ms() + longest.count();
    write_some();
    while (waiting() > 0 && monotonic_ms() < deadline) {
        pollfd ready{output_, POLLOUT, 0};
        poll(&ready, 1, static_cast<int>(std::max<int64_t>(1, deadline - monotonic_ms())));
        write_some();
    }
}

}  // namespace supervisor
