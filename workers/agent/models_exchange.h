// One request to one model: out it goes, in comes the answer, as deltas and then a message or a
// failure. Knows nothing of other candidates.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "workers/agent/providers/provider.h"
#include "workers/common/http_client.h"

namespace agent {

// The last call on it is exactly one of answered and broke; each may destroy the exchange.
class ExchangeListener {
  public:
    virtual ~ExchangeListener() = default;
    virtual void heard(const Delta& delta) = 0;
    virtual void answered(Json message) = 0;
    virtual void broke(const ModelFailure& failure) = 0;  // the text without the model's name
};

class Exchange final : private HttpReceiver {
  public:
    struct Timing {
        std::chrono::milliseconds connect{10'000};
        std::chrono::milliseconds idle{90'000};
    };

    Exchange(const Model& model, ExchangeListener& listener)
        : interpreter_(make_interpreter(model)), listener_(&listener) {}

    void start(HttpClient& client, WireRequest request, Timing timing);
    // Lets the connection finish the answer whose last event was read, so that it can be used
    // again; then calls `finished`, which may destroy the exchange.
    void linger(std::function<void()> finished);
    bool is_connected() const { return call_ != nullptr; }

  private:
    void http_head(const HttpHead& head) override;
    void http_body(std::string_view bytes) override;
    void http_ended(const Done& outcome) override;

    void read_events(std::string_view bytes);
    void conclude();
    void refuse();

    std::unique_ptr<Interpreter> interpreter_;
    ExchangeListener* listener_;  // null: lingers, or has had its last call
    std::unique_ptr<HttpCall> call_;
    EventStream stream_;
    int status_ = 0;
    bool streams_ = false;
    std::string content_type_;
    std::chrono::milliseconds retry_after_{0};
    std::string body_;  // of an answer that is no stream
    std::function<void()> finished_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with calls under way
};

}  // namespace agent
