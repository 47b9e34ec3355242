// The nodes that are connected, and what has been asked of them.
//
// Every question is answered once: by the node, by its leaving, or by time. A node is known by its
// device; when it connects again before the old connection has ended, the new one counts.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <variant>

#include "workers/common/base/json.h"
#include "workers/common/base/loop.h"
#include "workers/gateway/client.h"
#include "workers/gateway/frames.h"
#include "workers/gateway/node_commands.h"

namespace gateway {

class NodeRegistry {
  public:
    using Outcome = std::variant<Json, Failure>;
    using Answer = std::function<void(const Outcome&)>;

    static constexpr std::chrono::milliseconds default_patience{30'000};
    static constexpr std::chrono::milliseconds longest_patience{600'000};
    static constexpr size_t most_questions = 256;

    NodeRegistry(Loop& loop, NodePolicy policy) : loop_(loop), policy_(std::move(policy)) {}

    // The client must outlive its stay.
    void entered(Client& client, int64_t now_ms);
    void left(const Client& client);
    bool is_connected(const std::string& node_id) const { return nodes_.contains(node_id); }

    // All that are paired or connected: the connected first, then by name. `paired` are records of
    // both stores.
    Json list(const std::vector<Json>& paired) const;
    // Null when there is no such node.
    Json describe(const std::string& node_id, const std::vector<Json>& paired) const;

    bool has_phone() const;

    // Whether the owner's policy for commands of nodes is asked: not for what has a method of its
    // own.
    enum class Policy { asked, not_asked };
    // Parameters of node.invoke that fit its shape.
    void invoke(const Json& params, Answer answer, Policy policy = Policy::asked);
    // Parameters of node.invoke.result that fit its shape, from that node.
    Outcome take_result(const Client& client, const Json& params);

  private:
    struct Node {
        Client* client;
        int64_t connected_at_ms;
    };
    struct Question {
        std::string node_id;
        std::string command;
        Answer answer;
        Loop::Registration deadline;
    };
    void give_up(const std::string& id, const std::string& code, const std::string& why);

    Loop& loop_;
    NodePolicy policy_;
    std::unordered_map<std::string, Node> nodes_;
    std::map<std::string, Question> questions_;
};

}  // namespace gateway
