// Small JSON files that a worker shares with the command lines, ours and the stock one.
//
// A change is made under the stock lock (a directory "<file>.lock"), whole and synced, and leaves
// the file to whom it belonged. Never follows a symbolic link inside the directory: a worker could
// have laid it.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "workers/common/base/fd.h"
#include "workers/common/base/json.h"
#include "workers/common/base/result.h"

class SharedDirectory {
  public:
    static Result<SharedDirectory> open(const std::string& path);

    std::vector<std::string> names() const;
    // An empty object where there is no such file; bad_message names one that cannot be read.
    Result<Json> read(const std::string& name) const;
    // `edit` changes what is there; its error leaves the file as it is. busy: another program has
    // locked it for so long; a process that must not wait gives no time.
    static constexpr std::chrono::milliseconds usual_patience{10'000};
    Done change(const std::string& name, const std::function<Done(Json&)>& edit,
                std::chrono::milliseconds patience = usual_patience) const;

  private:
    SharedDirectory(std::string path, Fd directory)
        : path_(std::move(path)), directory_(std::move(directory)) {}
    Done write(const std::string& name, const std::string& text) const;

    std::string path_;
    Fd directory_;
};
