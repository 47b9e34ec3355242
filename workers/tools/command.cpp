#include "workers/tools/command.h"

#include <signal.h>

#include <cerrno>

namespace tools {

namespace {

constexpr size_t piece = 64u << 10;
// Bytes a turn of the loop: others have their turn, too.
constexpr size_t most_at_once = 4 * piece;

// Where the next character begins, at or after `at`.
size_t character_at(const std::string& text, size_t at) {
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) ++at;
    return at;
}

}  // namespace

Command::~Command() {
    if (is_running()) cells_.abandon(cell_);
}

Done Command::start(hardshell::proto::StartCell order, std::chrono::milliseconds timeout) {
    Result<Cells::Started> cell =
        cells_.start(std::move(order), [this](int code) { cell_ended(code); });
    if (!cell) return cell.error();
    cell_ = cell->id;
    pipes_ = std::move(cell->pipes);
    started_ = true;
    output_watch_ =
        loop_.watch(pipes_.output.get(), Loop::readable, [this](unsigned) { read_output(); });
    if (lives_on_) return {};
    deadline_ = loop_.after(timeout, [this] {
        timed_out_ = true;
        end();
    });
    return {};
}

// False when there is nothing more for now.
bool Command::read_output() {
    std::string bytes(piece, '\0');
    for (size_t taken = 0; taken < most_at_once;) {
        const ssize_t got = read(pipes_.output.get(), bytes.data(), bytes.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            if (got == 0) output_watch_.reset();  // closed; its cell may go on without output
            return false;
        }
        taken += static_cast<size_t>(got);
        take({bytes.data(), static_cast<size_t>(got)});
    }
    return true;
}

void Command::take(std::string_view bytes) {
    output_ += bytes;
    // Trimmed now and then: moving all of it for each piece would take most of the time.
    if (output_.size() > 2 * longest_output) trim();
    if (!lives_on_ && total() > most_written && !wrote_too_much_) {
        wrote_too_much_ = true;
        cells_.signal(cell_, SIGKILL);
    }
    if (on_output_) on_output_(bytes);
}

void Command::trim() {
    if (output_.size() <= longest_output) return;
    const size_t excess = character_at(output_, output_.size() - longest_output);
    output_.erase(0, excess);
    dropped_ += excess;
}

const std::string& Command::output() {
    trim();
    return output_;
}

Done Command::write(std::string_view text) {
    if (!is_running() || !pipes_.input) return Error{Fault::bad_message, "its input is closed"};
    if (input_.size() + text.size() > longest_input)
        return Error{Fault::busy, "it does not read its input"};
    input_ += text;
    flush_input();
    return {};
}

void Command::close_input() {
    closes_input_ = true;
    flush_input();
}

void Command::flush_input() {
    while (!input_.empty() && pipes_.input) {
        const ssize_t wrote = ::write(pipes_.input.get(), input_.data(), input_.size());
        if (wrote > 0) {
            input_.erase(0, static_cast<size_t>(wrote));
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN) {  // nobody reads it any more
            input_.clear();
            closes_input_ = true;
            break;
        }
        if (!input_watch_)
            input_watch_ = loop_.watch(pipes_.input.get(), Loop::writable,
                                       [this](unsigned) { flush_input(); });
        return;
    }
    input_watch_.reset();
    if (closes_input_) pipes_.input.reset();
}

void Command::end() {
    if (!is_running()) return;
    cells_.signal(cell_, SIGTERM);
    if (!grace_) grace_ = loop_.after(grace, [this] { cells_.signal(cell_, SIGKILL); });
}

// Nothing of it is left that could write: what is in the pipes is all.
void Command::cell_ended(int code) {
    deadline_.reset();
    grace_.reset();
    input_watch_.reset();
    while (output_watch_ && read_output()) {
    }
    output_watch_.reset();
    End end;
    end.code = code;
    end.timed_out = timed_out_;
    end.wrote_too_much = wrote_too_much_;
    char text[512];
    if (const ssize_t got = read(pipes_.report.get(), text, sizeof text); got > 0)
        end.problem.assign(text, static_cast<size_t>(got));
    pipes_ = {};
    end_ = std::move(end);
    if (const auto handler = on_end_) handler();
}

}  // namespace tools
