// A control group of the test's own: around a whole supervisor, so that what runs away stays inside
// whatever the supervisor does, or around one process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "workers/common/base/fd.h"

class ControlGroup {
  public:
    // Below the test's own group in the version 1 tree of that controller. Where there is no such
    // tree, or it may not be divided, exists() is false.
    explicit ControlGroup(const std::string& controller);
    // Removes it with the groups below; waits for processes that are ending.
    ~ControlGroup();
    ControlGroup(const ControlGroup&) = delete;
    ControlGroup& operator=(const ControlGroup&) = delete;

    bool exists() const { return static_cast<bool>(door_); }
    const std::string& path() const { return path_; }
    bool set(const std::string& file, const std::string& value) const;
    // The first number in the file.
    std::optional<uint64_t> number(const std::string& file) const;
    bool take(pid_t process) const;
    // The calling process enters; a system call only.
    void enter() const;

  private:
    std::string path_;
    Fd door_;
};

// What a process may be shown of this machine's control groups: no tree, empty directories, or all
// of them to be read only.
enum class Groups { none, not_ours, read_only };
// For before_exec, as root; changes what the process sees, not in which groups it is.
std::function<void()> view_of(Groups groups);

// The directory of a process's group in that controller's tree; empty where there is none.
std::string group_of(pid_t process, const std::string& controller);
// To what the kernel holds a process's group; nothing where it does not.
std::optional<uint64_t> memory_limit_of(pid_t process);
std::optional<uint64_t> task_limit_of(pid_t process);
// The number after that word, or the first one.
std::optional<uint64_t> number_in(const std::string& path, const std::string& word = "");
