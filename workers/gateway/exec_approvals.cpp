#include "workers/gateway/exec_approvals.h"

#include <algorithm>
#include <iterator>

#include "workers/gateway/device_identity.h"

namespace gateway {

namespace {

constexpr std::string_view decisions[] = {"allow-once", "allow-always", "deny"};

constexpr const char* shown_members[] = {"command", "cwd",     "host",         "security",
                                         "ask",     "agentId", "resolvedPath", "sessionKey"};

Json shown(const Json& params) {
    Json request = Json::object();
    for (const char* key : shown_members) request[key] = member(params, key);
    return request;
}

}  // namespace

std::optional<Failure> ExecApprovals::request(const Json& params, int64_t now_ms, Answer answer) {
    std::string id = text_member(params, "id");
    if (id.empty()) id = random_uuid();
    if (waiting_.contains(id)) return invalid_request("approval id already pending");
    if (waiting_.size() >= most_requests)
        return unavailable("too many commands wait for approval", true);
    const int64_t patience_ms = std::clamp<int64_t>(
        int_member(params, "timeoutMs", default_patience.count()), 1, longest_patience.count());
    Waiting& waits = waiting_[id];
    waits.created_ms = now_ms;
    waits.expires_ms = now_ms + patience_ms;
    waits.answer = std::move(answer);
    waits.deadline =
        loop_.after(std::chrono::milliseconds(patience_ms), [this, id] { finish(id, nullptr); });
    if (on_event_)
        on_event_("exec.approval.requested", {{"id", id},
                                              {"request", shown(params)},
                                              {"createdAtMs", waits.created_ms},
                                              {"expiresAtMs", waits.expires_ms}});
    return {};
}

std::optional<Failure> ExecApprovals::resolve(const std::string& id, const std::string& decision,
                                              const std::string& by, int64_t now_ms) {
    if (std::find(std::begin(decisions), std::end(decisions), decision) == std::end(decisions))
        return invalid_request("invalid decision");
    if (!waiting_.contains(id)) return invalid_request("unknown approval id");
    finish(id, decision);
    if (on_event_)
        on_event_("exec.approval.resolved",
                  {{"id", id}, {"decision", decision}, {"resolvedBy", by}, {"ts", now_ms}});
    return {};
}

void ExecApprovals::finish(const std::string& key, const Json& decision) {
    const std::string id = key;  // the timer that calls this goes with its entry
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) return;
    const Waiting waits = std::move(found->second);
    waiting_.erase(found);
    waits.answer({{"id", id},
                  {"decision", decision},
                  {"createdAtMs", waits.created_ms},
                  {"expiresAtMs", waits.expires_ms}});
}

}  // namespace gateway
