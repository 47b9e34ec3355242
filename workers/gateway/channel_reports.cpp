#include "workers/gateway/channel_reports.h"

#include <algorithm>
#include <iterator>

namespace gateway {

namespace {

struct Channel {
    std::string_view id;
    const char* label;
    const char* detail_label;
    const char* system_image;
    bool has_mode;    // polling or webhook
    bool can_logout;  // its credentials can be taken away by a client
};

// In the order in which clients show them.
constexpr Channel table[] = {
    // id, label, detail label, image, has mode, can log out
    {"telegram", "Telegram", "Telegram Bot", "paperplane", true, true},
    {"whatsapp", "WhatsApp", "WhatsApp Web", "message", false, false},
    {"discord", "Discord", "Discord Bot", "bubble.left.and.bubble.right", false, true},
    {"googlechat", "Google Chat", "Google Chat", "message.badge", false, false},
    {"slack", "Slack", "Slack Bot", "number", false, false},
    {"signal", "Signal", "Signal REST", "antenna.radiowaves.left.and.right", false, false},
    {"imessage", "iMessage", "iMessage", "message.fill", false, false},
    {"msteams", "MS Teams", "Microsoft Teams", "person.3", false, false},
    {"matrix", "Matrix", "Matrix", "square.grid.3x3", false, false},
    {"mattermost", "Mattermost", "Mattermost", "bubble.left", false, false},
};
constexpr std::string_view usual_channel = "whatsapp";
// Of what an account's process says of itself, shown as it is.
constexpr const char* live_members[] = {
    "connected", "reconnectAttempts", "lastConnectedAt", "lastDisconnect", "mode", "bot",
    "probe",     "lastProbeAt"};
constexpr const char* source_members[] = {"tokenSource", "botTokenSource", "appTokenSource"};

const Channel* find_channel(std::string_view id) {
    const auto found = std::find_if(std::begin(table), std::end(table),
                                    [&](const Channel& channel) { return channel.id == id; });
    return found == std::end(table) ? nullptr : found;
}

// The worker of an account: "telegram" for the default one, "telegram:ops" for another.
const WorkerState* worker_of(const WorkerStates& workers, const Channel& channel,
                             const std::string& account, const std::string& usual_account) {
    const std::string id(channel.id);
    if (const WorkerState* own = find_worker(workers, id + ":" + account)) return own;
    return account == usual_account ? find_worker(workers, id) : nullptr;
}

bool is_running(const WorkerState* worker) {
    return worker && worker->state() == WorkerState::READY;
}

// What the account's process says of itself; an empty object when it does not run.
const Json& live_of(const Json& account, const WorkerState* worker) {
    static const Json nothing = Json::object();
    const Json& live = member(account, "live");
    return is_running(worker) && live.is_object() ? live : nothing;
}

// Why the account does not run, in an owner's words; empty when it does.
std::string why_not_running(const Channel& channel, const Json& account,
                            const WorkerState* worker) {
    if (!bool_member(account, "enabled", true)) return "disabled";
    if (!bool_member(account, "configured")) return "not configured";
    if (is_running(worker)) return {};
    if (!worker)
        return std::string("no worker runs for ") + channel.label +
               ": channels are switched off, or this version has none for it; nothing is received "
               "or sent";
    return worker->last_end().empty() ? std::string(state_name(worker->state()))
                                      : worker->last_end();
}

Json or_null(int64_t time_ms) {
    return time_ms > 0 ? Json(time_ms) : Json();
}

// What the summary of a channel and the entry of an account have in common.
Json state_of(const Channel& channel, const Json& account, const WorkerState* worker) {
    Json state = {{"configured", bool_member(account, "configured")}};
    for (const char* key : source_members)
        if (account.contains(key)) state[key] = account[key];
    state["running"] = is_running(worker);
    if (channel.has_mode) state["mode"] = member(account, "mode");
    state["lastStartAt"] = or_null(worker ? worker->started_ms() : 0);
    state["lastStopAt"] = nullptr;
    const std::string why = why_not_running(channel, account, worker);
    const Json& live = live_of(account, worker);
    state["lastError"] = why.empty() ? member(live, "lastError") : Json(why);
    for (const char* key : live_members)
        if (live.contains(key)) state[key] = live[key];
    return state;
}

Json account_entry(const Channel& channel, const std::string& id, const Json& account,
                   const WorkerState* worker) {
    Json entry = {{"accountId", id}};
    if (account.contains("name")) entry["name"] = account["name"];
    entry["enabled"] = bool_member(account, "enabled", true);
    entry.update(state_of(channel, account, worker));
    const Json& live = live_of(account, worker);
    entry["lastInboundAt"] = member(live, "lastInboundAt");
    entry["lastOutboundAt"] = member(live, "lastOutboundAt");
    return entry;
}

struct Account {
    std::string id;
    const Json& facts;
    const WorkerState* worker;
};

std::vector<Account> accounts_of(const Channel& channel, const Json& summary,
                                 const WorkerStates& workers) {
    std::vector<Account> accounts;
    const std::string usual = text_member(summary, "defaultAccount");
    const Json& listed = member(summary, "accounts");
    if (!listed.is_object()) return accounts;
    for (const auto& [id, facts] : listed.items())
        accounts.push_back({id, facts, worker_of(workers, channel, id, usual)});
    return accounts;
}

Json summary_of(const Channel& channel, const std::vector<Account>& accounts,
                const std::string& usual) {
    for (const Account& account : accounts) {
        if (account.id != usual) continue;
        Json summary = state_of(channel, account.facts, account.worker);
        if (!summary.contains("lastProbeAt")) summary["lastProbeAt"] = nullptr;
        return summary;
    }
    return {{"configured", false}, {"running", false}};
}

std::string list_of(const Json& channels) {
    std::string names;
    for (const Channel& channel : table)
        if (channels.is_object() && channels.contains(channel.id))
            names += (names.empty() ? "" : ", ") + std::string(channel.id);
    return names.empty() ? "none is configured" : "configured: " + names;
}

template <typename Visit>
void for_each_listed(const Json& channels, const Visit& visit) {
    for (const Channel& channel : table)
        if (const Json& summary = member(channels, channel.id); summary.is_object())
            visit(channel, summary);
}

}  // namespace

Json channels_report(const Json& channels, const WorkerStates& workers, int64_t now_ms) {
    Json report = {{"ts", now_ms}, {"channelOrder", Json::array()}};
    for (const char* key : {"channelLabels", "channelDetailLabels", "channelSystemImages"})
        report[key] = Json::object();
    report["channelMeta"] = Json::array();
    for (const char* key : {"channels", "channelAccounts", "channelDefaultAccountId"})
        report[key] = Json::object();
    for_each_listed(channels, [&](const Channel& channel, const Json& summary) {
        const std::string id(channel.id);
        const std::string usual = text_member(summary, "defaultAccount");
        const std::vector<Account> accounts = accounts_of(channel, summary, workers);
        report["channelOrder"].push_back(id);
        report["channelLabels"][id] = channel.label;
        report["channelDetailLabels"][id] = channel.detail_label;
        report["channelSystemImages"][id] = channel.system_image;
        report["channelMeta"].push_back({{"id", id},
                                         {"label", channel.label},
                                         {"detailLabel", channel.detail_label},
                                         {"systemImage", channel.system_image}});
        report["channels"][id] = summary_of(channel, accounts, usual);
        Json& entries = report["channelAccounts"][id] = Json::array();
        for (const Account& account : accounts)
            entries.push_back(account_entry(channel, account.id, account.facts, account.worker));
        report["channelDefaultAccountId"][id] = usual;
    });
    return report;
}

void add_channels_health(Json& report, const Json& channels, const WorkerStates& workers) {
    for_each_listed(channels, [&](const Channel& channel, const Json& summary) {
        const std::string id(channel.id);
        const std::string usual = text_member(summary, "defaultAccount");
        const std::vector<Account> accounts = accounts_of(channel, summary, workers);
        report["channelOrder"].push_back(id);
        report["channelLabels"][id] = channel.label;
        Json& shown = report["channels"][id] = summary_of(channel, accounts, usual);
        shown["accountId"] = usual;
        Json& by_account = shown["accounts"] = Json::object();
        for (const Account& account : accounts)
            by_account[account.id] =
                account_entry(channel, account.id, account.facts, account.worker);
    });
}

Json channel_lines(const Json& channels, const WorkerStates& workers) {
    Json lines = Json::array();
    for_each_listed(channels, [&](const Channel& channel, const Json& summary) {
        for (const Account& account : accounts_of(channel, summary, workers)) {
            const std::string why = why_not_running(channel, account.facts, account.worker);
            const bool usual = account.id == text_member(summary, "defaultAccount");
            lines.push_back(std::string(channel.label) + (usual ? "" : " (" + account.id + ")") +
                            ": " + (why.empty() ? "running" : why));
        }
    });
    return lines;
}

std::optional<Failure> outbound_refusal(const Json& channels, const WorkerStates& workers,
                                        const std::string& wanted, const std::string& account) {
    const std::string id = wanted.empty() ? std::string(usual_channel) : wanted;
    if (id == "webchat")
        return invalid_request("webchat has no recipients; use chat.send to speak to the agent");
    const Channel* channel = find_channel(id);
    if (!channel)
        return invalid_request("unsupported channel: " + id + " (" + list_of(channels) + ")");
    const std::string usual = wanted.empty() ? " (the usual channel where none is named)" : "";
    const Json& summary = member(channels, id);
    if (!summary.is_object())
        return invalid_request("channel " + id + usual + " is not configured; " +
                               list_of(channels));
    const std::string usual_account = text_member(summary, "defaultAccount");
    const std::string chosen = account.empty() ? usual_account : account;
    const Json& facts = member(member(summary, "accounts"), chosen);
    if (!facts.is_object()) return invalid_request("channel " + id + " has no account " + chosen);
    const WorkerState* worker = worker_of(workers, *channel, chosen, usual_account);
    const std::string why = why_not_running(*channel, facts, worker);
    if (why.empty()) return {};
    return invalid_request("channel " + id + usual + ", account " + chosen +
                           ", is not running: " + why);
}

std::optional<Failure> logout_refusal(const Json& channels, const std::string& id,
                                      const std::string& account) {
    const Channel* channel = find_channel(id);
    if (!channel)
        return invalid_request("invalid channels.logout channel: " + id + " (" + list_of(channels) +
                               ")");
    if (!channel->can_logout) return invalid_request("channel " + id + " does not support logout");
    const Json& summary = member(channels, id);
    if (!summary.is_object()) return invalid_request("channel " + id + " is not configured");
    if (!account.empty() && !member(member(summary, "accounts"), account).is_object())
        return invalid_request("channel " + id + " has no account " + account);
    return {};
}

}  // namespace gateway
