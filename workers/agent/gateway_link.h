// The agent's end of the link to the gateway: requests in, answers and events out.
//
// Promises that an answer goes only to the life of the gateway that asked: a later one has given
// the number to another request.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "workers/agent/methods.h"
#include "workers/common/link.h"

namespace hardshell::proto {
class Rpc;
}

namespace agent {

class GatewayLink final : public EventSink {
  public:
    explicit GatewayLink(std::unique_ptr<Link> link);
    ~GatewayLink() override;

    // From here on requests are served. `methods` must live until stop_serving().
    void serve(Methods& methods);
    void stop_serving();
    const Link& link() const { return *link_; }
    // Tells the gateway how the channels are, now and to each later life of it.
    void tell_channels(const Json& report);

    // A command waits for its owner's word: the gateway asks who may decide. The answer is empty
    // when nobody did in time; while no gateway is there none comes.
    void ask_approval(uint64_t id, const Json& params);
    // A person decided by a command.
    Done resolve_approval(const std::string& approval_id, const std::string& decision,
                          const std::string& by);
    using Approval = std::function<void(uint64_t id, const std::string& decision)>;
    void on_approval(Approval handler) { on_approval_ = std::move(handler); }

    void emit(const Event& event) override;
    void run_ended(const std::string& run_id) override;
    // Answers that may be given again may not any more.
    void state_changed();

  private:
    void take(std::string_view message);
    void greet();
    void send_channels();
    void answer(uint64_t id, uint64_t asked_by, const Answer& answer);

    std::unique_ptr<Link> link_;
    Methods* methods_ = nullptr;
    uint64_t gateway_life_ = 0;
    bool answers_are_kept_ = false;  // at the other end, as far as is known here
    std::string channels_json_;      // last told; empty: never
    Approval on_approval_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with pending answers
};

}  // namespace agent
