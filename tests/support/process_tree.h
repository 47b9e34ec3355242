// What /proc says about a process and its descendants.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

struct ProcessEntry {
    pid_t pid = 0;
    pid_t parent = 0;
    char state = '?';  // 'Z': ended, not yet collected
    std::string name;
    uid_t user = 0;
};

// All processes below `root`, itself not included.
std::vector<ProcessEntry> descendants_of(pid_t root);
bool is_running(pid_t pid);  // a zombie is not
// Bytes, summed over smaps_rollup of all of them.
size_t proportional_set_size(const std::vector<pid_t>& pids);
// Bytes of the physical pages that all of them use together, each page counted once and in full:
// what they take where nothing else runs that shares their libraries. Needs root; else 0.
size_t distinct_pages_size(const std::vector<pid_t>& pids);
// The file's content; NULs kept.
std::string read_proc(pid_t pid, const std::string& file);
