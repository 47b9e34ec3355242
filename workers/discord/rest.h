// Discord's REST API: requests in the order of their bucket, within the limits, repeated where that
// is safe.
//
// Promises: every request is answered, in the end; what may have reached Discord is repeated only
// if its caller says that this does no harm; a refused token stops everything at once.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/common/https_client.h"
#include "workers/discord/rate_limits.h"

namespace discord {

struct RestRequest {
    std::string method;
    // "/channels/{channel}/messages": what the limits of Discord go by.
    std::string route;
    std::string path;   // "/channels/123/messages"
    std::string major;  // "123": the channel, guild or webhook
    Json body;          // null: none
    // Files that go along, which makes the body one of several parts.
    struct Upload {
        std::string path;
        std::string name;
        std::string type;
    };
    std::vector<Upload> uploads;
    // To do it twice is as good as once: beside GET, PUT and DELETE a message with a nonce.
    bool may_repeat = false;
    // Interaction callbacks are free of the global limit and carry their own token.
    bool is_interaction = false;
    bool with_token = true;
    std::chrono::milliseconds timeout{15'000};
};

struct RestAnswer {
    int status = 0;  // 0: none came
    Json body;
    int code = 0;  // Discord's own, of an error
    // With status 0: Discord may have done it all the same.
    bool may_have_arrived = false;
    // After 429 and failures: when to try again.
    int64_t retry_after_ms = 0;
    std::string error;  // a sentence; empty: all is well

    bool is_ok() const { return status >= 200 && status < 300; }
    // Another time it may be different.
    bool is_transient() const { return status == 0 || status == 429 || status >= 500; }
};

class Rest {
  public:
    using Handler = std::function<void(const RestAnswer&)>;
    struct Options {
        std::string api_url;
        std::string token;
        int attempts = 3;
        int64_t least_delay_ms = 500;
        int64_t most_delay_ms = 30'000;
    };

    Rest(ClientContext& context, Options options);
    ~Rest();
    Rest(const Rest&) = delete;
    Rest& operator=(const Rest&) = delete;

    // Never calls the handler from within.
    void send(RestRequest request, Handler handler);
    // Discord has said that the token is none: nothing is sent any more.
    void on_refused_token(std::function<void()> handler) { on_refused_token_ = std::move(handler); }
    size_t waiting() const;
    // The machine stood still: what is under way will not be answered, and is begun again where
    // that is safe.
    void machine_slept();

  private:
    struct Entry;
    struct Queue {
        std::deque<std::unique_ptr<Entry>> entries;
        Loop::Registration timer;
        std::unique_ptr<HttpsCall> call;
        std::string bucket;  // of the request under way, as known when it was sent
        bool is_busy = false;
    };

    void serve(const std::string& key);
    HttpsRequest prepare(const Entry& entry, Error& fault) const;
    void ended(const std::string& key, HttpsOutcome outcome);
    RestAnswer read(const Entry& entry, const std::string& bucket, HttpsOutcome& outcome);
    void note_limits(const Entry& entry, const std::string& bucket, const HttpsAnswer& answer,
                     RestAnswer& read);
    // Whether the entry at the front is tried once more, and when.
    bool repeats(Entry& entry, RestAnswer& answer);
    void finish(const std::string& key, const RestAnswer& answer);

    ClientContext& context_;
    Options options_;
    HttpsClient https_;
    RateLimits limits_;
    std::map<std::string, Queue> queues_;  // by bucket as known when a request came
    std::function<void()> on_refused_token_;
    bool is_refused_ = false;
};

// What Discord wants to know of every client.
inline constexpr const char* user_agent =
    "DiscordBot (https://hardshell.example, " HARDSHELL_VERSION ")";

// The usual calls.
RestRequest rest_get(std::string route, std::string path, std::string major = {});

// What an owner can do about an error of Discord's, by its code; empty: nothing is known.
std::string_view rest_hint(int code);

}  // namespace discord
