// A directory of JSON files, each an object of records by id. The gateway is their only writer.
//
// A change is on disk, whole and synced, when write() has returned; a kill at any instant leaves
// the old file or the new one. A file that cannot be read is kept aside, never overwritten.
#pragma once

#include <string>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/common/base/result.h"

namespace gateway {

class RecordFiles {
  public:
    // The directory is created when it is first written to.
    explicit RecordFiles(std::string directory) : directory_(std::move(directory)) {}

    // The records, or none; a problem is added as a sentence that ends with `consequence`.
    Json read(const std::string& name, const std::string& consequence, int64_t now_ms,
              std::vector<std::string>& problems) const;
    // Any object, of a file that is not worth keeping when it cannot be read.
    Json read_object(const std::string& name) const;
    Done write(const std::string& name, const Json& records) const;

  private:
    std::string directory_;
};

}  // namespace gateway
