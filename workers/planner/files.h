// Reading and writing the planner's few files. A write is whole or not at all.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/file_state.h"
#include "workers/common/base/result.h"

namespace planner {

// Larger configuration files are refused: what the workers are told has to fit into one message.
inline constexpr size_t largest_config = 1u << 20;

// Error::sys is ENOENT when there is none.
Result<std::string> read_file(const std::string& path, size_t largest);

// What read_file was asked for in this process since forget_files_read(), each as it was before it
// was read. A planner answers one question in its life, so that is what the answer depends on.
// Nothing when a file may change without leaving that state.
struct FileRead {
    std::string path;
    FileState state;
};
std::optional<std::vector<FileRead>> files_read();
void forget_files_read();

enum class Durable { no, yes };

// Writes beside the file and renames over it, mode 0600; a symbolic link stays and its target is
// replaced. With Durable::yes the bytes are on the disk when it returns.
Done write_file(const std::string& path, std::string_view text, Durable durable);

// Creates a directory and its parents, mode 0700.
Done make_directories(const std::string& path);

// "" for a path without a slash.
std::string directory_of(const std::string& path);
// Joins, and removes "." and "..", without asking the file system.
std::string normal_path(const std::string& directory, const std::string& path);
// Where a path leads after following symbolic links; the path itself when it does not exist.
std::string link_target(const std::string& path);

std::string sha256_hex(std::string_view text);

}  // namespace planner
