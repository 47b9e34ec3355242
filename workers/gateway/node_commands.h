// Which commands may be sent to a node: what it has declared, as far as its platform's row and the
// owner's lists allow.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gateway {

struct NodePolicy {
    // gateway.nodes.allowCommands and denyCommands; the second one wins.
    std::vector<std::string> allowed;
    std::vector<std::string> denied;
};

// Why the command may not be sent; empty when it may.
std::string command_refusal(std::string_view command, std::string_view platform,
                            const std::vector<std::string>& declared, const NodePolicy& policy);

// iOS or Android.
bool is_phone(std::string_view platform);

}  // namespace gateway
