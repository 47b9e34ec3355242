// Small JSON files that this program shares with workers and with the stock command line.
//
// A change is made under the stock lock (a directory "<file>.lock"), whole and synced, and leaves the
// file to whom it belonged. Never follows a symbolic link inside the directory: a worker could have
// laid it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "workers/common/base/fd.h"
#include "workers/common/base/json.h"
#include "workers/common/base/result.h"

namespace cli {

class SharedDirectory {
  public:
    static Result<SharedDirectory> open(const std::string& path);

    std::vector<std::string> names() const;
    // An empty object where there is no such file; bad_message names one that cannot be read.
    Result<Json> read(const std::string& name) const;
    // `edit` changes what is there; its error leaves the file as it is.
    Done change(const std::string& name, const std::function<Done(Json&)>& edit) const;

  private:
    SharedDirectory(std::string path, Fd directory)
        : path_(std::move(path)), directory_(std::move(directory)) {}
    Done write(const std::string& name, const std::string& text) const;

    std::string path_;
    Fd directory_;
};

}  // namespace cli
