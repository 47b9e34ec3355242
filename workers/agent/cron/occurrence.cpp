#include "workers/agent/cron/occurrence.h"

namespace agent {

SessionStore::Note Occurrence::note() const {
    Json json{{"dueMs", due_ms},      {"startedMs", started_ms}, {"runId", run_id},
              {"agent", agent},       {"forced", forced},        {"attempt", attempt},
              {"failures", failures}, {"open", is_open},         {"cutOff", cut_off}};
    if (outcome)
        json["outcome"] = {{"status", outcome->status},
                           {"error", outcome->error},
                           {"summary", outcome->summary},
                           {"endedMs", outcome->ended_ms}};
    return {prefix + job_id, print_json(json)};
}

std::optional<Occurrence> Occurrence::read(const SessionStore::Note& note) {
    const Result<Json> json = parse_json(note.value);
    if (!json || !note.name.starts_with(prefix)) return {};
    Occurrence found;
    found.job_id = note.name.substr(std::string_view(prefix).size());
    found.due_ms = int_member(*json, "dueMs");
    found.started_ms = int_member(*json, "startedMs");
    found.run_id = text_member(*json, "runId");
    found.agent = text_member(*json, "agent");
    found.forced = bool_member(*json, "forced");
    found.attempt = static_cast<int>(int_member(*json, "attempt", 1));
    found.failures = static_cast<int>(int_member(*json, "failures"));
    found.is_open = bool_member(*json, "open");
    found.cut_off = bool_member(*json, "cutOff");
    const Json& outcome = member(*json, "outcome");
    if (outcome.is_object())
        found.outcome =
            Outcome{text_member(outcome, "status"), text_member(outcome, "error"),
                    text_member(outcome, "summary"), "", int_member(outcome, "endedMs")};
    return found;
}

std::string run_id_for(const Occurrence& occurrence) {
    std::string id =
        Occurrence::prefix + occurrence.job_id + ":" + std::to_string(occurrence.due_ms);
    if (occurrence.attempt > 1) id += ":" + std::to_string(occurrence.attempt);
    return id;
}

std::string job_of_run(const std::string& run_id) {
    const std::string_view prefix = Occurrence::prefix;
    if (!run_id.starts_with(prefix)) return {};
    const size_t end = run_id.find(':', prefix.size());
    return run_id.substr(prefix.size(), end - prefix.size());
}

}  // namespace agent
