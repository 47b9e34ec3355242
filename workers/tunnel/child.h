// A program of somebody else's that this worker runs: started with nothing but what it is given,
// read line by line, told to end and made to end.
//
// It stays in this worker's process group and control group, so that it cannot outlive the worker.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/fd.h"
#include "workers/common/base/loop.h"
#include "workers/common/base/result.h"

namespace tunnel {

struct ChildOrder {
    std::string program;  // a path, or a name that is looked for in PATH
    std::vector<std::string> arguments;
    // "NAME=value", all of it.
    std::vector<std::string> environment;
    // What it reads from descriptor 3, when not empty: a secret that is in no file and no argument.
    std::string secret;
};

// The directories that a program without a path is looked for in.
inline constexpr const char* usual_path = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
// Empty: it is in none of them.
std::string find_program(const std::string& name, const std::string& path);

class Child {
  public:
    enum class Stream { output, errors };
    static constexpr size_t longest_line = 16 * 1024;

    struct Handlers {
        std::function<void(Stream, std::string_view line)> line;
        // Its exit code, 128 + n when signal n ended it; all its lines have been told.
        std::function<void(int code)> ended;
    };

    Child(Loop& loop, Handlers handlers);
    ~Child();  // kills it
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    Done start(const ChildOrder& order);
    // SIGTERM, and SIGKILL when that does not help in time.
    void end(std::chrono::milliseconds patience);
    void kill_now();
    bool is_running() const { return pid_ > 0; }
    pid_t pid() const { return pid_; }

  private:
    struct Pipe {
        Fd end;
        Loop::Registration watch;
        std::string partial;
        bool skips = false;  // the rest of a line that is too long
    };
    void read(Pipe& pipe, Stream stream);
    void tell(Pipe& pipe, Stream stream, std::string_view bytes);
    void process_ended();

    Loop& loop_;
    Handlers handlers_;
    pid_t pid_ = 0;
    Fd pidfd_;
    Loop::Registration ended_watch_;
    Pipe output_;
    Pipe errors_;
    Loop::Registration patience_;
};

}  // namespace tunnel
