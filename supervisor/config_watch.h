// Notices that openclaw.json, or hardshell.json or exec-approvals.json beside it, has changed, and
// says so once the files have been quiet for a while. Looks at names only, never into a file.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "workers/common/base/fd.h"
#include "workers/common/base/loop.h"
#include "workers/common/base/result.h"

namespace supervisor {

class ConfigWatch {
  public:
    // Editors write a file in several steps; OpenClaw waits as long for the last one.
    static constexpr std::chrono::milliseconds settle{200};
    static constexpr std::chrono::milliseconds usual_quiet{300};

    // `changed` hears of a change nobody asked to be put in force, `due` of one that was.
    ConfigWatch(Loop& loop, std::function<void()> changed, std::function<void()> due)
        : loop_(loop), changed_(std::move(changed)), due_(std::move(due)) {}

    // Where the file is a symbolic link, its target is watched too.
    Done begin(const std::string& config_path);
    void set_quiet(std::chrono::milliseconds quiet) { quiet_ = quiet; }
    // A change that was asked for is to be put in force after that time. Until then nothing is said
    // of changes: they will be part of it.
    void due_in(std::chrono::milliseconds delay);

  private:
    Done add(const std::string& path);
    void read_events();

    Loop& loop_;
    std::function<void()> changed_;
    std::function<void()> due_;
    std::chrono::milliseconds quiet_ = usual_quiet;
    Fd inotify_;
    std::map<int, std::set<std::string>> names_;  // by watched directory
    Loop::Registration events_;
    Loop::Registration quiet_timer_;
    Loop::Registration due_timer_;
};

}  // namespace supervisor
