// What the double of Discord knows: people, servers, channels, messages. No socket; not locked.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace discord_double {

using Json = nlohmann::json;

class World {
  public:
    static constexpr const char* bot = "100000000000000001";
    static constexpr const char* application = "100000000000000001";
    static constexpr const char* ann = "200000000000000001";
    static constexpr const char* ben = "200000000000000002";
    static constexpr const char* guild = "300000000000000001";
    static constexpr const char* general = "400000000000000001";
    static constexpr const char* help = "400000000000000002";
    static constexpr const char* forum = "400000000000000003";
    static constexpr const char* post = "400000000000000004";  // a thread of the forum
    static constexpr const char* staff_role = "500000000000000001";

    World();

    std::string next_id();
    Json user(const std::string& id) const;
    Json member_of(const std::string& user_id) const;
    Json channel(const std::string& id) const;  // null when there is none
    Json guild_create(const std::string& bot_id) const;
    Json guild_object() const;
    Json application_object(const std::string& bot_id) const;

    Json add_channel(const std::string& name);
    void add_bot(const std::string& id, const std::string& name);
    // The direct chat of a person with a bot, made when there is none.
    Json direct_chat(const std::string& user_id, const std::string& bot_id);
    // Whose direct chat that is; empty for a channel that all bots see.
    std::string bot_of_chat(const std::string& channel_id) const;
    Json open_thread(const std::string& parent, const std::string& message_id,
                     const std::string& name, const std::string& owner);

    // Makes and keeps a message; `body` as the API takes it.
    Json write(const std::string& channel_id, const std::string& author_id, const Json& body);
    // As MESSAGE_CREATE has it.
    Json as_event(const Json& message) const;
    Json* find(const std::string& channel_id, const std::string& message_id);
    bool erase(const std::string& channel_id, const std::string& message_id);
    // Newest first.
    std::vector<Json> messages(const std::string& channel_id) const;
    // The message that was made with that nonce, or null.
    Json with_nonce(const std::string& channel_id, const std::string& nonce) const;

    uint64_t application_flags = 1u << 19;  // message content, for small bots

  private:
    std::map<std::string, Json> users_;
    std::map<std::string, Json> channels_;
    std::map<std::string, std::vector<Json>> messages_;
    std::map<std::string, std::string> nonces_;  // "<channel> <nonce>" to message
    std::map<std::string, std::string> chats_;   // direct ones, to their bot
    uint64_t counter_ = 0;
};

std::string timestamp(int64_t wall_ms);
int64_t wall_now_ms();

}  // namespace discord_double
