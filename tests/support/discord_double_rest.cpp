// The REST side of the double: what each route answers.

#include <algorithm>

#include "tests/support/discord_double.h"
#include "tests/support/discord_double_parts.h"

using discord_double::timestamp;
using discord_double::wall_now_ms;

namespace {

using Json = DiscordDouble::Json;

constexpr int forum_type = 15;

std::vector<std::string> split(const std::string& path) {
    std::vector<std::string> parts;
    size_t begin = 1;
    while (begin <= path.size()) {
        const size_t end = std::min(path.find('/', begin), path.size());
        parts.push_back(path.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

std::string decoded(const std::string& text) {
    std::string made;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            made += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
            i += 2;
        } else {
            made += text[i];
        }
    }
    return made;
}

std::string query_value(const std::string& query, const std::string& key) {
    const std::string all = "&" + query;
    const size_t at = all.find("&" + key + "=");
    if (at == std::string::npos) return {};
    const size_t begin = at + key.size() + 2;
    return all.substr(begin, all.find('&', begin) - begin);
}

Json error(int code, const std::string& message) {
    return {{"message", message}, {"code", code}};
}

}  // namespace

bool DiscordDouble::limit(const std::string& bucket, int most, int64_t window_ms,
                          Response& response) {
    const auto now = std::chrono::steady_clock::now();
    Window& window = windows_[bucket];
    const auto length = std::chrono::milliseconds(window_ms);
    if (now - window.begun >= length) window = {0, now};
    const double left = std::chrono::duration<double>(window.begun + length - now).count();
    const std::string seconds = std::to_string(left);
    response.headers["X-RateLimit-Limit"] = std::to_string(most);
    response.headers["X-RateLimit-Reset-After"] = seconds;
    response.headers["X-RateLimit-Reset"] =
        std::to_string(static_cast<double>(wall_now_ms()) / 1000 + left);
    // The hash of the route; the channel it counts for is the client's to add.
    response.headers["X-RateLimit-Bucket"] = bucket.substr(0, bucket.find(' '));
    if (window.used >= most) {
        ++limited_;
        response.status = 429;
        response.headers["X-RateLimit-Remaining"] = "0";
        response.headers["X-RateLimit-Scope"] = "user";
        response.headers["Retry-After"] = std::to_string(static_cast<int>(left) + 1);
        response.body = {
            {"message", "You are being rate limited."}, {"retry_after", left}, {"global", false}};
        return false;
    }
    ++window.used;
    response.headers["X-RateLimit-Remaining"] = std::to_string(most - window.used);
    return true;
}

DiscordDouble::Response DiscordDouble::post_message(const Request& request,
                                                    const std::string& channel_id,
                                                    const std::string& bot) {
    Response response;
    if (world_.channel(channel_id).is_null()) return {404, error(10003, "Unknown Channel")};
    if (world_.channel(channel_id).value("type", 0) == forum_type)
        return {400, error(50008, "Cannot send messages in a non-text channel")};
    if (!limit("message-create " + channel_id, options_.message_limit, options_.message_window_ms,
               response))
        return response;
    Json body = request.seen.body;
    const std::string nonce = body.value("nonce", std::string());
    if (nonce.size() > 25) return {400, error(50035, "Invalid Form Body")};
    const std::string content = body.value("content", std::string());
    if (discord_double::utf16_units(content) > 2000 ||
        (content.find_first_not_of(" \n\t") == std::string::npos && request.seen.files.empty()))
        return {400, error(50035, "Invalid Form Body")};
    if (body.value("enforce_nonce", false) && !nonce.empty()) {
        const Json earlier = world_.with_nonce(channel_id, nonce);
        if (earlier.is_object()) {
            response.body = earlier;
            return response;
        }
    }
    Json attachments = Json::array();
    for (const auto& [name, file] : request.seen.files)
        attachments.push_back(
            {{"id", world_.next_id()},
             {"filename", name},
             {"size", file.size()},
             {"url", "https://" + server_->authority() + "/files/" + name},
             {"proxy_url", "https://" + server_->authority() + "/files/" + name}});
    body["attachments"] = attachments;
    const Json message = world_.write(channel_id, bot, body);
    ++posts_;
    dispatch_locked("MESSAGE_CREATE", world_.as_event(message));
    response.body = message;
    return response;
}

DiscordDouble::Response DiscordDouble::route(const Request& request) {
    const Seen& seen = request.seen;
    const std::vector<std::string> parts = split(seen.path);
    const auto is = [&](const char* method, std::initializer_list<const char*> pattern) {
        if (seen.method != method || parts.size() != pattern.size()) return false;
        size_t i = 0;
        for (const char* part : pattern)
            if (const std::string& actual = parts[i++]; *part != '*' && actual != part)
                return false;
        return true;
    };
    if (is("POST", {"interactions", "*", "*", "callback"})) {
        if (!interactions_.count(parts[2])) return {404, error(10062, "Unknown interaction")};
        if (!answered_interactions_.insert(parts[2]).second)
            return {400, error(40060, "Interaction has already been acknowledged.")};
        return {204, {}};
    }
    if (is("POST", {"webhooks", "*", "*"})) {
        const auto found = interactions_.find(parts[2]);
        if (found == interactions_.end()) return {404, error(10015, "Unknown Webhook")};
        return {200, world_.write(found->second, World::bot, seen.body)};
    }
    const auto authorization = seen.headers.find("authorization");
    const std::string scheme = "Bot ";
    const std::string bot =
        authorization == seen.headers.end() || authorization->second.rfind(scheme, 0) != 0
            ? std::string()
            : bot_of_token(authorization->second.substr(scheme.size()));
    if (bot.empty()) return {401, error(0, "401: Unauthorized")};
    if (!seen.headers.count("user-agent") ||
        seen.headers.at("user-agent").rfind("DiscordBot (", 0) != 0)
        return {403, error(40333, "internal network error")};
    if (is("GET", {"gateway", "bot"}))
        return {200,
                {{"url", "wss://" + server_->authority()},
                 {"shards", 1},
                 {"session_start_limit",
                  {{"total", options_.identify_total},
                   {"remaining", identifies_left_},
                   {"reset_after", 14'400'000},
                   {"max_concurrency", 1}}}}};
    if (is("GET", {"users", "@me"})) return {200, world_.user(bot)};
    if (is("GET", {"oauth2", "applications", "@me"}) || is("GET", {"applications", "@me"}))
        return {200, world_.application_object(bot)};
    if (is("PUT", {"applications", "*", "commands"})) {
        commands_ = seen.body;
        return {200, commands_};
    }
    if (is("POST", {"users", "@me", "channels"}))
        return {200, world_.direct_chat(seen.body.value("recipient_id", std::string()), bot)};
    if (is("GET", {"guilds", "*"})) return {200, world_.guild_object()};
    if (is("GET", {"channels", "*"})) {
        const Json channel = world_.channel(parts[1]);
        return channel.is_null() ? Response{404, error(10003, "Unknown Channel")}
                                 : Response{200, channel};
    }
    if (is("POST", {"channels", "*", "typing"})) {
        Response response{204, {}};
        limit("typing " + parts[1], 5, 5'000, response);
        return response;
    }
    if (is("POST", {"channels", "*", "messages"})) return post_message(request, parts[1], bot);
    if (is("GET", {"channels", "*", "messages"})) {
        Json list = Json::array();
        const std::string after = query_value(seen.query, "after");
        const std::string limit_text = query_value(seen.query, "limit");
        const size_t most = limit_text.empty() ? 50 : std::stoul(limit_text);
        for (const Json& message : world_.messages(parts[1])) {
            const std::string id = message["id"];
            const bool is_newer = id.size() != after.size() ? id.size() > after.size() : id > after;
            if ((after.empty() || is_newer) && list.size() < most) list.push_back(message);
        }
        return {200, list};
    }
    if (is("GET", {"channels", "*", "messages", "*"})) {
        const Json* message = world_.find(parts[1], parts[3]);
        return message ? Response{200, *message} : Response{404, error(10008, "Unknown Message")};
    }
    if (is("PATCH", {"channels", "*", "messages", "*"})) {
        Json* message = world_.find(parts[1], parts[3]);
        if (!message) return {404, error(10008, "Unknown Message")};
        (*message)["content"] = seen.body.value("content", std::string());
        (*message)["edited_timestamp"] = timestamp(wall_now_ms());
        return {200, *message};
    }
    if (is("DELETE", {"channels", "*", "messages", "*"}))
        return world_.erase(parts[1], parts[3]) ? Response{204, {}}
                                                : Response{404, error(10008, "Unknown Message")};
    if (parts.size() == 7 && parts[4] == "reactions" && parts[6] == "@me") {
        Response response{204, {}};
        if (!limit("reaction " + parts[1], 1, 250, response)) return response;
        const std::string emoji = decoded(parts[5]);
        if (seen.method == "PUT") reactions_[parts[3]].insert(emoji);
        if (seen.method == "DELETE") reactions_[parts[3]].erase(emoji);
        return response;
    }
    if (is("POST", {"channels", "*", "messages", "*", "threads"})) {
        const Json thread =
            world_.open_thread(parts[1], parts[3], seen.body.value("name", std::string()), bot);
        if (thread.is_null())
            return {400, error(160004, "A thread has already been created for this message")};
        dispatch_locked("THREAD_CREATE", thread);
        return {201, thread};
    }
    if (is("POST", {"channels", "*", "threads"})) {
        if (world_.channel(parts[1]).value("type", 0) != forum_type)
            return {400, error(50024, "Cannot execute action on this channel type")};
        const Json told = seen.body.value("message", Json::object());
        if (seen.body.value("name", std::string()).empty() || told.contains("nonce"))
            return {400, error(50035, "Invalid Form Body")};
        Json post = world_.open_thread(parts[1], world_.next_id(),
                                       seen.body.value("name", std::string()), bot);
        dispatch_locked("THREAD_CREATE", post);
        const Json message = world_.write(post["id"], bot, told);
        ++posts_;
        dispatch_locked("MESSAGE_CREATE", world_.as_event(message));
        post["message"] = message;
        return {201, post};
    }
    return {404, error(0, "404: Not Found")};
}
