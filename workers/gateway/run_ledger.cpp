#include "workers/gateway/run_ledger.h"

#include <algorithm>

#include "workers/common/base/json.h"

namespace gateway {

void RunLedger::saw(const std::string& run_id, const std::string& session_key, uint64_t sequence) {
    if (run_id.empty()) return;
    OpenRun& run = runs_[run_id];
    run.run_id = run_id;
    if (!session_key.empty()) run.session_key = session_key;
    run.sequence = std::max(run.sequence, sequence);
}

std::vector<OpenRun> RunLedger::take_all() {
    std::vector<OpenRun> open;
    for (auto& [id, run] : runs_) open.push_back(std::move(run));
    runs_.clear();
    return open;
}

std::string lost_agent_event(const OpenRun& run, int64_t now_ms) {
    Json payload = {
        {"runId", run.run_id}, {"seq", run.sequence + 1}, {"stream", "lifecycle"}, {"ts", now_ms}};
    if (!run.session_key.empty()) payload["sessionKey"] = run.session_key;
    payload["data"] = {{"phase", "error"}, {"error", agent_died_text}, {"endedAt", now_ms}};
    return print_json(payload);
}

std::string lost_chat_event(const OpenRun& run) {
    return print_json({{"runId", run.run_id},
                       {"sessionKey", run.session_key},
                       {"seq", run.sequence + 1},
                       {"state", "error"},
                       {"errorMessage", agent_died_text}});
}

}  // namespace gateway
