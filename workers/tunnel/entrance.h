// Where a tunnel leads to: a listener on loopback where public paths are served and nothing else.
#pragma once

#include <vector>

#include "workers/common/base/fd.h"
#include "workers/common/base/loop.h"
#include "workers/common/routes/path_door.h"

namespace tunnel {

class Entrance {
  public:
    // Takes over the listening sockets.
    Entrance(Loop& loop, const std::vector<int>& listeners, PathDoor& door);

    // 0 without a listener.
    uint16_t port() const;
    // Nobody comes in any more.
    void close();

  private:
    void accept_some(int listener);

    Loop& loop_;
    PathDoor& door_;
    std::vector<Fd> listeners_;
    std::vector<Loop::Registration> watches_;
    Loop::Registration pause_;
};

}  // namespace tunnel
