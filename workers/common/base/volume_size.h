// How large a file system is for its users, as df has it: what only root may still use counts
// neither as free nor as part of it.
#pragma once

#include <sys/statvfs.h>

#include <cstdint>

inline uint64_t usable_bytes(const struct statvfs& space) {
    return uint64_t{space.f_blocks - space.f_bfree + space.f_bavail} * space.f_frsize;
}

inline uint64_t free_bytes(const struct statvfs& space) {
    return uint64_t{space.f_bavail} * space.f_frsize;
}
