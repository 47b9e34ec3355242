#include "supervisor/obituary.h"

#include <signal.h>

#include "workers/common/base/exit_codes.h"

namespace supervisor {

namespace {

struct Cause {
    Ended how;
    std::string_view name;
    const char* text;  // null: the exit code or the signal says it
};

constexpr Cause causes[] = {
    {Ended::on_request, "requested", "ended on request"},
    {Ended::drained, "memory_replaced", "was replaced before it reached its memory limit"},
    {Ended::bad_config, "config", nullptr},
    {Ended::bad_credentials, "credentials", nullptr},
    {Ended::taken, "taken", nullptr},
    {Ended::unasked_success, "unasked_exit", "ended with success, which nobody asked for"},
    {Ended::crashed, "crashed", nullptr},
    {Ended::out_of_memory, "oom", "out of memory"},
    {Ended::no_storage, "storage", "cannot write to the volume"},
    {Ended::machine_out_of_memory, "machine_oom", "killed because the machine was out of memory"},
    {Ended::killed, "killed", nullptr},
    {Ended::never_ready, "never_ready", "never became ready"},
    {Ended::hung, "hung", "stopped responding"},
    {Ended::not_started, "not_started", nullptr},
    {Ended::broke_protocol, "protocol", "broke the protocol"},
};

const Cause& cause_of(Ended how) {
    for (const Cause& row : causes)
        if (row.how == how) return row;
    return causes[0];
}

struct CodeRow {
    int code;
    Ended how;
};
constexpr CodeRow codes[] = {
    {exit_code::bad_config, Ended::bad_config},
    {exit_code::bad_credentials, Ended::bad_credentials},
    {exit_code::taken, Ended::taken},
    {exit_code::out_of_memory, Ended::out_of_memory},
    {exit_code::no_storage, Ended::no_storage},
    {exit_code::requested, Ended::unasked_success},
};

bool is_crash(int signal) {
    for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
        if (signal == number) return true;
    return false;
}

}  // namespace

Ended classify(const ProcessEnd& end, const Life& life) {
    // The kernel's word stands over ours: a hung worker may have been killed for memory first.
    if (life.killed_in_its_group && end.signal == SIGKILL) return Ended::out_of_memory;
    // A bug is one, also in the middle of a stop.
    if (is_crash(end.signal) && life.forced != Ended::hung) return Ended::crashed;
    if (life.was_asked_to_end) return Ended::on_request;
    if (life.forced) return *life.forced;
    if (end.signal == SIGKILL && life.killed_on_machine) return Ended::machine_out_of_memory;
    if (end.signal == SIGKILL) return Ended::killed;
    if (end.signal != 0) return Ended::crashed;
    for (const CodeRow& row : codes)
        if (row.code == end.code) return row.how;
    return Ended::crashed;
}

std::string describe_end(const ProcessEnd& end, Ended how, const Life& life) {
    const Cause& cause = cause_of(how);
    const bool by_signal = how == Ended::on_request && end.signal != 0;
    std::string text = cause.text && !by_signal ? cause.text : describe(end);
    if (how == Ended::out_of_memory && life.budget.limit > 0)
        text += ": " + mebibytes(life.memory_peak, false) + " of " + mebibytes(life.budget.limit);
    if (!life.declared.empty()) text += ": " + life.declared;
    return text + ", after " + duration_text(life.lasted_ms);
}

std::string_view name_of(Ended how) {
    return cause_of(how).name;
}

std::string duration_text(int64_t ms) {
    if (ms < 10'000) return std::to_string(ms) + " ms";
    if (ms < 600'000) return std::to_string(ms / 1000) + " s";
    if (ms < 36'000'000) return std::to_string(ms / 60'000) + " min";
    return std::to_string(ms / 3'600'000) + " h";
}

}  // namespace supervisor
