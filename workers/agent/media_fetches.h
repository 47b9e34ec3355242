// What requests name by an address, fetched by the tools worker: it alone reaches the internet at
// large, and only public addresses of it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "workers/agent/tool_box.h"
#include "workers/common/base/result.h"

namespace agent {

class MediaFetches {
  public:
    // `tools` may be null: nothing can be fetched.
    explicit MediaFetches(ToolBox* tools);
    ~MediaFetches();

    // {mimeType, data}, or why not. bad_message: it will not be any other next time.
    using Ended = std::function<void(const Result<Json>& medium)>;
    // False when nobody is there to fetch; `ended` is not called then, nor from within.
    bool start(Json order, Ended ended);

  private:
    class Fetch;
    ToolBox* tools_;
    std::map<uint64_t, std::unique_ptr<Fetch>> open_;
    uint64_t next_ = 1;
};

}  // namespace agent
