// A mount namespace of the test's own, with one file system in it that the test may fill, break or
// make read-only.
#pragma once

#include <string>

#include "workers/common/base/fd.h"

class OwnMount {
  public:
    // In the calling thread and in what it forks from now on.
    OwnMount();
    // Gives up what is mounted; the thread returns to the namespace it came from.
    ~OwnMount();
    OwnMount(const OwnMount&) = delete;
    OwnMount& operator=(const OwnMount&) = delete;

    const std::string& path() const { return path_; }
    // Each false when the machine does not allow it.
    bool in_memory(size_t bytes);
    bool ext4(size_t bytes);
    bool make_read_only() const;
    bool make_writable() const;
    // An ext4 that met an error and stopped taking writes.
    bool fail() const;
    // Writes until nothing more fits.
    void fill() const;
    void make_room() const;

  private:
    Fd before_;
    std::string path_;
    std::string image_;
    bool is_mounted_ = false;
};
