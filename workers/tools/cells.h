// The desk's end of the launcher: starts cells, hears of their end.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "proto/tools_launcher.pb.h"
#include "workers/common/base/fd.h"
#include "workers/common/base/loop.h"
#include "workers/common/base/result.h"

namespace tools {

// Ends of the pipes to a command; none of them blocks.
struct CellPipes {
    Fd input;   // written to
    Fd output;  // what it writes, both ways in one
    Fd report;  // why it could not start; ends empty when it did
};

class Cells {
  public:
    // `socket` leads to the launcher.
    Cells(Loop& loop, Fd socket);

    // Once: what of the walls is missing here.
    void on_walls(std::function<void(const std::vector<std::string>& missing)> handler) {
        on_walls_ = std::move(handler);
    }
    // The launcher is gone; nothing can be started any more.
    void on_gone(std::function<void()> handler) { on_gone_ = std::move(handler); }

    struct Started {
        uint64_t id = 0;
        CellPipes pipes;
    };
    // `ended` is called with the exit code, as a shell has it, once nothing of it is left.
    Result<Started> start(hardshell::proto::StartCell order, std::function<void(int code)> ended);
    // SIGTERM: the command is asked; SIGKILL: all of the cell ends.
    void signal(uint64_t id, int number);
    // Ends the cell and hears no more of it.
    void abandon(uint64_t id);

  private:
    void take();

    Loop& loop_;
    Fd socket_;
    Loop::Registration watch_;
    uint64_t next_id_ = 1;
    std::map<uint64_t, std::function<void(int)>> open_;
    std::function<void(const std::vector<std::string>&)> on_walls_;
    std::function<void()> on_gone_;
};

}  // namespace tools
