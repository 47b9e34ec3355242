// What the double of Telegram knows, and its methods. Internal to tests/support/telegram_*.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "tests/support/telegram_double.h"

namespace telegram_double {

using Json = nlohmann::json;

// An error in the API's form.
struct Refusal {
    int code;
    std::string description;
    Json parameters = Json::object();
};

struct Upload {
    std::string name;
    std::string bytes;
};

struct Call {
    std::string method;
    Json params = Json::object();
    std::map<std::string, Upload> files;  // by field, or by the name of attach://
    std::function<bool()> has_left;
};

struct Stored {
    std::string path;
    std::string bytes;
};

// Everything below `mutex` belongs to it.
struct World {
    explicit World(TelegramDouble::Options asked);

    TelegramDouble::Options options;
    int64_t bot_id;

    mutable std::mutex mutex;
    mutable std::condition_variable changed;
    std::map<int64_t, Json> chats;
    std::set<int64_t> blocked;
    std::map<int64_t, int64_t> migrated;
    std::map<int64_t, std::map<int64_t, TelegramMessage>> messages;
    std::map<int64_t, int64_t> last_message;
    std::map<std::string, Stored> files;
    std::deque<Json> updates;
    int64_t next_update;
    std::set<std::string> allowed;  // empty: all but what has to be asked for
    uint64_t poll = 0;              // the poll that counts: a newer one ends the older
    bool is_polled = false;
    Json commands = Json::array();
    std::string webhook;
    std::string webhook_secret;
    std::string webhook_error;
    bool is_revoked = false;
    bool is_down = false;
    bool is_black_hole = false;
    bool polls_are_short = false;
    Json polls_say;  // null: what there is
    bool is_stopping = false;
    std::vector<TelegramCall> calls;
    std::map<std::string, std::deque<TelegramFault>> faults;

    Json me() const;
    void queue(Json update);
    std::optional<TelegramFault> fault_for(const std::string& method);
    int64_t next_message_id(int64_t chat) { return ++last_message[chat]; }
};

// The result of a method; throws Refusal. Takes the world's mutex itself.
Json perform(World& world, const Call& call);
// {"ok":true,"result":…} or {"ok":false,…}.
std::string success_text(const Json& result);
std::string refusal_text(const Refusal& refusal);
// The parameters of a request of any content type that the API takes.
Call read_call(const std::string& method, const std::string& query, const std::string& content_type,
               const std::string& body);
// Sends updates to the webhook while one is set, until the world stops.
void serve_webhook(World& world);

}  // namespace telegram_double
