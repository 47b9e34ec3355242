// Tells one state of a file from the next without reading it.
#pragma once

#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>

struct FileState {
    uint64_t device = 0;
    uint64_t inode = 0;
    int64_t size = -1;  // -1: there is no file
    int64_t modified_ns = 0;
    int64_t changed_ns = 0;

    bool operator==(const FileState&) const = default;

    static FileState of(const struct stat& info) {
        constexpr int64_t second = 1'000'000'000;
        return {info.st_dev, info.st_ino, info.st_size,
                info.st_mtim.tv_sec * second + info.st_mtim.tv_nsec,
                info.st_ctim.tv_sec * second + info.st_ctim.tv_nsec};
    }
    // Nothing when it cannot be told.
    static std::optional<FileState> of(const std::string& path) {
        struct stat info {};
        if (::stat(path.c_str(), &info) == 0) return of(info);
        if (errno == ENOENT) return FileState{};
        return {};
    }
    // File systems count time in steps of some milliseconds: a second change within one leaves no
    // trace. Long enough ago, the next change will show.
    bool is_settled(int64_t now_ns) const {
        constexpr int64_t longest_step = 50'000'000;
        return size < 0 || (changed_ns < now_ns - longest_step);
    }
};
