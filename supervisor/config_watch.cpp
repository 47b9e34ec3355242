#include "supervisor/config_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

namespace supervisor {

namespace {

// A file is written in place, replaced by another, or taken away.
constexpr uint32_t watched = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;
constexpr auto own_settings = "hardshell.json";
constexpr auto approvals = "exec-approvals.json";

std::pair<std::string, std::string> directory_and_name(const std::string& path) {
    const size_t slash = path.rfind('/');
    return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

std::string target_of(const std::string& path) {
    char target[PATH_MAX];
    return realpath(path.c_str(), target) ? target : path;
}

}  // namespace

Done ConfigWatch::begin(const std::string& config_path) {
    inotify_ = Fd(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!inotify_) return system_error("cannot watch " + config_path, errno);
    if (Done added = add(config_path); !added) return added;
    for (const char* beside : {own_settings, approvals})
        if (Done added = add(directory_and_name(config_path).first + "/" + beside); !added)
            return added;
    if (const std::string target = target_of(config_path); target != config_path)
        if (Done added = add(target); !added) return added;
    events_ = loop_.watch(inotify_.get(), Loop::readable, [this](unsigned) { read_events(); });
    return {};
}

Done ConfigWatch::add(const std::string& path) {
    const auto [directory, name] = directory_and_name(path);
    const int number = inotify_add_watch(inotify_.get(), directory.c_str(), watched);
    if (number < 0) return system_error("cannot watch " + directory, errno);
    names_[number].insert(name);
    return {};
}

void ConfigWatch::read_events() {
    alignas(inotify_event) char buffer[4096];
    bool is_ours = false;
    for (;;) {
        const ssize_t size = read(inotify_.get(), buffer, sizeof buffer);
        if (size <= 0) break;
        for (ssize_t at = 0; at < size;) {
            inotify_event event;
            std::memcpy(&event, buffer + at, sizeof event);
            const char* name = buffer + at + sizeof event;
            // Events were lost: one of them may have been ours.
            if (event.mask & IN_Q_OVERFLOW) is_ours = true;
            if (const auto names = names_.find(event.wd); event.len > 0 && names != names_.end())
                is_ours |= names->second.contains(name);
            at += static_cast<ssize_t>(sizeof event + event.len);
        }
    }
    if (!is_ours || due_timer_) return;
    quiet_timer_ = loop_.after(settle + quiet_, changed_);
}

void ConfigWatch::due_in(std::chrono::milliseconds delay) {
    quiet_timer_.reset();
    due_timer_ = loop_.after(delay, [this] {
        due_timer_.reset();
        due_();
    });
}

}  // namespace supervisor
