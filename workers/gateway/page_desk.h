// Serves the Control UI: the built-in page, or the files of a directory of the owner's, and the
// pictures of agents. GET and HEAD, without a credential.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "workers/gateway/agent_gate.h"
#include "workers/gateway/control_ui.h"
#include "workers/gateway/http_reply.h"

namespace gateway {

class PageDesk {
  public:
    static constexpr size_t largest_page = 1u << 20;
    static constexpr uint64_t largest_file = 64u << 20;
    // The agent is asked who it is at most so often, and waited for so long.
    static constexpr int64_t identity_ms = 10'000;
    static constexpr std::chrono::milliseconds patience{2'000};
    // Strangers may ask for pictures: so many at a time, until their clients have taken them.
    static constexpr size_t most_pictures = 8;

    PageDesk(const GatewaySettings& settings, AgentGate& agent, std::span<const PageFile> built_in);

    HttpVerdict receive(const HttpAsk& ask);

  private:
    using SharedReply = std::shared_ptr<HttpReply>;

    HttpVerdict file(const HttpAsk& ask, const UiTarget& target);
    std::optional<HttpVerdict> asset(const HttpAsk& ask, const std::string& name) const;
    std::optional<HttpVerdict> owners_file(const std::string& name,
                                           const std::string& headers) const;
    Result<std::string> page_text() const;
    HttpLater index(const HttpAsk& ask);
    HttpAnswer index_answer(const std::string& html, const std::string& host) const;
    HttpLater avatar(const HttpAsk& ask, const std::string& agent);
    void with_identity(std::function<void()> then);
    void ask_agent(Json params, std::function<void(const Json& answer)> then);
    std::string avatar_url(const Json& answer) const;
    UiBuild build() const {
        return settings_.page_root.empty() ? UiBuild::built_in : UiBuild::owners;
    }

    const GatewaySettings& settings_;
    AgentGate& agent_;
    std::span<const PageFile> built_in_;
    UiGlobals globals_;
    int64_t identified_ms_ = -identity_ms;  // monotonic
    std::vector<std::function<void()>> waiting_;
    std::shared_ptr<size_t> pictures_ = std::make_shared<size_t>(0);  // with each seat
};

}  // namespace gateway
