#include "workers/cli/commands/channels.h"

#include "workers/cli/commands/gateway_methods.h"

namespace cli {

namespace {

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

}  // namespace cli
