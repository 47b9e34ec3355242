// What a run asks of a model and what it gets back, free of any provider's wire format.
//
// Messages have the form the transcript stores (role, content blocks), so that a provider
// translates from one form only and nothing is lost between a turn and the next.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/json.h"

namespace agent {

// A message that is never changed again: a conversation in memory, the calls under way and what
// they are encoded from all hold the same one. Copying a long history for every turn took more
// processor time than all the rest of the turn.
class Message {
  public:
    Message(Json json) : json_(std::make_shared<const Json>(std::move(json))) {}
    operator const Json&() const { return *json_; }
    const Json& json() const { return *json_; }

  private:
    std::shared_ptr<const Json> json_;
};

// "anthropic" and "claude-opus-4-5" of "anthropic/claude-opus-4-5".
struct ModelName {
    std::string provider;
    std::string model;
    std::string full() const { return provider + "/" + model; }
    bool operator==(const ModelName&) const = default;
};

struct ModelRequest {
    std::vector<ModelName> candidates;  // tried in order; never empty
    std::string session_id;             // for prompt caching
    std::string agent = {};             // whose keys are used; empty: the default agent's
    std::string profile = {};           // the one key to use, where a person chose it
    std::string system;                 // empty: none
    std::vector<Message> messages;      // transcript form, oldest first, the last one is the user's
    std::string thinking;               // "off" … "xhigh"; empty: the provider's default
    std::chrono::milliseconds timeout{600'000};  // for all attempts together
};

struct ModelFailure {
    enum class Reason {
        rate_limit,        // 429, overloaded
        auth,              // 401, 403, no key
        billing,           // 402
        timed_out,         // 408, silence, the run's deadline
        format,            // 400: the request itself
        context_overflow,  // the request is too long for the model
        unreachable,       // no connection, broken off
        provider,          // 5xx, an error event, an answer that is none
    };
    Reason reason = Reason::provider;
    int http_status = 0;
    std::string text;  // one sentence that names provider and model; never a key
    std::chrono::milliseconds retry_after{0};  // 0: the provider did not say
};

// Where the events of one call go. Called from the loop, in this order: text and thinking deltas,
// any number of restarts, then exactly one of done and failed. May destroy the call from within.
class ModelListener {
  public:
    virtual ~ModelListener() = default;
    virtual void text_delta(std::string_view text) = 0;
    virtual void thinking_delta(std::string_view text) = 0;
    // The attempt failed and the next candidate starts: the text so far is void.
    virtual void restarted(const ModelFailure& why, const ModelName& next) = 0;
    // The assistant message in transcript form: role, content, api, provider, model, usage,
    // stopReason, timestamp.
    virtual void done(Json message) = 0;
    virtual void failed(const ModelFailure& failure) = 0;
};

// A call under way. Destroying it cancels: the connection closes and no event follows.
class ModelCall {
  public:
    virtual ~ModelCall() = default;
};

}  // namespace agent
