#include "supervisor/log_pump.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "workers/common/base/clock.h"

namespace supervisor {

namespace {

constexpr size_t shortest_secret = 6;
constexpr std::string_view own_name = "supervisor";

// Length of the well-formed UTF-8 sequence at the start, 0 when there is none.
size_t utf8_length(std::string_view text) {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    const size_t length = lead < 0x80                    ? 1
                          : lead >= 0xc2 && lead <= 0xdf ? 2
                          : lead >= 0xe0 && lead <= 0xef ? 3
                          : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                         : 0;
    if (length == 0 || text.size() < length) return 0;
    for (size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xc0) != 0x80) return 0;
    if (lead == 0xe0 && byte(1) < 0xa0) return 0;
    if (lead == 0xed && byte(1) > 0x9f) return 0;
    if (lead == 0xf0 && byte(1) < 0x90) return 0;
    if (lead == 0xf4 && byte(1) > 0x8f) return 0;
    return length;
}

bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](unsigned char byte) {
        return byte == '\t' || (byte >= 0x20 && byte < 0x7f);
    });
}

}  // namespace

std::string mask_secrets(std::string text, const std::vector<std::string>& longest_first) {
    for (const std::string& secret : longest_first)
        for (size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at))
            text.replace(at, secret.size(), "***");
    return text;
}

std::string escape_control(std::string_view text) {
    if (is_plain(text)) return std::string(text);
    std::string out;
    while (!text.empty()) {
        const size_t length = utf8_length(text);
        const auto lead = static_cast<unsigned char>(text[0]);
        // C1 controls (U+0080…U+009F) steer terminals too.
        const bool c1 = length == 2 && lead == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
        if (length == 0 || c1 || lead == 0x7f || (lead < 0x20 && lead != '\t')) {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\x%02x",
                          c1 ? static_cast<unsigned char>(text[1]) : lead);
            out += escaped;
            text.remove_prefix(c1 ? 2 : 1);
        } else {
            out += text.substr(0, length);
            text.remove_prefix(length);
        }
    }
    return out;
}

struct LogPump::Source {
    std::string worker;
    Fd pipe;
    std::string partial;
    bool continued = false;  // the partial line is the rest of one already begun
    Loop::Registration watch;
};

LogPump::LogPump(Loop& loop, int output) : loop_(loop), output_(output) {
    // An open description of our own, where the kind of file allows it: O_NONBLOCK on the
    // inherited one would reach everybody who shares it. A regular file never blocks and is shared
    // with its offset: written through another description, others would write over our lines.
    struct stat info {};
    if (fstat(output, &info) == 0 && S_ISREG(info.st_mode)) return;
    const std::string path = "/proc/self/fd/" + std::to_string(output);
    own_output_ = Fd(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_APPEND | O_CLOEXEC));
    if (own_output_) output_ = own_output_.get();
}

LogPump::~LogPump() = default;

void LogPump::say(std::string_view severity, std::string_view text) {
    line(std::string(own_name),
         severity.empty() ? std::string(text) : std::string(severity) + ": " + std::string(text));
}

void LogPump::follow(const std::string& worker, Fd pipe) {
    auto source = std::make_unique<Source>();
    source->worker = worker;
    source->pipe = std::move(pipe);
    fcntl(source->pipe.get(), F_SETFL, O_NONBLOCK);
    Source* raw = source.get();
    source->watch =
        loop_.watch(raw->pipe.get(), Loop::readable, [this, raw](unsigned) { read(*raw); });
    sources_.push_back(std::move(source));
}

void LogPump::read(Source& source) {
    char buffer[65536];
    const ssize_t count = ::read(source.pipe.get(), buffer, sizeof buffer);
    if (count > 0) return take(source, {buffer, static_cast<size_t>(count)});
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    source.watch.reset();  // closed by the worker; finish() collects it
}

void LogPump::finish(const std::string& worker) {
    for (auto& source : sources_) {
        if (source->worker != worker) continue;
        char buffer[65536];
        ssize_t count = 0;
        // Bounded: a descendant that still holds the pipe could write for ever.
        for (int turns = 0; turns < 64; ++turns) {
            count = ::read(source->pipe.get(), buffer, sizeof buffer);
            if (count <= 0) break;
            take(*source, {buffer, static_cast<size_t>(count)});
        }
        if (!source->partial.empty()) line(worker, source->partial, " [line not finished]");
        source->partial.clear();
    }
    std::erase_if(sources_, [&](const auto& source) { return source->worker == worker; });
}

void LogPump::take(Source& source, std::string_view bytes) {
    while (!bytes.empty()) {
        const size_t end = bytes.find('\n');
        const size_t room = longest_line - source.partial.size();
        const size_t size = std::min(end == std::string_view::npos ? bytes.size() : end, room);
        source.partial.append(bytes.substr(0, size));
        bytes.remove_prefix(size);
        const bool complete = !bytes.empty() && bytes[0] == '\n';
        if (complete) bytes.remove_prefix(1);
        if (!complete && source.partial.size() < longest_line) return;
        const std::string mark = source.continued ? "… " : "";
        line(source.worker, mark + source.partial, complete ? "" : " …");
        source.continued = !complete;
        source.partial.clear();
    }
}

void LogPump::line(const std::string& worker, std::string_view text, std::string_view mark) {
    LogRecord record;
    record.sequence = next_sequence_++;
    record.time_ms = wall_ms();
    record.text = escape_control(mask_secrets(std::string(text), secrets_)) + std::string(mark);
    write_out(iso_time(record.time_ms) + " [" + worker + "] " + record.text + "\n");
    for (const auto& [id, listener] : std::map(listeners_)) listener(worker, record);
    remember(worker, std::move(record));
}

void LogPump::remember(const std::string& worker, LogRecord record) {
    Ring& ring = rings_[worker];
    ring.bytes += record.text.size();
    ring.lines.push_back(std::move(record));
    while (ring.bytes > ring_size) {
        ring.bytes -= ring.lines.front().text.size();
        ring.lines.pop_front();
    }
}

void LogPump::mask(std::vector<std::string> secrets) {
    std::erase_if(secrets, [](const std::string& s) { return s.size() < shortest_secret; });
    std::sort(secrets.begin(), secrets.end(),
              [](const auto& a, const auto& b) { return a.size() > b.size(); });
    secrets_ = std::move(secrets);
}

std::vector<std::pair<std::string, LogRecord>> LogPump::recent(const std::string& worker,
                                                               uint64_t after, size_t most) const {
    std::vector<std::pair<std::string, LogRecord>> found;
    for (const auto& [name, ring] : rings_) {
        if (!worker.empty() && worker != name) continue;
        for (const LogRecord& record : ring.lines)
            if (record.sequence > after) found.emplace_back(name, record);
    }
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return a.second.sequence < b.second.sequence; });
    if (found.size() > most) found.erase(found.begin(), found.end() - static_cast<ptrdiff_t>(most));
    return found;
}

Loop::Registration LogPump::listen(
    std::function<void(const std::string&, const LogRecord&)> listener) {
    const uint64_t id = next_listener_++;
    listeners_[id] = std::move(listener);
    return Loop::Registration([this, id] { listeners_.erase(id); });
}

void LogPump::write_out(std::string text) {
    if (backlog_.size() + text.size() > longest_backlog) {
        ++dropped_;
        ++unreported_drops_;
        return;
    }
    if (unreported_drops_ > 0 && backlog_.empty()) {
        backlog_ = iso_time(wall_ms()) + " [" + std::string(own_name) +
                   "] warn: " + std::to_string(unreported_drops_) +
                   " log lines were dropped because stdout was not read\n";
        unreported_drops_ = 0;
    }
    backlog_ += text;
    write_some();
}

void LogPump::write_some() {
    while (!backlog_.empty() && !output_is_closed_) {
        if (!own_output_) {
            // Shared description: ask first, and write no more than a pipe takes at once.
            pollfd ready{output_, POLLOUT, 0};
            if (poll(&ready, 1, 0) <= 0) break;
        }
        const size_t most = own_output_ ? backlog_.size() : std::min<size_t>(backlog_.size(), 4096);
        const ssize_t count = ::write(output_, backlog_.data(), most);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno == EAGAIN) break;
        if (count < 0) {
            output_is_closed_ = true;  // nobody reads any more; the rings still do their work
            backlog_.clear();
            break;
        }
        backlog_.erase(0, static_cast<size_t>(count));
    }
    if (backlog_.empty())
        retry_.reset();
    else if (!retry_)
        retry_ = loop_.every(std::chrono::milliseconds(20), [this] { write_some(); });
}

void LogPump::flush(std::chrono::milliseconds longest) {
    const int64_t deadline = monotonic_ms() + longest.count();
    write_some();
    while (!backlog_.empty() && !output_is_closed_ && monotonic_ms() < deadline) {
        pollfd ready{output_, POLLOUT, 0};
        poll(&ready, 1, static_cast<int>(std::max<int64_t>(1, deadline - monotonic_ms())));
        write_some();
    }
}

}  // namespace supervisor
