// Reads a file that must lie below a directory, whatever its name and the links there say: the
// kernel resolves the name and refuses one that would leave (openat2).
#pragma once

#include <cstdint>
#include <string>

#include "workers/common/base/fd.h"
#include "workers/common/base/result.h"

struct FileBeneath {
    Fd file;
    uint64_t size = 0;
};
// An open regular file. bad_message: there is none below the directory; system: the directory
// cannot be opened. `name` is relative, "a/b.png".
Result<FileBeneath> open_file_beneath(const std::string& directory, const std::string& name);
// The same file's whole content; bad_message too when it is larger than `most`.
Result<std::string> read_file_beneath(const std::string& directory, const std::string& name,
                                      size_t most);
