// What a run asks of a model and what it gets back, free of any provider's wire format.
//
// Messages have the form the transcript stores (role, content blocks), so that a provider
// translates from one form only and nothing is lost between a turn and the next.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/json.h"

namespace agent {

enum class Api : int;  // the wire formats: providers/model.h

// A message that is never changed again: a conversation in memory, the calls under way and what
// they are encoded from all hold the same one. Copying a long history for every turn took more
// processor time than all the rest of the turn.
class Message {
  public:
    // Found out about it once, when first wanted: it never changes, so neither does this. Looking
    // into every message of a long history at every turn took as long as the turn's disk writes.
    struct Findings {
        std::optional<int64_t> tokens;  // by tokens_of()
        // Its blocks, if every model is shown them as they are; empty: they have to be looked at.
        std::optional<std::vector<const Json*>> plain_texts;
        bool is_from_user = false;  // known with plain_texts
        std::string printed;        // of the texts, in the format of that API
        std::optional<Api> printed_for;
    };

    Message(Json json) : body_(std::make_shared<Body>(std::move(json))) {}
    operator const Json&() const { return body_->json; }
    const Json& json() const { return body_->json; }
    Findings& findings() const { return body_->findings; }

  private:
    struct Body {
        explicit Body(Json its) : json(std::move(its)) {}
        const Json json;
        Findings findings;
    };
    std::shared_ptr<Body> body_;  // by the conversation and the calls that it is part of
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
