// The methods of the double of Telegram's Bot API.

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <iterator>

#include "tests/support/telegram_html.h"
#include "tests/support/telegram_state.h"

namespace telegram_double {

namespace {

constexpr size_t longest_text = 4096;
constexpr size_t longest_caption = 1024;
constexpr size_t largest_download = 20u << 20;
constexpr const char* usual_emojis[] = {"👍", "👎", "❤", "🔥", "🎉", "👀", "🤔", "😁", "💯", "👌"};

[[noreturn]] void refuse(int code, const std::string& description) {
    throw Refusal{code, description};
}
[[noreturn]] void bad(const std::string& description) {
    refuse(400, "Bad Request: " + description);
}

// Parameters come as JSON or as text.
int64_t number(const Json& params, const char* key, int64_t fallback = 0) {
    if (!params.contains(key)) return fallback;
    const Json& value = params[key];
    if (value.is_number_integer()) return value.get<int64_t>();
    if (!value.is_string()) return fallback;
    return std::strtoll(value.get_ref<const std::string&>().c_str(), nullptr, 10);
}
std::string text(const Json& params, const char* key) {
    if (!params.contains(key)) return {};
    return params[key].is_string() ? params[key].get<std::string>() : params[key].dump();
}
bool flag(const Json& params, const char* key) {
    const std::string value = text(params, key);
    return value == "true" || value == "1" || value == "True";
}
Json structure(const Json& params, const char* key) {
    if (!params.contains(key)) return {};
    if (!params[key].is_string()) return params[key];
    return Json::parse(params[key].get<std::string>(), nullptr, false);
}

int64_t chat_of(World& world, const Json& params) {
    if (text(params, "chat_id").empty()) bad("chat_id is empty");
    const int64_t id = number(params, "chat_id");
    if (const auto moved = world.migrated.find(id); moved != world.migrated.end())
        throw Refusal{400,
                      "Bad Request: group chat was upgraded to a supergroup chat",
                      {{"migrate_to_chat_id", moved->second}}};
    if (!world.chats.contains(id)) bad("chat not found");
    if (world.blocked.contains(id)) refuse(403, "Forbidden: bot was blocked by the user");
    return id;
}

int64_t thread_of(World& world, int64_t chat, const Json& params) {
    const int64_t thread = number(params, "message_thread_id");
    if (thread == 0) return 0;
    const Json& known = world.chats[chat];
    const Json threads = known.value("threads", Json::array());
    if (std::find(threads.begin(), threads.end(), Json(thread)) == threads.end())
        bad("message thread not found");
    return thread;
}

// The text that a parameter holds, with its markup read.
TelegramText read_text(const Json& params, const char* key, size_t longest, const char* too_long) {
    TelegramText read;
    const std::string source = text(params, key);
    const std::string mode = text(params, "parse_mode");
    if (mode == "HTML")
        read = read_telegram_html(source);
    else if (mode.empty())
        read.text = source;
    else
        bad("unsupported parse_mode");
    if (!read.error.empty()) bad("can't parse entities: " + read.error);
    if (telegram_units(read.text) > longest) bad(too_long);
    return read;
}

bool is_blank(const std::string& value) {
    return value.find_first_not_of(" \t\r\n") == std::string::npos;
}

Json shown_chat(const Json& chat) {
    Json shown = chat;
    shown.erase("threads");
    return shown;
}

Json shown(World& world, const TelegramMessage& message) {
    Json json = {{"message_id", message.id},
                 {"date", std::time(nullptr)},
                 {"chat", shown_chat(world.chats[message.chat_id])},
                 {"from", world.me()}};
    if (message.thread_id != 0) json["message_thread_id"] = message.thread_id;
    if (message.file.empty()) {
        json["text"] = message.text;
        if (!message.entities.empty()) json["entities"] = message.entities;
    } else {
        if (!message.text.empty()) json["caption"] = message.text;
        Json file = {{"file_id", "sent-" + std::to_string(message.id)},
                     {"file_unique_id", "u" + std::to_string(message.id)},
                     {"file_size", message.file_bytes.size()}};
        json[message.file] = message.file == "photo" ? Json::array({file}) : file;
    }
    return json;
}

void look_at_reply(World& world, int64_t chat, const Json& params, TelegramMessage& message) {
    const Json reply = structure(params, "reply_parameters");
    int64_t to = number(params, "reply_to_message_id");
    bool may_be_missing = flag(params, "allow_sending_without_reply");
    if (reply.is_object()) {
        to = number(reply, "message_id");
        may_be_missing = flag(reply, "allow_sending_without_reply");
    }
    if (to == 0) return;
    if (world.messages[chat].contains(to))
        message.reply_to = to;
    else if (!may_be_missing)
        bad("message to be replied not found");
}

Json keep(World& world, int64_t chat, const Json& params, TelegramMessage message) {
    message.chat_id = chat;
    message.thread_id = thread_of(world, chat, params);
    look_at_reply(world, chat, params, message);
    message.from_bot = true;
    message.is_silent = flag(params, "disable_notification");
    message.id = world.next_message_id(chat);
    const Json answer = shown(world, world.messages[chat][message.id] = std::move(message));
    world.changed.notify_all();
    return answer;
}

Json send_message(World& world, const Call& call) {
    const int64_t chat = chat_of(world, call.params);
    const TelegramText read = read_text(call.params, "text", longest_text, "message is too long");
    if (is_blank(read.text)) bad("message text is empty");
    TelegramMessage message;
    message.text = read.text;
    message.entities = read.entities;
    return keep(world, chat, call.params, std::move(message));
}

// "sendPhoto" carries a "photo".
Json send_file(World& world, const Call& call) {
    std::string field = call.method.substr(4);
    field[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(field[0])));
    const int64_t chat = chat_of(world, call.params);
    TelegramMessage message;
    message.file = field;
    const TelegramText caption =
        read_text(call.params, "caption", longest_caption, "message caption is too long");
    message.text = caption.text;
    message.entities = caption.entities;
    std::string name = field;
    if (const std::string given = text(call.params, field.c_str()); given.starts_with("attach://"))
        name = given.substr(9);
    if (const auto file = call.files.find(name); file != call.files.end()) {
        message.file_bytes = file->second.bytes;
        message.file_name = file->second.name;
    } else if (const auto known = world.files.find(text(call.params, field.c_str()));
               known != world.files.end()) {
        message.file_bytes = known->second.bytes;
    } else {
        bad("there is no " + field + " in the request");
    }
    if (message.file_bytes.empty()) bad("file must be non-empty");
    return keep(world, chat, call.params, std::move(message));
}

TelegramMessage& own_message(World& world, const Call& call, const char* missing) {
    const int64_t chat = chat_of(world, call.params);
    const auto found = world.messages[chat].find(number(call.params, "message_id"));
    if (found == world.messages[chat].end()) bad(missing);
    return found->second;
}

Json edit_text(World& world, const Call& call) {
    TelegramMessage& message = own_message(world, call, "message to edit not found");
    if (!message.from_bot) bad("message can't be edited");
    const TelegramText read = read_text(call.params, "text", longest_text, "message is too long");
    if (is_blank(read.text)) bad("message text is empty");
    if (read.text == message.text && read.entities == message.entities)
        bad("message is not modified: specified new message content and reply markup are exactly "
            "the same as a current content and reply markup of the message");
    message.text = read.text;
    message.entities = read.entities;
    ++message.edits;
    world.changed.notify_all();
    return shown(world, message);
}

Json delete_message(World& world, const Call& call) {
    const TelegramMessage& message = own_message(world, call, "message to delete not found");
    world.messages[message.chat_id].erase(message.id);
    world.changed.notify_all();
    return true;
}

Json set_reaction(World& world, const Call& call) {
    TelegramMessage& message = own_message(world, call, "message to react not found");
    std::vector<std::string> emojis;
    const Json list = structure(call.params, "reaction");
    if (list.is_array())
        for (const Json& reaction : list) emojis.push_back(text(reaction, "emoji"));
    for (const std::string& emoji : emojis)
        if (std::find(std::begin(usual_emojis), std::end(usual_emojis), emoji) ==
            std::end(usual_emojis))
            bad("REACTION_INVALID");
    message.reactions = emojis;
    world.changed.notify_all();
    return true;
}

Json chat_action(World& world, const Call& call) {
    const int64_t chat = chat_of(world, call.params);
    // Unlike a message, an action may name the General topic.
    if (number(call.params, "message_thread_id") != 1) thread_of(world, chat, call.params);
    if (text(call.params, "action").empty()) bad("wrong parameter action in request");
    return true;
}

Json send_draft(World& world, const Call& call) {
    const int64_t chat = chat_of(world, call.params);
    if (!world.options.has_topics) bad("can't send a message draft to the chat");
    if (number(call.params, "draft_id") == 0) bad("draft_id must be non-zero");
    thread_of(world, chat, call.params);
    read_text(call.params, "text", longest_text, "message is too long");
    return true;
}

Json set_commands(World& world, const Call& call) {
    const Json list = structure(call.params, "commands");
    if (!list.is_array()) bad("can't parse commands");
    for (const Json& command : list) {
        const std::string name = text(command, "command");
        const std::string description = text(command, "description");
        if (name.empty() || name.size() > 32 ||
            name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != name.npos)
            bad("BOT_COMMAND_INVALID");
        if (description.empty() || telegram_units(description) > 256)
            bad("BOT_COMMAND_DESCRIPTION_INVALID");
    }
    world.commands = list;
    world.changed.notify_all();
    return true;
}

Json get_file(World& world, const Call& call) {
    const std::string id = text(call.params, "file_id");
    const auto found = world.files.find(id);
    if (found == world.files.end()) bad("wrong file_id or the file is temporarily unavailable");
    if (found->second.bytes.size() > largest_download) bad("file is too big");
    return {{"file_id", id},
            {"file_unique_id", "u" + id},
            {"file_size", found->second.bytes.size()},
            {"file_path", found->second.path}};
}

Json set_webhook(World& world, const Call& call) {
    const std::string url = text(call.params, "url");
    const bool is_loopback = url.starts_with("http://127.0.0.1:");
    if (!url.empty() && !url.starts_with("https://") && !is_loopback)
        bad("bad webhook: An HTTPS URL must be provided for webhook");
    world.webhook = url;
    world.webhook_secret = text(call.params, "secret_token");
    if (flag(call.params, "drop_pending_updates")) world.updates.clear();
    ++world.poll;  // who polls is told at once
    world.changed.notify_all();
    return true;
}

Json delete_webhook(World& world, const Call& call) {
    world.webhook.clear();
    if (flag(call.params, "drop_pending_updates")) world.updates.clear();
    world.changed.notify_all();
    return true;
}

Json webhook_info(World& world, const Call&) {
    Json info = {{"url", world.webhook},
                 {"has_custom_certificate", false},
                 {"pending_update_count", world.updates.size()}};
    if (!world.webhook_error.empty()) info["last_error_message"] = world.webhook_error;
    return info;
}

Json get_chat(World& world, const Call& call) {
    return shown_chat(world.chats[chat_of(world, call.params)]);
}

Json get_chat_member(World& world, const Call& call) {
    chat_of(world, call.params);
    const bool is_bot = number(call.params, "user_id") == world.bot_id;
    return {{"status", is_bot ? "administrator" : "member"}, {"user", world.me()}};
}

struct Method {
    const char* name;
    Json (*perform)(World& world, const Call& call);
};
constexpr Method methods[] = {
    {"getMe", [](World& world, const Call&) { return world.me(); }},
    {"sendMessage", send_message},
    {"sendPhoto", send_file},
    {"sendDocument", send_file},
    {"sendVideo", send_file},
    {"sendAudio", send_file},
    {"sendVoice", send_file},
    {"sendAnimation", send_file},
    {"editMessageText", edit_text},
    {"deleteMessage", delete_message},
    {"setMessageReaction", set_reaction},
    {"sendChatAction", chat_action},
    {"sendMessageDraft", send_draft},
    {"answerCallbackQuery", [](World&, const Call&) { return Json(true); }},
    {"setMyCommands", set_commands},
    {"getMyCommands", [](World& world, const Call&) { return world.commands; }},
    {"deleteMyCommands",
     [](World& world, const Call&) {
         world.commands = Json::array();
         return Json(true);
     }},
    {"getFile", get_file},
    {"setWebhook", set_webhook},
    {"deleteWebhook", delete_webhook},
    {"getWebhookInfo", webhook_info},
    {"getChat", get_chat},
    {"getChatMember", get_chat_member},
};

void confirm(World& world, int64_t offset) {
    if (offset > 0)
        while (!world.updates.empty() && world.updates.front()["update_id"] < offset)
            world.updates.pop_front();
    if (offset < 0)
        while (world.updates.size() > static_cast<size_t>(-offset)) world.updates.pop_front();
    world.changed.notify_all();
}

[[noreturn]] void refuse_poll(const World& world) {
    if (!world.webhook.empty())
        refuse(409,
               "Conflict: can't use getUpdates method while webhook is active; use "
               "deleteWebhook to delete the webhook first");
    refuse(409,
           "Conflict: terminated by other getUpdates request; make sure that only one bot "
           "instance is running");
}

Json get_updates(World& world, const Call& call) {
    using namespace std::chrono;
    std::unique_lock lock(world.mutex);
    if (!world.webhook.empty()) refuse_poll(world);
    const uint64_t own = ++world.poll;
    world.is_polled = true;
    world.changed.notify_all();
    if (const Json allowed = structure(call.params, "allowed_updates"); allowed.is_array()) {
        world.allowed.clear();
        for (const Json& kind : allowed) world.allowed.insert(kind.get<std::string>());
    }
    confirm(world, number(call.params, "offset"));
    const auto until = steady_clock::now() + seconds(number(call.params, "timeout"));
    const auto is_over = [&] {
        return world.is_stopping || world.poll != own || !world.updates.empty();
    };
    while (!is_over() && steady_clock::now() < until) {
        // Telegram, too, learns only by looking that a client has left.
        const auto slice = std::min(until, steady_clock::now() + milliseconds(50));
        world.changed.wait_until(lock, slice, is_over);
        if (call.has_left && call.has_left()) break;
    }
    if (world.poll != own) refuse_poll(world);
    world.is_polled = false;
    world.changed.notify_all();
    Json answer = Json::array();
    const auto most =
        static_cast<size_t>(std::clamp<int64_t>(number(call.params, "limit", 100), 1, 100));
    for (const Json& update : world.updates) {
        if (answer.size() >= most) break;
        answer.push_back(update);
    }
    return answer;
}

}  // namespace

Json perform(World& world, const Call& call) {
    if (call.method == "getUpdates") return get_updates(world, call);
    const std::lock_guard lock(world.mutex);
    for (const Method& method : methods)
        if (call.method == method.name) return method.perform(world, call);
    refuse(404, "Not Found: method not found");
}

std::string success_text(const Json& result) {
    return Json({{"ok", true}, {"result", result}})
        .dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string refusal_text(const Refusal& refusal) {
    Json body = {{"ok", false}, {"error_code", refusal.code}, {"description", refusal.description}};
    if (!refusal.parameters.empty()) body["parameters"] = refusal.parameters;
    return body.dump();
}

}  // namespace telegram_double
