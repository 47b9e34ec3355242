// A stand-in for Telegram's Bot API: real HTTP over real TLS on loopback, and the rules that
// clients meet there: long polling that one poller at a time may do, updates kept until they are
// confirmed, HTML read strictly, limits, webhooks, files, and the words it refuses with. Misbehaves
// on demand.
//
// Knows nothing of the product's code.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

// What is done with a call instead of answering it as usual.
struct TelegramFault {
    enum class What {
        refuse,        // an error in the API's form, nothing is done
        status,        // an HTTP status with no JSON, nothing is done
        reset_before,  // the connection is reset, nothing is done
        reset_after,   // it is done, and then the connection is reset without an answer
        half_answer,   // it is done, and half of the answer comes
        no_answer,     // it is done, and no answer comes as long as the client waits
    };
    What what = What::refuse;
    int code = 429;
    std::string description = "Too Many Requests: retry later";
    int retry_after = 0;  // seconds; in the answer when not 0
    int times = 1;
};

// A message as a chat shows it.
struct TelegramMessage {
    int64_t id = 0;
    int64_t chat_id = 0;
    int64_t thread_id = 0;
    bool from_bot = false;
    std::string text;  // as read: without markup
    nlohmann::json entities = nlohmann::json::array();
    std::string file;  // "photo", "document": what it carries, when it does
    std::string file_bytes;
    std::string file_name;
    int64_t reply_to = 0;
    int edits = 0;
    bool is_silent = false;
    std::vector<std::string> reactions;  // of the bot
};

// A call that came in, whatever became of it.
struct TelegramCall {
    std::string method;
    nlohmann::json params;
    std::chrono::steady_clock::time_point at;
};

class TelegramDouble {
  public:
    struct Options {
        bool tls = true;
        uint16_t port = 0;
        std::string token = "123456:AAF0test1token2for3the4double5only6";
        std::string username = "mybot";
        bool has_topics = false;
        bool can_read_all = true;
        // Real ones are over 1,000 ahead of any that a test counts.
        int64_t first_update = 9'001;
    };

    TelegramDouble() : TelegramDouble(Options()) {}
    explicit TelegramDouble(Options options);
    ~TelegramDouble();
    TelegramDouble(const TelegramDouble&) = delete;
    TelegramDouble& operator=(const TelegramDouble&) = delete;

    std::string url() const;
    std::string certificate_file() const;
    const std::string& token() const;
    // What leads a gateway here.
    std::map<std::string, std::string> environment() const;
    // What is asked here for the other's bot, that one answers.
    void also_serve(const TelegramDouble& other);

    // --- People -------------------------------------------------------------------------------
    // A person writes to the bot, or in a group that is made by that. Returns the message's id.
    // What `extra` holds is merged into the message; one with entities, photo … needs it all.
    int64_t say(int64_t chat_id, int64_t user_id, const std::string& text,
                const nlohmann::json& extra = nlohmann::json::object());
    // Any other update, without its id. Returns that.
    int64_t push(const nlohmann::json& update);
    // A file that a message may carry; returns its file_id.
    std::string add_file(const std::string& bytes, const std::string& path = "documents/file_1");
    void add_chat(const nlohmann::json& chat);
    void block_bot(int64_t chat_id);
    // The group becomes a supergroup with another id.
    void migrate(int64_t from, int64_t to);
    void revoke_token();

    // --- What happened ------------------------------------------------------------------------
    // Of a chat, in order; those that were deleted are not among them.
    std::vector<TelegramMessage> messages(int64_t chat_id) const;
    std::vector<TelegramMessage> from_bot(int64_t chat_id) const;
    std::vector<TelegramCall> calls(const std::string& method = {}) const;
    // Updates that Telegram still keeps for the bot.
    size_t unconfirmed() const;
    bool is_polled() const;
    nlohmann::json commands() const;
    std::string webhook_url() const;
    // False when `holds` does not hold within 90 seconds.
    bool wait(const std::function<bool(const TelegramDouble&)>& holds) const;

    // --- Faults -------------------------------------------------------------------------------
    // For the next calls of that method; "*" for any, "file" for downloads.
    void fail(const std::string& method, TelegramFault fault);
    // 503 to everything.
    void set_down(bool down);
    // Connections are accepted, requests are read, and nothing is answered; those that are still
    // waiting when it is over are answered then.
    void black_hole(bool on);
    // A long poll that finds nothing is answered with nothing, at once.
    void answer_polls_at_once(bool at_once);
    // A poll is answered with that in place of its list, at once; null: as usual.
    void answer_polls_with(nlohmann::json result);
    void cut_connections();
    void refuse_connections(bool refuse);
    uint64_t connections() const;

  private:
    struct State;
    std::shared_ptr<State> state_;  // with who also serves it
};
