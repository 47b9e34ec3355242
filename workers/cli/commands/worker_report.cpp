#include "workers/cli/commands/worker_report.h"

#include <algorithm>
#include <cstdio>

namespace cli {

namespace {

using hardshell::proto::WorkerStatus;

struct StateRow {
    WorkerStatus::State state;
    Colour colour;
};
constexpr StateRow states[] = {
    {WorkerStatus::STARTING, Colour::warn},
    {WorkerStatus::READY, Colour::good},
    {WorkerStatus::STOPPING, Colour::warn},
    {WorkerStatus::WAITING, Colour::bad},  // down, will be started again
    {WorkerStatus::HELD, Colour::bad},     // down until its configuration changes
    {WorkerStatus::STOPPED, Colour::faint},
};
constexpr StateRow unknown = {WorkerStatus::STATE_UNKNOWN, Colour::warn};

const StateRow& row_of(WorkerStatus::State state) {
    const auto found = std::find_if(std::begin(states), std::end(states),
                                    [&](const StateRow& row) { return row.state == state; });
    return found == std::end(states) ? unknown : *found;
}

bool is_up(const WorkerStatus& worker) {
    return worker.pid() > 0;
}

// "over_memory" as a person says it.
std::string in_words(std::string cause) {
    std::replace(cause.begin(), cause.end(), '_', ' ');
    return printable(cause);
}

std::string prospect(const WorkerStatus& worker, int64_t now_ms) {
    if (worker.state() == WorkerStatus::WAITING && worker.next_start_ms() > 0)
        return "starts again in " + duration(worker.next_start_ms() - now_ms);
    if (worker.state() == WorkerStatus::HELD) return "held until its configuration or key changes";
    return {};
}

std::string joined(const std::string& first, const std::string& second) {
    return first + (first.empty() || second.empty() ? "" : "; ") + second;
}

Colour memory_colour(const WorkerStatus& worker) {
    const uint64_t soft = worker.memory_soft_bytes();
    return soft > 0 && worker.memory_bytes() > soft ? Colour::warn : Colour::none;
}

std::string uptime(const WorkerStatus& worker, int64_t now_ms) {
    return is_up(worker) && worker.started_ms() > 0 ? duration(now_ms - worker.started_ms()) : "-";
}

// "3 killed, 1 over memory"
std::string ends_in_words(const WorkerStatus& worker) {
    std::string text;
    for (const auto& end : worker.ends())
        text +=
            (text.empty() ? "" : ", ") + std::to_string(end.count()) + " " + in_words(end.cause());
    return text;
}

std::vector<std::vector<Cell>> facts(const WorkerStatus& worker, int64_t now_ms) {
    const StateRow& state = row_of(worker.state());
    std::vector<std::vector<Cell>> rows;
    const auto add = [&](const char* name, std::string text, Colour colour = Colour::none) {
        if (!text.empty()) rows.push_back({{name}, {std::move(text), colour}});
    };
    const auto bytes = [](uint64_t count) { return count > 0 ? size(count) : std::string(); };
    add("  state", joined(std::string(state_name(worker.state())), prospect(worker, now_ms)),
        state.colour);
    if (is_up(worker)) add("  process", std::to_string(worker.pid()));
    if (is_up(worker)) add("  running for", uptime(worker, now_ms));
    add("  restarts", std::to_string(worker.restarts()));
    add("  memory", memory_of_limit(worker), memory_colour(worker));
    add("  asked to shed at", bytes(worker.memory_soft_bytes()));
    add("  most memory", bytes(worker.memory_peak_bytes()));
    if (worker.descriptors() > 0) add("  descriptors", std::to_string(worker.descriptors()));
    if (worker.log_lines_suppressed() > 0)
        add("  log lines left out", std::to_string(worker.log_lines_suppressed()), Colour::warn);
    add("  ends so far", ends_in_words(worker));
    add("  last failure", last_error(worker));
    return rows;
}

}  // namespace

std::vector<Cell> worker_heading() {
    std::vector<Cell> cells;
    for (const char* name :
         {"WORKER", "STATE", "PID", "UPTIME", "RESTARTS", "MEMORY", "LAST ERROR"})
        cells.push_back({name, Colour::faint});
    return cells;
}

std::vector<Cell> worker_row(const WorkerStatus& worker, int64_t now_ms) {
    const StateRow& state = row_of(worker.state());
    return {
        {worker.name()},
        {std::string(state_name(worker.state())), state.colour},
        {is_up(worker) ? std::to_string(worker.pid()) : "-"},
        {uptime(worker, now_ms)},
        {std::to_string(worker.restarts())},
        {memory_of_limit(worker), memory_colour(worker)},
        {joined(last_error(worker), prospect(worker, now_ms))},
    };
}

std::string worker_text(const WorkerStatus& worker, int64_t now_ms, const Style& style) {
    std::string out =
        "Worker " + printable(worker.name()) + "\n" + table(facts(worker, now_ms), style);
    if (worker.last_lines_size() > 0) out += "\nWhat it said last before that:\n";
    for (const std::string& line : worker.last_lines()) out += "  " + printable(line) + "\n";
    return out;
}

Json worker_json(const WorkerStatus& worker, int64_t now_ms) {
    Json out = {{"name", worker.name()},
                {"kind", worker.kind()},
                {"state", state_name(worker.state())},
                {"critical", worker.critical()},
                {"pid", worker.pid()},
                {"incarnation", worker.incarnation()},
                {"restarts", worker.restarts()},
                {"startedAtMs", worker.started_ms()},
                {"memoryBytes", worker.memory_bytes()},
                {"memorySoftBytes", worker.memory_soft_bytes()},
                {"memoryLimitBytes", worker.memory_limit_bytes()},
                {"memoryPeakBytes", worker.memory_peak_bytes()},
                {"descriptors", worker.descriptors()},
                {"logLinesSuppressed", worker.log_lines_suppressed()},
                {"lastEnd", worker.last_end()},
                {"lastCause", worker.last_cause()},
                {"lastLines", Json::array()},
                {"ends", Json::object()}};
    for (const std::string& line : worker.last_lines()) out["lastLines"].push_back(line);
    for (const auto& end : worker.ends()) out["ends"][end.cause()] = end.count();
    if (is_up(worker) && worker.started_ms() > 0) out["uptimeMs"] = now_ms - worker.started_ms();
    if (worker.next_start_ms() > 0) out["nextStartAtMs"] = worker.next_start_ms();
    return out;
}

}  // namespace cli
