#include "workers/planner/channel_tokens.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "workers/planner/files.h"

namespace planner {

namespace {

constexpr ChannelToken tokens[] = {
    // channel, shown as, key, key of a file, variable
    {"telegram", "tokenSource", "botToken", "tokenFile", "TELEGRAM_BOT_TOKEN"},
    {"discord", "tokenSource", "token", "", "DISCORD_BOT_TOKEN"},
    {"slack", "botTokenSource", "botToken", "", "SLACK_BOT_TOKEN"},
    {"slack", "appTokenSource", "appToken", "", "SLACK_APP_TOKEN"},
};
constexpr size_t largest_token_file = 4096;

struct Section {
    const Json& json;
    std::string path;  // "channels.telegram.accounts.ops"
};

std::vector<Section> sections_of(const ChannelToken& token, const std::string& account,
                                 const AccountSections& sections) {
    const std::string channel = "channels." + std::string(token.channel);
    std::vector<Section> found;
    if (sections.account.is_object())
        found.push_back({sections.account, channel + ".accounts." + account});
    if (sections.is_default) found.push_back({sections.channel, channel});
    return found;
}

// As the platform wants it: without what people copy along.
std::string normal_token(const ChannelToken& token, std::string value) {
    const auto is_blank = [](unsigned char c) { return std::isspace(c) != 0; };
    while (!value.empty() && is_blank(value.back())) value.pop_back();
    value.erase(value.begin(), std::find_if_not(value.begin(), value.end(), is_blank));
    constexpr std::string_view scheme = "bot ";
    if (token.channel != "discord" || value.size() < scheme.size()) return value;
    const bool has_scheme =
        std::equal(scheme.begin(), scheme.end(), value.begin(),
                   [](char a, unsigned char b) { return a == static_cast<char>(std::tolower(b)); });
    return has_scheme ? normal_token(token, value.substr(scheme.size())) : value;
}

}  // namespace

std::span<const ChannelToken> channel_tokens() {
    return tokens;
}

std::string token_source(const ChannelToken& token, const AccountSections& sections,
                         const Environment& environment) {
    for (const Json* section : {&sections.account, &sections.channel}) {
        if (section == &sections.channel && !sections.is_default) break;
        if (!text_member(*section, token.file_key).empty()) return "tokenFile";
        if (!text_member(*section, token.key).empty()) return "config";
    }
    return sections.is_default && !environment.get(token.variable).empty() ? "env" : "none";
}

TokenSearch find_token(const ChannelToken& token, const std::string& account,
                       const AccountSections& sections, const Environment& environment,
                       const std::string& config_path) {
    const std::string name = "channels." + std::string(token.channel) + "." + token.key;
    const auto found = [&](const std::string& value, const std::string& source) -> TokenSearch {
        const std::string plain = normal_token(token, value);
        if (plain.empty()) return {{}, source + " is empty"};
        return {FoundSecret{name, plain, source}, ""};
    };
    std::string places;
    for (const Section& section : sections_of(token, account, sections)) {
        const std::string file = text_member(section.json, token.file_key);
        if (!file.empty()) {
            // One that cannot be read ends the search: another bot's token would be no help.
            const Result<std::string> text = read_file(file, largest_token_file);
            const std::string key = section.path + "." + token.file_key;
            if (!text) return {{}, key + ": " + file + " cannot be read: " + text.error().what};
            return found(*text, file + " (" + key + ")");
        }
        const std::string key = section.path + "." + token.key;
        const std::string value = text_member(section.json, token.key);
        if (!value.empty()) return found(value, key + " in " + config_path);
        places += key + ", ";
    }
    if (!sections.is_default) return {{}, "there is no token: set " + places + "or remove it"};
    if (const auto* variable = environment.first_of({token.variable}))
        return found(variable->value, variable->source);
    return {{},
            "there is no token: set " + places + "or the environment variable " +
                std::string(token.variable)};
}

}  // namespace planner
