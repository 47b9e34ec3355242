#include "workers/tools/processes.h"

#include <sys/random.h>

#include <algorithm>
#include <cstdio>

namespace tools {

namespace {

// Ids are in transcripts for long: one of an earlier life must not mean another process now.
std::string new_id() {
    unsigned value = 0;
    (void)!getrandom(&value, sizeof value, 0);
    char text[16];
    std::snprintf(text, sizeof text, "%08x", value);
    return text;
}

std::string seconds_text(std::chrono::milliseconds time) {
    return std::to_string(time.count() / 1000) + " s";
}

}  // namespace

struct Processes::Action {
    std::string_view name;
    Outcome (Processes::*handler)(Process& process, const Json& arguments);
};

const Processes::Action Processes::actions[] = {
    {"poll", &Processes::poll},     {"log", &Processes::log},   {"write", &Processes::write},
    {"submit", &Processes::submit}, {"kill", &Processes::kill}, {"clear", &Processes::clear},
    {"remove", &Processes::clear},
};

void Processes::run(Order order) {
    make_room();
    if (running() >= most_running)
        return services_.result(order.call, error_outcome("Too many commands run already; end one "
                                                          "with the tool process first."));
    Process& process = processes_.emplace_back();
    process.id = new_id();
    process.session = order.session;
    process.text = order.text;
    process.started_ms = services_.now_ms();
    process.call = order.call;
    process.timeout = order.timeout;
    process.command = std::make_unique<Command>(services_.loop, services_.cells);
    process.command->on_output([this, &process](std::string_view text) {
        if (process.call != 0) services_.output(process.call, text);
    });
    process.command->on_end([this, &process] { command_ended(process); });
    if (const Done done = process.command->start(std::move(order.cell), order.timeout); !done) {
        const Outcome outcome = error_outcome(done.error().what);
        const uint64_t call = process.call;
        forget(process);
        return services_.result(call, outcome);
    }
    if (order.yield.count() <= 0) return yield(process);
    process.command->close_input();
    process.yield = services_.loop.after(order.yield, [this, &process] { yield(process); });
}

void Processes::yield(Process& process) {
    process.yield.reset();
    const uint64_t call = std::exchange(process.call, 0);
    Json details = details_of(process);
    details["status"] = "running";
    std::string text = told_output(process);
    process.polled = process.command->total();
    if (!text.empty()) text += "\n\n";
    services_.result(call, text_outcome(text + "The command goes on in the background as session " +
                                            process.id + "; see after it with the tool process.",
                                        std::move(details)));
}

void Processes::command_ended(Process& process) {
    process.yield.reset();
    const uint64_t call = std::exchange(process.call, 0);
    if (call == 0) {
        if (services_.ended)
            services_.ended(process.session, process.id,
                            "The background command " + process.id + " (" +
                                process.text.substr(0, 200) + ") has ended: " + status_of(process));
        return;
    }
    const Outcome outcome = outcome_of(process);
    // Its command has called us: it goes when the loop is next free.
    services_.loop.soon([gone = std::shared_ptr<Command>(std::move(process.command))] {});
    forget(process);
    services_.result(call, outcome);
}

std::string Processes::status_of(const Process& process) const {
    if (!process.command->ended()) return "running";
    const Command::End& end = *process.command->ended();
    if (!end.problem.empty()) return end.problem;
    if (end.timed_out) return "ended after its time limit of " + seconds_text(process.timeout);
    if (end.wrote_too_much) return "ended because it wrote too much";
    return "exit code " + std::to_string(end.code);
}

Json Processes::details_of(const Process& process) const {
    Json details{
        {"sessionId", process.id}, {"command", process.text}, {"startedAt", process.started_ms}};
    if (!process.command->ended()) {
        details["status"] = "running";
        return details;
    }
    details["status"] = process.command->ended()->code == 0 ? "completed" : "failed";
    details["exitCode"] = process.command->ended()->code;
    details["durationMs"] = services_.now_ms() - process.started_ms;
    return details;
}

std::string Processes::told_output(const Process& process) const {
    Command& command = *process.command;
    const std::string& output = command.output();
    if (command.dropped() == 0) return output;
    return "[The first " + std::to_string(command.dropped()) + " bytes are left out.]\n" + output;
}

Outcome Processes::outcome_of(const Process& process) const {
    const Command::End& end = *process.command->ended();
    std::string text = told_output(process);
    Json details = details_of(process);
    if (end.code == 0 && end.problem.empty() && !end.timed_out && !end.wrote_too_much)
        return text_outcome(text.empty() ? "(no output)" : text, std::move(details));
    if (!text.empty()) text += "\n\n";
    return error_outcome(text + "(" + status_of(process) + ")", std::move(details));
}

void Processes::cancel(uint64_t call) {
    for (Process& process : processes_)
        if (process.call == call) return forget(process);
}

void Processes::end_calls() {
    std::erase_if(processes_, [](const Process& process) { return process.call != 0; });
}

void Processes::end_session(const std::string& session) {
    std::erase_if(processes_, [&](const Process& process) { return process.session == session; });
}

void Processes::forget(const Process& process) {
    processes_.remove_if([&](const Process& each) { return &each == &process; });
}

size_t Processes::running() const {
    return static_cast<size_t>(std::count_if(
        processes_.begin(), processes_.end(),
        [](const Process& process) { return process.command && process.command->is_running(); }));
}

void Processes::make_room() {
    while (processes_.size() >= most_kept) {
        const auto oldest = std::find_if(
            processes_.begin(), processes_.end(),
            [](const Process& process) { return process.command->ended().has_value(); });
        if (oldest == processes_.end()) return;
        processes_.erase(oldest);
    }
}

Processes::Process* Processes::find(const std::string& session, const std::string& id) {
    for (Process& process : processes_)
        if (process.session == session && process.id == id) return &process;
    return nullptr;
}

Outcome Processes::speak(const std::string& session, const Json& arguments) {
    const std::string action = text_member(arguments, "action");
    if (action == "list") return list(session);
    Process* process = find(session, text_member(arguments, "sessionId"));
    if (!process) return error_outcome("There is no such command; list shows those there are.");
    for (const Action& row : actions)
        if (row.name == action) return (this->*row.handler)(*process, arguments);
    return error_outcome("There is no action " + action + ".");
}

Outcome Processes::list(const std::string& session) const {
    std::string text;
    for (const Process& process : processes_)
        if (process.session == session && process.call == 0)
            text +=
                process.id + "  " + status_of(process) + "  " + process.text.substr(0, 120) + "\n";
    return text_outcome(text.empty() ? "No commands." : text);
}

Outcome Processes::poll(Process& process, const Json&) {
    Command& command = *process.command;
    const std::string& output = command.output();
    const size_t from = std::max(process.polled, command.dropped()) - command.dropped();
    std::string text = output.substr(from);
    process.polled = command.total();
    if (text.empty()) text = "(no new output)";
    return text_outcome(text + "\n\n" + status_of(process), details_of(process));
}

Outcome Processes::log(Process& process, const Json& arguments) {
    const std::string& all = process.command->output();
    const auto offset = static_cast<size_t>(std::max<int64_t>(0, int_member(arguments, "offset")));
    const auto most =
        static_cast<size_t>(std::clamp<int64_t>(int_member(arguments, "limit", 200), 1, 5000));
    size_t at = 0;
    const auto next_line = [&] {
        const size_t line_break = all.find('\n', at);
        at = line_break == std::string::npos ? all.size() : line_break + 1;
    };
    for (size_t line = 0; line < offset && at < all.size(); ++line) next_line();
    const size_t begin = at;
    for (size_t line = 0; line < most && at < all.size(); ++line) next_line();
    const std::string text = all.substr(begin, at - begin);
    return text_outcome(text.empty() ? "(nothing there)" : text, details_of(process));
}

Outcome Processes::write(Process& process, const Json& arguments) {
    if (const Done done = process.command->write(text_view(arguments, "data")); !done)
        return error_outcome(done.error().what);
    if (bool_member(arguments, "eof")) process.command->close_input();
    return text_outcome("Written.");
}

Outcome Processes::submit(Process& process, const Json& arguments) {
    if (const Done done = process.command->write(text_member(arguments, "data") + "\n"); !done)
        return error_outcome(done.error().what);
    return text_outcome("Written.");
}

Outcome Processes::kill(Process& process, const Json&) {
    if (!process.command->is_running()) return error_outcome("It has ended already.");
    process.command->end();
    return text_outcome("It was told to end.");
}

Outcome Processes::clear(Process& process, const Json&) {
    forget(process);
    return text_outcome("Gone.");
}

}  // namespace tools
