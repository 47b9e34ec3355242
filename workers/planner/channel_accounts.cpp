#include "workers/planner/channel_accounts.h"

#include <map>

#include "workers/planner/channel_summary.h"
#include "workers/planner/channel_tokens.h"

namespace planner {

namespace {

// Besides its own section: how commands and mentions are read.
constexpr const char* shared_sections[] = {"commands", "messages", "logging"};
// Of each agent: by which names it is called.
constexpr const char* agent_members[] = {"id", "default", "name", "identity", "groupChat"};

// The account's keys over the channel's, one level deep, as OpenClaw merges them.
Json merged(const Json& section, const Json& account) {
    Json whole = section.is_object() ? section : Json::object();
    whole.erase("accounts");
    if (account.is_object())
        for (const auto& [key, value] : account.items()) whole[key] = value;
    return whole;
}

Json part_of(const Json& config, const std::string& channel, const Json& section) {
    Json part = Json::object();
    for (const char* key : shared_sections)
        if (config.contains(key)) part[key] = config[key];
    part["channels"][channel] = section;
    if (const Json& defaults = member_at(config, "channels.defaults"); defaults.is_object())
        part["channels"]["defaults"] = defaults;
    for (const Json& agent : member(member(config, "agents"), "list")) {
        Json& shown = part["agents"]["list"].emplace_back(Json::object());
        for (const char* key : agent_members)
            if (agent.contains(key)) shown[key] = agent[key];
    }
    remove_secrets(part);
    return part;
}

// Webhooks are told from forgeries by it.
void add_webhook_secret(const std::string& channel, const Json& section,
                        const std::string& config_path, std::vector<FoundSecret>& secrets) {
    const std::string name = "channels." + channel + ".webhookSecret";
    const std::string value = text_member(section, "webhookSecret");
    if (!value.empty()) secrets.push_back({name, value, name + " in " + config_path});
}

class Planning {
  public:
    Planning(const Json& config, const std::string& config_path, const Environment& environment,
             Notices& notices)
        : config_(config),
          config_path_(config_path),
          environment_(environment),
          notices_(notices) {}

    void add(const ChannelKind& kind, const Json& accounts) {
        const std::string channel(kind.id);
        const Json& section = member(member(config_, "channels"), channel);
        for (const auto& [account, facts] : accounts.items()) {
            if (!bool_member(facts, "enabled", true)) continue;
            const Json& own = member(member(section, "accounts"), account);
            PlannedAccount planned;
            planned.channel = channel;
            planned.account = account;
            planned.worker = account == default_account ? channel : channel + ":" + account;
            const Json whole = merged(section, own);
            planned.config = part_of(config_, channel, whole);
            if (!find_tokens(planned, {own, section, account == default_account})) continue;
            add_webhook_secret(channel, whole, config_path_, planned.secrets);
            planned_.push_back(std::move(planned));
        }
    }
    std::vector<PlannedAccount> take() { return std::move(planned_); }

  private:
    // False: another account has the same. Without a token the worker runs and says what it lacks.
    bool find_tokens(PlannedAccount& planned, const AccountSections& sections) {
        for (const ChannelToken& token : channel_tokens()) {
            if (token.channel != planned.channel) continue;
            TokenSearch search =
                find_token(token, planned.account, sections, environment_, config_path_);
            if (!search.found) {
                notices_.warning("channel " + planned.channel + ", account " + planned.account +
                                 ": " + search.why_not);
                continue;
            }
            const auto [owner, is_new] = owners_.try_emplace(search.found->value, planned.worker);
            if (!is_new) {
                notices_.error("channel " + planned.channel + ", account " + planned.account +
                               " has the same token as " + owner->second + " (" +
                               search.found->source +
                               "): it is not started, as two would answer everything twice; give "
                               "it a bot of its own, or disable it");
                return false;
            }
            planned.secrets.push_back(std::move(*search.found));
        }
        return true;
    }

    const Json& config_;
    const std::string& config_path_;
    const Environment& environment_;
    Notices& notices_;
    std::map<std::string, std::string> owners_;  // of tokens: the workers
    std::vector<PlannedAccount> planned_;
};

}  // namespace

std::vector<PlannedAccount> planned_accounts(std::span<const ChannelKind> kinds, const Json& config,
                                             const std::string& config_path,
                                             const Environment& environment, Notices& notices) {
    if (environment.first_of({"OPENCLAW_SKIP_CHANNELS", "OPENCLAW_SKIP_PROVIDERS"})) {
        notices.info("OPENCLAW_SKIP_CHANNELS is set: no channel is started");
        return {};
    }
    const Json summary = channel_summary(config, environment);
    Planning planning(config, config_path, environment, notices);
    for (const ChannelKind& kind : kinds)
        if (const Json& accounts = member(member(summary, kind.id), "accounts");
            kind.has_worker && accounts.is_object())
            planning.add(kind, accounts);
    return planning.take();
}

}  // namespace planner
