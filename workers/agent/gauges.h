// What the agent shows on the status board beside its counts: who waits and since when, and how
// full the volume is. Looked at every few seconds; asks nobody and waits for nothing.
#pragma once

#include "workers/agent/channels/channels.h"
#include "workers/agent/runs.h"
#include "workers/common/base/board_page.h"
#include "workers/common/base/loop.h"

namespace agent {

class Gauges {
  public:
    struct Sources {
        const Runs& runs;
        const Outbox& outbox;
        const ChannelTurns& turns;
        std::string state_dir = ".";  // as this process reaches it
    };
    static constexpr std::chrono::seconds period{5};

    // Looks at once, then once in each period.
    Gauges(Loop& loop, BoardPage& board, Sources sources);

  private:
    void look();

    BoardPage& board_;
    Sources sources_;
    Loop::Registration timer_;
};

}  // namespace agent
