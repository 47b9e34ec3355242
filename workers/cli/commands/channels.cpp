#include "workers/cli/commands/channels.h"

#include <algorithm>
#include <cctype>

#include "workers/cli/commands/config.h"
#include "workers/cli/commands/gateway_methods.h"

namespace cli {

namespace {

struct BotChannel {
    const char* name;
    const char* token_key;
};
constexpr BotChannel bot_channels[] = {
    {"telegram", "botToken"},
    {"discord", "token"},
};

constexpr const char* source_members[] = {"tokenSource", "botTokenSource", "appTokenSource"};

// "config", or "config, env" where there are two.
std::string sources_of(const Json& account) {
    std::string sources;
    for (const char* key : source_members)
        if (account.contains(key))
            sources += (sources.empty() ? "" : ", ") + text_member(account, key);
    return sources.empty() ? "-" : printable(sources);
}

std::vector<Cell> row_of(const std::string& label, const Json& account) {
    const bool running = bool_member(account, "running");
    const bool enabled = bool_member(account, "enabled", true);
    return {{printable(label)},
            {printable(text_member(account, "accountId", "?"))},
            {enabled ? "yes" : "no"},
            {bool_member(account, "configured") ? "yes" : "no"},
            {sources_of(account)},
            {running ? "running" : "not running", running ? Colour::good : Colour::warn},
            {printable(text_member(account, "lastError", "-"))}};
}

Result<Json> ask_channels(const Context& context) {
    return call_gateway(context, "channels.status",
                        {{"probe", context.arguments.has("probe")}, {"timeoutMs", 10'000}});
}

std::string list_text(const Json& report) {
    std::string text;
    for (const Json& id : member(report, "channelOrder")) {
        const std::string name = id.is_string() ? id.get<std::string>() : "";
        for (const Json& account : member(member(report, "channelAccounts"), name))
            text += printable(text_member(member(report, "channelLabels"), name, name)) + " " +
                    printable(text_member(account, "accountId")) + ": " +
                    (bool_member(account, "configured") ? "configured" : "not configured") +
                    ", token " + sources_of(account) +
                    (bool_member(account, "enabled", true) ? "" : ", disabled") + "\n";
    }
    return text.empty() ? "No channel is configured.\n" : text;
}

}  // namespace

std::string channels_text(const Json& report, const Style& style) {
    if (member(report, "channelOrder").empty())
        return "No channel is configured. Channels are configured below `channels` in "
               "openclaw.json.\n";
    std::vector<std::vector<Cell>> rows = {
        {{"CHANNEL"}, {"ACCOUNT"}, {"ENABLED"}, {"CONFIGURED"}, {"TOKEN"}, {"STATE"}, {"WHY"}}};
    for (const Json& id : member(report, "channelOrder")) {
        const std::string name = id.is_string() ? id.get<std::string>() : "";
        for (const Json& account : member(member(report, "channelAccounts"), name))
            rows.push_back(
                row_of(text_member(member(report, "channelLabels"), name, name), account));
    }
    return table(rows, style);
}

Json channels_list_json(const Json& report) {
    Json chat = Json::object();
    const Json& accounts = member(report, "channelAccounts");
    if (accounts.is_object())
        for (const auto& [channel, entries] : accounts.items()) {
            Json& ids = chat[channel] = Json::array();
            for (const Json& account : entries) ids.push_back(text_member(account, "accountId"));
        }
    return {{"chat", std::move(chat)}, {"auth", Json::array()}};
}

std::string logout_text(const Json& answer) {
    const std::string account = printable(text_member(answer, "channel") + " account " +
                                          text_member(answer, "accountId", "?"));
    const std::string done = bool_member(answer, "cleared")
                                 ? "Logged out of " + account
                                 : "The configuration has no token of " + account;
    const bool has_variable = bool_member(answer, "envToken");
    return done + (has_variable ? "; its environment variable still lets it in" : "") + ".\n";
}

Result<std::string> account_place(const Arguments& given, const std::string& key) {
    const std::string channel = given.text("channel");
    const auto row =
        std::find_if(std::begin(bot_channels), std::end(bot_channels),
                     [&](const BotChannel& candidate) { return channel == candidate.name; });
    if (row == std::end(bot_channels))
        return Error{Fault::bad_message,
                     channel.empty()
                         ? "--channel is missing: telegram or discord"
                         : "--channel " + channel + ": this version runs telegram and discord"};
    const std::string account = given.text("account", "default");
    const bool is_id =
        !account.empty() && std::all_of(account.begin(), account.end(), [](unsigned char letter) {
            return std::isalnum(letter) || letter == '_' || letter == '-';
        });
    if (!is_id)
        return Error{Fault::bad_message, "--account: letters, digits, - and _ are possible"};
    std::string place = "channels." + channel;
    if (account != "default") place += ".accounts." + account;
    if (key.empty()) return place;
    return place + "." + (key == "token" ? row->token_key : key);
}

int run_channels_add(const Context& context) {
    const Arguments& given = context.arguments;
    const Result<std::string> place = account_place(given, "token");
    if (!place) return fail(place.error());
    const std::string token = given.text("token");
    if (token.empty()) return fail({Fault::bad_message, "--token is missing"});
    std::vector<std::pair<std::string, Json>> values = {{"token", token}, {"enabled", true}};
    if (given.has("name")) values.push_back({"name", given.text("name")});
    std::string consequence;
    for (const auto& [key, value] : values) {
        const Result<std::string> changed = change_value(
            context, "value.set",
            {{"path", *account_place(given, key)}, {"value", print_json(value)}, {"json", true}});
        if (!changed) return fail(changed.error());
        consequence = *changed;
    }
    print(*place + " is set in " + context.config_path + consequence + "\n");
    return 0;
}

int run_channels_remove(const Context& context) {
    const Arguments& given = context.arguments;
    const bool whole = given.has("delete");
    const Result<std::string> place = account_place(given, whole ? "" : "enabled");
    if (!place) return fail(place.error());
    const Result<std::string> changed =
        whole ? change_value(context, "value.unset", {{"path", *place}})
              : change_value(context, "value.set",
                             {{"path", *place}, {"value", "false"}, {"json", true}});
    if (!changed) return fail(changed.error());
    print(*place + (whole ? " is removed from " : " is false in ") + context.config_path +
          *changed + "\n");
    return 0;
}

int run_channels_login(const Context& context) {
    const std::string channel = context.arguments.text("channel", "whatsapp");
    return fail({Fault::bad_message,
                 "channels login: " + printable(channel) +
                     " has no login by a code here; a bot is added with `hardshell channels add "
                     "--channel telegram|discord --token T`"});
}

int run_channels_list(const Context& context) {
    const Result<Json> report = ask_channels(context);
    if (!report) return fail(report.error());
    print(context.arguments.has("json") ? pretty(channels_list_json(*report)) : list_text(*report));
    return 0;
}

int run_channels_status(const Context& context) {
    const Result<Json> report = ask_channels(context);
    if (!report) return fail(report.error());
    print(context.arguments.has("json") ? pretty(*report) : channels_text(*report, context.style));
    return 0;
}

int run_channels_logout(const Context& context) {
    const Arguments& given = context.arguments;
    if (given.text("channel").empty()) return fail({Fault::bad_message, "--channel is missing"});
    Json params = {{"channel", given.text("channel")}};
    if (given.has("account")) params["accountId"] = given.text("account");
    const Result<Json> answer = call_gateway(context, "channels.logout", params);
    if (!answer) return fail(answer.error());
    print(given.has("json") ? pretty(*answer) : logout_text(*answer));
    return 0;
}

}  // namespace cli
