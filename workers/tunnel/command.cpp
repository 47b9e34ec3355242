#include "workers/tunnel/command.h"

namespace tunnel {

Command::Command(Loop& loop)
    : loop_(loop),
      child_(loop, {[this](Child::Stream stream, std::string_view line) {
                        std::string& text =
                            stream == Child::Stream::output ? result_.output : result_.errors;
                        if (text.size() + line.size() < largest_output) (text += line) += '\n';
                    },
                    [this](int code) { ended(code); }}) {}

void Command::run(const ChildOrder& order, std::chrono::milliseconds time, Done done) {
    result_ = {};
    done_ = std::move(done);
    if (const auto started = child_.start(order); !started) {
        result_.errors = started.error().what;
        return loop_.soon([this] { ended(-1); });
    }
    deadline_ = loop_.after(time, [this] {
        result_.timed_out = true;
        child_.kill_now();
    });
}

void Command::cancel() {
    done_ = nullptr;
    deadline_.reset();
    child_.kill_now();
}

void Command::ended(int code) {
    deadline_.reset();
    result_.code = code;
    const CommandResult result = std::move(result_);
    if (const Done done = std::exchange(done_, nullptr)) done(result);
}

}  // namespace tunnel
