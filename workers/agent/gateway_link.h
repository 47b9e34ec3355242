// The agent's end of the link to the gateway: requests in, answers and events out.
//
// Promises that an answer goes only to the life of the gateway that asked: a later one has given
// the number to another request.
#pragma once

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

    void emit(const Event& event) override;
    void run_ended(const std::string& run_id) override;

  private:
    void take(std::string_view message);
    void answer(uint64_t id, uint64_t asked_by, const Answer& answer);

    std::unique_ptr<Link> link_;
    Methods* methods_ = nullptr;
    uint64_t gateway_life_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with pending answers
};

}  // namespace agent
