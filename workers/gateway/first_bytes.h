// A connection whose first bytes have not come: which path they ask for, before anybody has read
// them. Nothing is read here; whoever the connection is for does that.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "workers/common/base/fd.h"
#include "workers/common/base/loop.h"

namespace gateway {

class FirstBytes {
  public:
    // Bytes of a request in which a public path would be seen, method and all.
    static constexpr size_t longest = 256;

    // Called once: with the path, which is valid until it returns, or with nothing when so many
    // bytes show none. No connection: it ended before that. May destroy its FirstBytes.
    using Seen = std::function<void(std::optional<std::string_view> path, Fd connection)>;

    // Where many connections come at once they are there already: `seen` is called from within.
    void wait(Loop& loop, Fd connection, Seen seen);
    // `seen` is not called any more.
    void stop() { watch_.reset(); }

  private:
    // False: it is told, and this perhaps no more.
    bool look();
    void tell(std::optional<std::string_view> path, Fd connection);

    Fd connection_;
    Seen seen_;
    size_t there_ = 0;  // bytes, when they were last looked at
    Loop::Registration watch_;
};

}  // namespace gateway
