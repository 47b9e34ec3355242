// The older way to pair nodes: nodes/paired.json and nodes/pending.json, in OpenClaw's format.
//
// A token from here proves a node to whoever asks `node.pair.verify`; it opens no connection to
// this gateway: for that a node is paired as a device.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/common/base/result.h"
#include "workers/gateway/record_files.h"

namespace gateway {

class NodeStore {
  public:
    static constexpr int64_t request_life_ms = 300'000;
    static constexpr size_t most_requests = 64;
    using Listener = std::function<void(const std::string& event, const Json& payload)>;

    explicit NodeStore(std::string directory) : files_(std::move(directory)) {}

    std::vector<std::string> load(int64_t now_ms);
    // Told of "node.pair.requested" and "node.pair.resolved" with their payloads.
    void on_event(Listener listener) { on_event_ = std::move(listener); }

    // {status, request, created}: the node's request that waits already, or a new one.
    Result<Json> request(const Json& facts, int64_t now_ms);
    // {pending, paired}, without any token.
    Json list(int64_t now_ms);
    // {requestId, node}, with the node's new token. bad_message when there is no such request.
    Result<Json> approve(const std::string& request_id, int64_t now_ms);
    // {requestId, nodeId}
    Result<Json> reject(const std::string& request_id, int64_t now_ms);
    // {ok, node?}
    Json verify(const std::string& node_id, const std::string& token) const;
    // The node, without its token. bad_message when there is no such node.
    Result<Json> rename(const std::string& node_id, const std::string& name);
    // Without their tokens.
    std::vector<Json> nodes() const;

  private:
    void expire(int64_t now_ms);
    void tell_resolved(const Json& request, const char* decision, int64_t now_ms) const;

    RecordFiles files_;
    Json paired_ = Json::object();
    Json pending_ = Json::object();
    Listener on_event_;
};

}  // namespace gateway
