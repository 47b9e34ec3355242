#include "workers/gateway/health_keeper.h"

#include <algorithm>

#include "workers/common/base/clock.h"

namespace gateway {

HealthKeeper::HealthKeeper(Loop& loop, AgentGate& agent, const GatewaySettings& settings,
                           Workers workers)
    : loop_(loop), agent_(agent), settings_(settings), workers_(std::move(workers)) {}

void HealthKeeper::start() {
    minute_ = loop_.every(longest_age, [this] { refresh(); });
    refresh();
}

void HealthKeeper::refresh() {
    if (under_way_) {
        // What changed after the question was asked is not in its answer.
        again_ = true;
        return;
    }
    if (pause_) return;
    const int64_t passed = monotonic_ms() - refreshed_ms_;
    if (refreshed_ms_ == 0 || passed >= shortest_pause.count()) return begin();
    pause_ = loop_.after(shortest_pause - std::chrono::milliseconds(passed), [this] {
        pause_.reset();
        begin();
    });
}

void HealthKeeper::states_changed() {
    outdated_ = true;
    again_ = under_way_;
    if (under_way_) return;
    pause_.reset();
    begin();
}

void HealthKeeper::begin() {
    under_way_ = true;
    again_ = false;
    const int64_t began = monotonic_ms();
    AgentGate::Question question;
    question.method = "internal.health";
    question.params_json = "{}";
    question.deadline = agent_deadline;
    question.waits_for_life = false;
    agent_.ask(std::move(question),
               [this, began](const AgentGate::RpcResult& result) { finish(result, began); });
}

void HealthKeeper::finish(const AgentGate::RpcResult& result, int64_t began_ms) {
    if (again_ && outdated_) return begin();  // asked before the change: no answer to anybody
    outdated_ = false;
    if (result.ok())
        if (Result<Json> parsed = parse_json(result.payload_json()))
            agent_part_ = std::move(*parsed);
    const WorkerStates& workers = workers_();
    const bool ok = readiness_of(workers, {.ready = true, .volume = &settings_.volume}).ready;
    refreshed_ms_ = monotonic_ms();
    report_ = print_json(
        health_report(agent_part_, workers, settings_, ok, wall_ms(), refreshed_ms_ - began_ms));
    under_way_ = false;
    std::vector<std::function<void(const std::string&)>> waiting;
    waiting.swap(waiting_);
    for (const auto& answer : waiting) answer(report_);
    if (on_refreshed_) on_refreshed_(report_);
    if (again_) refresh();
}

void HealthKeeper::get(bool probe, std::function<void(const std::string&)> answer) {
    const bool fresh = refreshed_ms_ != 0 && monotonic_ms() - refreshed_ms_ < longest_age.count();
    if (fresh && !probe && !outdated_) {
        answer(report_);
        return refresh();
    }
    waiting_.push_back(std::move(answer));
    refresh();
}

}  // namespace gateway
