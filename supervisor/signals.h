// Every signal but those of a crash, as events of the loop.
#pragma once

#include <functional>

#include "workers/common/base/fd.h"
#include "workers/common/base/loop.h"
#include "workers/common/base/result.h"

namespace supervisor {

// While signals wait for the loop, which does not turn yet: whether one of them asks us to end.
bool is_asked_to_end();

class Signals {
  public:
    explicit Signals(Loop& loop) : loop_(loop) {}

    // Blocks all signals of this thread; those that mean something go to the handler.
    Done watch(std::function<void(int number)> handler);

  private:
    Loop& loop_;
    Fd source_;
    std::function<void(int)> handler_;
    Loop::Registration registration_;
};

}  // namespace supervisor
