#include "tests/support/line_log.h"

#include <unistd.h>

void LineLog::follow(Fd pipe) {
    join();
    ended_ = false;
    reader_ = std::thread([this, end = pipe.release()] { read(Fd(end)); });
}

void LineLog::join() {
    if (reader_.joinable()) reader_.join();
}

void LineLog::read(Fd pipe) {
    std::string rest;
    char buffer[65536];
    ssize_t count;
    while ((count = ::read(pipe.get(), buffer, sizeof buffer)) > 0) {
        rest.append(buffer, static_cast<size_t>(count));
        const std::lock_guard lock(mutex_);
        size_t begin = 0;
        for (size_t end; (end = rest.find('\n', begin)) != std::string::npos; begin = end + 1)
            lines_.push_back(rest.substr(begin, end - begin));
        rest.erase(0, begin);
        arrived_.notify_all();
    }
    const std::lock_guard lock(mutex_);
    if (!rest.empty()) lines_.push_back(rest);
    ended_ = true;
    arrived_.notify_all();
}

std::vector<std::string> LineLog::lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
}

std::string LineLog::text() const {
    std::string text;
    for (const std::string& line : lines()) text += line + "\n";
    return text;
}

size_t LineLog::count() const {
    const std::lock_guard lock(mutex_);
    return lines_.size();
}

std::optional<std::string> LineLog::wait(const std::string& text, size_t from,
                                         std::chrono::milliseconds limit) const {
    const auto end = std::chrono::steady_clock::now() + limit;
    std::unique_lock lock(mutex_);
    for (size_t at = from;;) {
        for (; at < lines_.size(); ++at)
            if (lines_[at].find(text) != std::string::npos) return lines_[at];
        if (ended_ || arrived_.wait_until(lock, end) == std::cv_status::timeout)
            return std::nullopt;
    }
}
