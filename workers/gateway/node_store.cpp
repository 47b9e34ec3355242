#include "workers/gateway/node_store.h"

#include "workers/gateway/credentials.h"
#include "workers/gateway/device_identity.h"
#include "workers/gateway/pairing_records.h"

namespace gateway {

namespace {

constexpr const char* told_members[] = {
    "displayName",     "platform", "version",  "coreVersion", "uiVersion", "deviceFamily",
    "modelIdentifier", "caps",     "commands", "permissions", "remoteIp"};

void copy_told(Json& record, const Json& facts) {
    for (const char* key : told_members)
        if (facts.contains(key)) record[key] = facts.at(key);
}

Json without_token(Json node) {
    node.erase("token");
    return node;
}

Json list_without_tokens(const Json& nodes) {
    Json list = Json::array();
    for (const Json& node : newest_first(nodes, "approvedAtMs"))
        list.push_back(without_token(node));
    return list;
}

}  // namespace

std::vector<std::string> NodeStore::load(int64_t now_ms) {
    std::vector<std::string> problems;
    paired_ = files_.read("paired.json", "nodes must be paired again", now_ms, problems);
    pending_ =
        files_.read("pending.json", "what waited for approval must ask again", now_ms, problems);
    expire(now_ms);
    return problems;
}

void NodeStore::expire(int64_t now_ms) {
    for (auto entry = pending_.begin(); entry != pending_.end();) {
        const int64_t age = now_ms - int_member(*entry, "ts");
        entry = age > request_life_ms ? pending_.erase(entry) : std::next(entry);
    }
}

void NodeStore::tell_resolved(const Json& request, const char* decision, int64_t now_ms) const {
    if (!on_event_) return;
    on_event_("node.pair.resolved", {{"requestId", text_member(request, "requestId")},
                                     {"nodeId", text_member(request, "nodeId")},
                                     {"decision", decision},
                                     {"ts", now_ms}});
}

Result<Json> NodeStore::request(const Json& facts, int64_t now_ms) {
    expire(now_ms);
    const std::string node_id = text_member(facts, "nodeId");
    for (const Json& waiting : pending_)
        if (text_member(waiting, "nodeId") == node_id)
            return Json{{"status", "pending"}, {"request", waiting}, {"created", false}};
    if (pending_.size() >= most_requests)
        return Error{Fault::out_of_room,
                     "too many nodes wait to be paired; approve or reject some first"};
    Json request = {{"requestId", random_uuid()}, {"nodeId", node_id}};
    copy_told(request, facts);
    request["silent"] = bool_member(facts, "silent");
    request["isRepair"] = paired_.contains(node_id);
    request["ts"] = now_ms;
    const std::string id = text_member(request, "requestId");
    pending_[id] = request;
    if (Done done = files_.write("pending.json", pending_); !done) {
        pending_.erase(id);
        return done.error();
    }
    if (on_event_) on_event_("node.pair.requested", request);
    return Json{{"status", "pending"}, {"request", std::move(request)}, {"created", true}};
}

Json NodeStore::list(int64_t now_ms) {
    expire(now_ms);
    return {{"pending", newest_first(pending_, "ts")}, {"paired", list_without_tokens(paired_)}};
}

Result<Json> NodeStore::approve(const std::string& request_id, int64_t now_ms) {
    expire(now_ms);
    const auto found = pending_.find(request_id);
    if (found == pending_.end()) return Error{Fault::bad_message, "unknown requestId"};
    const Json request = *found;
    const std::string node_id = text_member(request, "nodeId");
    const Json before = member(paired_, node_id);
    Json node = before.is_object() ? before : Json{{"nodeId", node_id}};
    copy_told(node, request);
    node["token"] = random_hex(16);
    node["createdAtMs"] = int_member(before, "createdAtMs", now_ms);
    node["approvedAtMs"] = now_ms;
    paired_[node_id] = node;
    if (Done done = files_.write("paired.json", paired_); !done) {
        if (before.is_object())
            paired_[node_id] = before;
        else
            paired_.erase(node_id);
        return done.error();
    }
    pending_.erase(request_id);
    (void)files_.write("pending.json", pending_);  // what stays there expires by itself
    tell_resolved(request, "approved", now_ms);
    return Json{{"requestId", request_id}, {"node", std::move(node)}};
}

Result<Json> NodeStore::reject(const std::string& request_id, int64_t now_ms) {
    expire(now_ms);
    const auto found = pending_.find(request_id);
    if (found == pending_.end()) return Error{Fault::bad_message, "unknown requestId"};
    const Json request = *found;
    pending_.erase(request_id);
    if (Done done = files_.write("pending.json", pending_); !done) return done.error();
    tell_resolved(request, "rejected", now_ms);
    return Json{{"requestId", request_id}, {"nodeId", text_member(request, "nodeId")}};
}

Json NodeStore::verify(const std::string& node_id, const std::string& token) const {
    const Json& node = member(paired_, node_id);
    const std::string stored = text_member(node, "token");
    if (stored.empty() || !same_secret(stored, token)) return {{"ok", false}};
    return {{"ok", true}, {"node", without_token(node)}};
}

Result<Json> NodeStore::rename(const std::string& node_id, const std::string& name) {
    const auto found = paired_.find(node_id);
    if (found == paired_.end()) return Error{Fault::bad_message, "unknown nodeId"};
    const Json before = *found;
    (*found)["displayName"] = name;
    if (Done done = files_.write("paired.json", paired_); !done) {
        *found = before;
        return done.error();
    }
    return without_token(*found);
}

std::vector<Json> NodeStore::nodes() const {
    std::vector<Json> list;
    for (const Json& node : paired_) list.push_back(without_token(node));
    return list;
}

}  // namespace gateway
