#include "workers/telegram/addressing.h"

#include <algorithm>
#include <cctype>

#include "workers/telegram/text_units.h"

namespace telegram {

namespace {

bool is_name_character(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

std::string_view part(const std::string& text, const Entity& entity) {
    return std::string_view(text).substr(entity.begin, entity.end - entity.begin);
}

bool is_bot_name(std::string_view mention, const Bot& bot) {
    return !bot.username.empty() && mention.starts_with('@') &&
           lower_ascii(mention.substr(1)) == lower_ascii(bot.username);
}

// "@name" of the bot from `from` on, as a word; npos when it is not there.
size_t find_name(const std::string& text, const Bot& bot, size_t from) {
    if (bot.username.empty()) return text.npos;
    const std::string name = "@" + lower_ascii(bot.username);
    const std::string lower = lower_ascii(text);
    for (size_t at = lower.find(name, from); at != lower.npos; at = lower.find(name, at + 1)) {
        const size_t end = at + name.size();
        const bool begins = at == 0 || !is_name_character(text[at - 1]);
        if (begins && (end == text.size() || !is_name_character(text[end]))) return at;
    }
    return text.npos;
}

void look_at_mentions(const Message& message, const Bot& bot, Addressing& found) {
    for (const Entity& entity : message.entities) {
        const bool is_us =
            (entity.type == "mention" && is_bot_name(part(message.text, entity), bot)) ||
            (entity.type == "text_mention" && entity.user_id == bot.id);
        const bool is_mention = entity.type == "mention" || entity.type == "text_mention";
        if (is_us)
            found.was_mentioned = true;
        else if (is_mention)
            found.mentions_others = true;
    }
    if (find_name(message.text, bot, 0) != std::string::npos) found.was_mentioned = true;
    if (message.reply && message.reply->from.id == bot.id && !bot.id.empty())
        found.was_mentioned = true;
}

// "/status" or "/status@bot" at the beginning of a text.
struct Slash {
    std::string name;            // empty: none
    std::string_view addressee;  // "@bot"
    size_t end = 0;
};

Slash slash_of(const std::string& text) {
    const auto name_end = [&](size_t at) {
        while (at < text.size() && is_name_character(text[at])) ++at;
        return at;
    };
    if (!text.starts_with('/')) return {};
    Slash slash;
    slash.end = name_end(1);
    std::string name = lower_ascii(std::string_view(text).substr(1, slash.end - 1));
    if (slash.end < text.size() && text[slash.end] == '@') {
        const size_t end = name_end(slash.end + 1);
        slash.addressee = std::string_view(text).substr(slash.end, end - slash.end);
        slash.end = end;
    }
    // "/etc/passwd" is a path.
    const bool ends = slash.end == text.size() ||
                      std::string_view(" :\n").find(text[slash.end]) != std::string_view::npos;
    if (ends) slash.name = std::move(name);
    return slash;
}

void look_at_command(const Message& message, const Bot& bot, Addressing& found) {
    const Slash slash = slash_of(message.text);
    if (slash.name.empty()) return;
    if (!slash.addressee.empty() && !is_bot_name(slash.addressee, bot)) {
        found.is_for_another_bot = true;
        return;
    }
    if (!slash.addressee.empty()) found.was_mentioned = true;
    found.is_command = bot.commands.empty() || bot.commands.contains(slash.name);
}

// Back to front, so that the places of what comes before stay right.
std::string with_links(const Message& message) {
    std::string text = message.text;
    std::vector<Entity> links;
    for (const Entity& entity : message.entities)
        if (entity.type == "text_link" && !entity.url.empty()) links.push_back(entity);
    std::stable_sort(links.begin(), links.end(),
                     [](const Entity& a, const Entity& b) { return a.begin > b.begin; });
    size_t untouched = text.size();
    for (const Entity& link : links) {
        if (link.end > untouched || link.begin >= link.end) continue;  // inside another
        const std::string shown = text.substr(link.begin, link.end - link.begin);
        std::string written = "[";
        written += shown;
        written += "](";
        written += link.url;
        written += ")";
        text.replace(link.begin, link.end - link.begin, written);
        untouched = link.begin;
    }
    return text;
}

std::string without_name(std::string text, const Bot& bot) {
    for (size_t at = find_name(text, bot, 0); at != text.npos; at = find_name(text, bot, at)) {
        size_t length = bot.username.size() + 1;
        const bool blank_after = at + length < text.size() && text[at + length] == ' ';
        if (blank_after && (at == 0 || text[at - 1] == ' ' || text[at - 1] == '\n')) ++length;
        text.erase(at, length);
    }
    return std::string(without_blanks_around(text));
}

}  // namespace

Addressing addressing_of(const Message& message, const Bot& bot) {
    Addressing found;
    found.is_own = !bot.id.empty() && message.from.id == bot.id;
    look_at_mentions(message, bot, found);
    look_at_command(message, bot, found);
    found.text = without_name(with_links(message), bot);
    if (const Slash slash = slash_of(found.text); is_bot_name(slash.addressee, bot))
        found.text.erase(slash.end - slash.addressee.size(), slash.addressee.size());
    for (const std::string& fact : message.facts)
        found.text += (found.text.empty() ? "" : "\n") + fact;
    if (!message.forwarded_from.empty())
        found.text = "[Forwarded from " + message.forwarded_from + "]\n" + found.text;
    return found;
}

}  // namespace telegram
