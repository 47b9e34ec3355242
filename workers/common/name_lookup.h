// Addresses of a host name, asked for on a thread of its own: the system's resolver blocks for as
// long as a name server is silent.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "workers/common/base/loop.h"
#include "workers/common/base/result.h"

class NameLookup {
  public:
    // Numeric addresses in the order to be tried; never empty.
    using Handler = std::function<void(const Result<std::vector<std::string>>&)>;

    // Calls the handler from the loop, once; unreachable names the host. Destroying the lookup
    // forgets it.
    NameLookup(Loop& loop, const std::string& host, Handler handler);
    ~NameLookup();
    NameLookup(const NameLookup&) = delete;
    NameLookup& operator=(const NameLookup&) = delete;

  private:
    struct Shared;
    std::shared_ptr<Shared> shared_;  // shared with the thread, which nothing can interrupt
    Loop::Registration watch_;
};
