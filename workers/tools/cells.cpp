#include "workers/tools/cells.h"

#include <fcntl.h>
#include <signal.h>

#include <cerrno>

#include "workers/tools/packets.h"

namespace tools {

using hardshell::proto::FromLauncher;
using hardshell::proto::StartCell;
using hardshell::proto::ToLauncher;

namespace {

struct Pipe {
    Fd ours;
    Fd theirs;
};

Result<Pipe> make_pipe(bool we_write) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return system_error("cannot make a pipe", errno);
    Pipe pipe{Fd(ends[we_write ? 1 : 0]), Fd(ends[we_write ? 0 : 1])};
    fcntl(pipe.ours.get(), F_SETFL, O_NONBLOCK);
    return pipe;
}

}  // namespace

Cells::Cells(Loop& loop, Fd socket) : loop_(loop), socket_(std::move(socket)) {
    watch_ = loop_.watch(socket_.get(), Loop::readable, [this](unsigned) { take(); });
}

Result<Cells::Started> Cells::start(StartCell order, std::function<void(int)> ended) {
    Result<Pipe> input = make_pipe(true);
    if (!input) return input.error();
    Result<Pipe> output = make_pipe(false);
    if (!output) return output.error();
    Result<Pipe> report = make_pipe(false);
    if (!report) return report.error();
    const uint64_t id = next_id_++;
    ToLauncher message;
    *message.mutable_start() = std::move(order);
    message.mutable_start()->set_id(id);
    if (message.ByteSizeLong() > static_cast<size_t>(largest_packet))
        return Error{Fault::bad_message, "the command and its environment are too long"};
    if (!send_packet(socket_.get(), message,
                     {input->theirs.get(), output->theirs.get(), report->theirs.get()}))
        return system_error("the launcher of commands cannot be reached", errno);
    open_[id] = std::move(ended);
    return Started{id, {std::move(input->ours), std::move(output->ours), std::move(report->ours)}};
}

void Cells::signal(uint64_t id, int number) {
    if (!open_.contains(id)) return;
    ToLauncher message;
    message.mutable_signal()->set_id(id);
    message.mutable_signal()->set_signal(number);
    (void)send_packet(socket_.get(), message, {});
}

void Cells::abandon(uint64_t id) {
    signal(id, SIGKILL);
    open_.erase(id);
}

void Cells::take() {
    for (;;) {
        FromLauncher message;
        std::vector<Fd> none;
        const Packet got = receive_packet(socket_.get(), message, none);
        if (got == Packet::none) return;
        if (got == Packet::end) {
            watch_.reset();
            if (on_gone_) on_gone_();
            return;
        }
        if (message.has_up() && on_walls_)
            on_walls_({message.up().missing().begin(), message.up().missing().end()});
        if (!message.has_ended()) continue;
        const auto cell = open_.find(message.ended().id());
        if (cell == open_.end()) continue;
        const auto ended = std::move(cell->second);
        open_.erase(cell);
        ended(message.ended().code());
    }
}

}  // namespace tools
