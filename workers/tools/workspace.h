// An agent's workspace: the one directory that its file tools reach.
//
// Names are resolved by the kernel below the directory (openat2): a link or a ".." that leads out
// is refused, whatever was checked before. A file is kept by its descriptor, never looked up twice.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/fd.h"
#include "workers/common/base/result.h"

namespace tools {

class Workspace {
  public:
    static constexpr size_t largest_file = 32u << 20;  // bytes

    // `path` is absolute.
    static Result<Workspace> open(const std::string& path);

    const std::string& path() const { return path_; }
    // A name as the model writes it, relative or absolute, as one below the workspace; "." for the
    // workspace itself.
    Result<std::string> below(std::string_view name) const;
    // The absolute path of an existing directory in it.
    Result<std::string> directory(std::string_view name) const;

    Result<std::string> read(std::string_view name) const;
    // Replaces or makes it, and the directories on the way; another reader sees the old or the new.
    Done write(std::string_view name, std::string_view content) const;
    Done remove(std::string_view name) const;
    // Something of that name is there, be it a link that leads nowhere.
    bool exists(std::string_view name) const;
    // Whether something can be made in it.
    bool is_writable() const;
    // Names of the regular files in a directory, sorted; empty when there is none.
    std::vector<std::string> list(std::string_view name) const;

  private:
    Workspace(std::string path, Fd directory)
        : path_(std::move(path)), directory_(std::move(directory)) {}
    Result<Fd> open_beneath(const std::string& name, int flags) const;
    // The directory that holds it, and its last component.
    Result<Fd> parent_of(const std::string& name, bool make, std::string& leaf) const;

    std::string path_;
    Fd directory_;
};

// Makes one that is missing, for those who share workspaces, where this process may.
Done make_workspace(const std::string& path, const std::string& state_dir);
// Refuses what would hold the state directory or a part of it that is not for agents. `key` is the
// one of the configuration that names it, for the error; empty: none does.
Result<Workspace> open_workspace(const std::string& path, const std::string& state_dir,
                                 const std::string& key);

}  // namespace tools
