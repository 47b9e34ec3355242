#include "tests/support/discord_world.h"

#include <algorithm>
#include <chrono>
#include <ctime>

namespace discord_double {

namespace {

constexpr int64_t epoch_ms = 1'420'070'400'000;

Json make_user(const std::string& id, const std::string& name, bool is_bot) {
    return {{"id", id},
            {"username", name},
            {"global_name", is_bot ? Json() : Json(name)},
            {"discriminator", is_bot ? "1234" : "0"},
            {"avatar", nullptr},
            {"bot", is_bot},
            {"flags", 0},
            {"public_flags", 0}};
}

Json make_channel(const std::string& id, int type, const std::string& name) {
    return {{"id", id},
            {"type", type},
            {"guild_id", World::guild},
            {"name", name},
            {"position", 0},
            {"permission_overwrites", Json::array()},
            {"topic", nullptr},
            {"nsfw", false},
            {"last_message_id", nullptr},
            {"rate_limit_per_user", 0},
            {"parent_id", nullptr},
            {"flags", 0}};
}

Json make_thread(const std::string& id, const std::string& parent, const std::string& name,
                 const std::string& owner) {
    return {{"id", id},
            {"type", 11},
            {"guild_id", World::guild},
            {"name", name},
            {"parent_id", parent},
            {"owner_id", owner},
            {"last_message_id", nullptr},
            {"message_count", 0},
            {"member_count", 1},
            {"rate_limit_per_user", 0},
            {"total_message_sent", 0},
            {"flags", 0},
            {"thread_metadata",
             {{"archived", false},
              {"auto_archive_duration", 60},
              {"archive_timestamp", timestamp(wall_now_ms())},
              {"locked", false}}}};
}

}  // namespace

int64_t wall_now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string timestamp(int64_t wall_ms) {
    const std::time_t seconds = wall_ms / 1000;
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[64];
    const size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text + size, sizeof text - size, ".%06d+00:00",
                  static_cast<int>(wall_ms % 1000) * 1000);
    return text;
}

World::World() {
    users_[bot] = make_user(bot, "hardshell-bot", true);
    users_[ann] = make_user(ann, "ann", false);
    users_[ben] = make_user(ben, "ben", false);
    channels_[general] = make_channel(general, 0, "general");
    channels_[help] = make_channel(help, 0, "help");
    channels_[forum] = make_channel(forum, 15, "questions");
    channels_[post] = make_thread(post, forum, "how does it work", ann);
}

std::string World::next_id() {
    const auto since = static_cast<uint64_t>(wall_now_ms() - epoch_ms);
    return std::to_string(since << 22 | (++counter_ & 0x3fffff));
}

Json World::user(const std::string& id) const {
    const auto found = users_.find(id);
    return found == users_.end() ? make_user(id, "user" + id, false) : found->second;
}

Json World::member_of(const std::string& user_id) const {
    Json roles = Json::array();
    if (user_id == ben) roles.push_back(staff_role);
    return {{"roles", roles},
            {"nick", nullptr},
            {"avatar", nullptr},
            {"joined_at", "2024-01-01T00:00:00.000000+00:00"},
            {"premium_since", nullptr},
            {"deaf", false},
            {"mute", false},
            {"flags", 0}};
}

Json World::channel(const std::string& id) const {
    const auto found = channels_.find(id);
    return found == channels_.end() ? Json() : found->second;
}

Json World::guild_object() const {
    const auto role = [](const char* id, const char* name, const char* permissions) {
        return Json{{"id", id},         {"name", name},         {"color", 0},
                    {"hoist", false},   {"position", 0},        {"permissions", permissions},
                    {"managed", false}, {"mentionable", false}, {"flags", 0}};
    };
    return {{"id", guild},
            {"name", "Test Server"},
            {"icon", nullptr},
            {"splash", nullptr},
            {"owner_id", ann},
            {"afk_channel_id", nullptr},
            {"afk_timeout", 300},
            {"verification_level", 0},
            {"default_message_notifications", 0},
            {"explicit_content_filter", 0},
            {"roles", {role(guild, "@everyone", "1071698660929"), role(staff_role, "staff", "0")}},
            {"emojis", Json::array()},
            {"features", Json::array()},
            {"mfa_level", 0},
            {"system_channel_id", nullptr},
            {"system_channel_flags", 0},
            {"rules_channel_id", nullptr},
            {"vanity_url_code", nullptr},
            {"description", nullptr},
            {"banner", nullptr},
            {"premium_tier", 0},
            {"preferred_locale", "en-US"},
            {"public_updates_channel_id", nullptr},
            {"nsfw_level", 0},
            {"stickers", Json::array()},
            {"premium_progress_bar_enabled", false}};
}

Json World::guild_create(const std::string& bot_id) const {
    Json made = guild_object();
    made["joined_at"] = "2024-01-01T00:00:00.000000+00:00";
    made["large"] = false;
    made["unavailable"] = false;
    made["member_count"] = 3;
    made["voice_states"] = Json::array();
    made["presences"] = Json::array();
    made["stage_instances"] = Json::array();
    made["guild_scheduled_events"] = Json::array();
    made["members"] = Json::array();
    Json own = member_of(bot_id);
    own["user"] = user(bot_id);
    made["members"].push_back(own);
    made["channels"] = Json::array();
    made["threads"] = Json::array();
    for (const auto& [id, each] : channels_) {
        if (!each.contains("guild_id")) continue;
        made[each.at("type") == 11 ? "threads" : "channels"].push_back(each);
    }
    return made;
}

// A bot's application has the bot's id, as those made lately do.
Json World::application_object(const std::string& bot_id) const {
    return {{"id", bot_id},       {"name", "hardshell-bot"},    {"icon", nullptr},
            {"description", ""},  {"bot_public", true},         {"bot_require_code_grant", false},
            {"verify_key", "00"}, {"flags", application_flags}, {"team", nullptr}};
}

Json World::add_channel(const std::string& name) {
    const std::string id = next_id();
    channels_[id] = make_channel(id, 0, name);
    return channels_[id];
}

void World::add_bot(const std::string& id, const std::string& name) {
    users_[id] = make_user(id, name, true);
}

std::string World::bot_of_chat(const std::string& channel_id) const {
    const auto found = chats_.find(channel_id);
    return found == chats_.end() ? std::string() : found->second;
}

Json World::direct_chat(const std::string& user_id, const std::string& bot_id) {
    for (const auto& [id, its_bot] : chats_)
        if (its_bot == bot_id && channels_[id]["recipients"][0]["id"] == user_id)
            return channels_[id];
    const std::string id = next_id();
    chats_[id] = bot_id;
    channels_[id] = {{"id", id},
                     {"type", 1},
                     {"last_message_id", nullptr},
                     {"flags", 0},
                     {"recipients", {user(user_id)}}};
    return channels_[id];
}

Json World::open_thread(const std::string& parent, const std::string& message_id,
                        const std::string& name, const std::string& owner) {
    // A thread of a message has the message's id.
    if (channels_.count(message_id)) return {};
    channels_[message_id] = make_thread(message_id, parent, name, owner);
    return channels_[message_id];
}

Json World::write(const std::string& channel_id, const std::string& author_id, const Json& body) {
    const std::string id = next_id();
    const Json place = channel(channel_id);
    Json message = {{"id", id},
                    {"channel_id", channel_id},
                    {"author", user(author_id)},
                    {"content", body.value("content", std::string())},
                    {"timestamp", timestamp(wall_now_ms())},
                    {"edited_timestamp", nullptr},
                    {"tts", false},
                    {"mention_everyone", false},
                    {"mentions", Json::array()},
                    {"mention_roles", Json::array()},
                    {"attachments", body.value("attachments", Json::array())},
                    {"embeds", Json::array()},
                    {"components", Json::array()},
                    {"pinned", false},
                    {"flags", body.value("flags", 0)},
                    {"type", 0}};
    const std::string content = message["content"];
    for (const auto& [user_id, each] : users_)
        if (content.find("<@" + user_id + ">") != std::string::npos)
            message["mentions"].push_back(each);
    if (place.is_object() && place.contains("guild_id")) message["guild_id"] = place["guild_id"];
    if (body.contains("nonce")) {
        message["nonce"] = body["nonce"];
        nonces_[channel_id + " " + body["nonce"].get<std::string>()] = id;
    }
    if (body.contains("message_reference")) {
        message["type"] = 19;
        message["message_reference"] = body["message_reference"];
        message["message_reference"]["channel_id"] = channel_id;
        const Json* original =
            find(channel_id, body["message_reference"].value("message_id", std::string()));
        message["referenced_message"] = original ? *original : Json();
    }
    messages_[channel_id].push_back(message);
    return message;
}

Json World::as_event(const Json& message) const {
    Json event = message;
    if (event.contains("guild_id"))
        event["member"] = member_of(event["author"]["id"].get<std::string>());
    return event;
}

Json* World::find(const std::string& channel_id, const std::string& message_id) {
    for (Json& message : messages_[channel_id])
        if (message["id"] == message_id) return &message;
    return nullptr;
}

bool World::erase(const std::string& channel_id, const std::string& message_id) {
    return std::erase_if(messages_[channel_id],
                         [&](const Json& each) { return each["id"] == message_id; }) > 0;
}

std::vector<Json> World::messages(const std::string& channel_id) const {
    const auto found = messages_.find(channel_id);
    if (found == messages_.end()) return {};
    return {found->second.rbegin(), found->second.rend()};
}

Json World::with_nonce(const std::string& channel_id, const std::string& nonce) const {
    const auto found = nonces_.find(channel_id + " " + nonce);
    if (found == nonces_.end()) return {};
    for (const Json& message : messages(channel_id))
        if (message["id"] == found->second) return message;
    return {};
}

}  // namespace discord_double
