#include "workers/gateway/kept_answers.h"

#include <algorithm>
#include <iterator>

#include "workers/common/base/clock.h"

namespace gateway {

namespace {

constexpr std::string_view covered[] = {"agents.list", "models.list", "sessions.list",
                                        "internal.status"};

std::string key_of(std::string_view method, std::string_view params_json) {
    std::string key;
    key.reserve(method.size() + 1 + params_json.size());
    key.append(method) += '\n';
    return key.append(params_json);
}

// The payload is kept twice: as it came, and as it goes out.
size_t size_of(const std::string& key, const KeptAnswers::Kept& kept) {
    return key.size() + kept.result.payload_json().size() + kept.rest->size();
}

}  // namespace

KeptAnswers::KeptAnswers(AgentGate& agent) : agent_(agent) {
    agent_.on_outdated([this] { forget_all(); });
}

bool KeptAnswers::covers(std::string_view method) {
    return std::find(std::begin(covered), std::end(covered), method) != std::end(covered);
}

const KeptAnswers::Kept* KeptAnswers::find(std::string_view method, std::string_view params_json,
                                           int64_t now_ms) {
    const auto found = kept_.find(key_of(method, params_json));
    return found != kept_.end() && now_ms < found->second.until_ms ? &found->second : nullptr;
}

void KeptAnswers::ask(AgentGate::Question question, AgentGate::Answer answer) {
    std::string key = key_of(question.method, question.params_json);
    std::shared_ptr<Waiting>& asked = asked_[key];
    if (asked) return asked->push_back(std::move(answer));
    asked = std::make_shared<Waiting>();
    asked->push_back(std::move(answer));
    agent_.ask(std::move(question), [this, key = std::move(key),
                                     waiting = asked](const RpcResult& result) {
        if (const auto mine = asked_.find(key); mine != asked_.end() && mine->second == waiting)
            asked_.erase(mine);
        keep(key, result);
        for (const AgentGate::Answer& waits : *waiting) waits(result);
    });
}

void KeptAnswers::keep(const std::string& key, const RpcResult& result) {
    if (!result.ok() || result.keep_ms() == 0) return;
    const int64_t now = monotonic_ms();
    if (const auto old = kept_.find(key); old != kept_.end()) {
        bytes_ -= size_of(key, old->second);
        kept_.erase(old);
    }
    Kept kept{result, response_rest(result.payload_json()), now + result.keep_ms()};
    const size_t size = size_of(key, kept);
    if (bytes_ + size > most_bytes) tidy(now);
    if (bytes_ + size > most_bytes) return;
    kept_.emplace(key, std::move(kept));
    bytes_ += size;
}

void KeptAnswers::tidy(int64_t now_ms) {
    std::erase_if(kept_, [&](const auto& entry) {
        if (now_ms < entry.second.until_ms) return false;
        bytes_ -= size_of(entry.first, entry.second);
        return true;
    });
}

void KeptAnswers::forget_all() {
    kept_.clear();
    bytes_ = 0;
    asked_.clear();
}

}  // namespace gateway
