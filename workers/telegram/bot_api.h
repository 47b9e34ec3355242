// The Bot API: one call, one answer, and what a failed one means.
//
// The token is part of every address: it appears in no error and in no log line.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "workers/common/base/json.h"
#include "workers/common/base/secret.h"
#include "workers/common/https_client.h"

namespace telegram {

struct ApiFailure {
    enum class Kind {
        refused,       // 400, 403 and the like: it will be the same next time
        unauthorized,  // the token is not, or no longer, good
        conflict,      // somebody else asks for this bot's updates
        too_many,      // after `retry_after`
        unavailable,   // did not act on it: no connection, or the server says so
        ambiguous,     // may have acted on it, and did not tell
    };
    Kind kind = Kind::unavailable;
    int code = 0;             // of Telegram; 0: no answer
    std::string description;  // for the log and for people
    std::chrono::milliseconds retry_after{0};
    std::string migrated_to;  // the chat has this id now
};

struct ApiAnswer {
    Json result;
    std::unique_ptr<ApiFailure> failure;  // null: it worked

    explicit operator bool() const { return failure == nullptr; }
};

// What an answer of the server says; `status` is HTTP's, and so is the header `retry_after`.
ApiAnswer read_answer(int status, const std::string& body, std::string_view retry_after = {});
// Takes everything that looks like a token out.
std::string without_tokens(std::string text);

struct ApiFile {
    std::string field;  // "photo"
    std::string path;
    std::string name;
    std::string mime_type;
};

class BotApi {
  public:
    using Handler = std::function<void(const ApiAnswer&)>;
    using CallId = uint64_t;
    static constexpr std::chrono::milliseconds usual_timeout{30'000};
    static constexpr std::chrono::milliseconds file_timeout{120'000};  // at least
    struct Options {
        std::string url;  // "https://api.telegram.org"
        Secret token;
        std::chrono::milliseconds timeout = usual_timeout;
    };

    BotApi(ClientContext& context, Options options);
    ~BotApi();
    BotApi(const BotApi&) = delete;
    BotApi& operator=(const BotApi&) = delete;

    // Never calls the handler from within. `timeout` 0: the usual one of the options.
    CallId call(const std::string& method, const Json& params, Handler handler,
                std::chrono::milliseconds timeout = {});
    // Parameters that are no text are sent as JSON. no_storage: the file cannot be read.
    Result<CallId> upload(const std::string& method, const Json& params, const ApiFile& file,
                          Handler handler);
    // Stores the file at `path`, made new. out_of_room: it is larger than `most`.
    using Stored = std::function<void(const Done&)>;
    CallId download(const std::string& file_path, const std::string& path, uint64_t most,
                    Stored handler);
    // The next poll makes a new one.
    void close_poll_connection() { polling_.close_idle(); }
    // Likewise for everything that has none under way.
    void close_connections();
    // Its handler will not be called.
    void cancel(CallId id);

  private:
    HttpsRequest request_to(const std::string& method) const;
    CallId start(HttpsClient& client, HttpsRequest request, Handler handler);
    CallId keep(std::unique_ptr<HttpsCall> call);
    ApiAnswer judged(ApiAnswer answer);

    Options options_;
    // The long poll has a connection of its own: nothing waits behind it.
    HttpsClient polling_;
    HttpsClient calling_;
    // Nor behind files.
    HttpsClient fetching_;
    bool token_is_known_ = false;  // to the server
    CallId last_id_ = 0;
    std::map<CallId, std::unique_ptr<HttpsCall>> calls_;
};

}  // namespace telegram
