// One Telegram bot account: takes what people write to it, delivers what they are answered.

#include <algorithm>
#include <cstdlib>

#include "workers/common/channel/mention_patterns.h"
#include "workers/common/log.h"
#include "workers/common/run_worker.h"
#include "workers/telegram/account.h"

namespace telegram {

namespace {

constexpr std::chrono::milliseconds stop_reserve{300};
constexpr const char* default_account = "default";

Result<Json> configuration(const Worker& self) {
    const std::string& text = self.settings().config_json();
    if (text.empty()) return Json::object();
    return parse_json(text);
}

Variables variables_of(const Worker& self) {
    const auto& environment = self.settings().environment();
    return {environment.begin(), environment.end()};
}

// What the plan passes on, else what the process was started with.
std::string certificate_file(const Variables& variables) {
    for (const char* name : {"NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"}) {
        const auto found = variables.find(name);
        if (found != variables.end() && !found->second.empty()) return found->second;
        if (const char* value = std::getenv(name); value && *value) return value;
    }
    return {};
}

// The account's own, else the channel's.
std::string name_of_secret(const Worker& self, const std::string& account, const char* key) {
    const std::string own = "channels.telegram.accounts." + account + "." + key;
    return self.secret(own).empty() ? std::string("channels.telegram.") + key : own;
}

std::chrono::milliseconds time_to_finish(const hardshell::proto::Stop& stop) {
    const std::chrono::milliseconds budget(stop.budget_ms());
    return std::max(budget - stop_reserve, budget / 2);
}

}  // namespace

Done run(Worker& self) {
    Result<Json> config = configuration(self);
    if (!config) return config.error();
    std::string account = self.settings().account();
    if (account.empty()) account = default_account;
    const std::string token_name = name_of_secret(self, account, "botToken");
    const Secret& token = self.secret(token_name);
    if (token.empty())
        return Error{Fault::bad_credentials, "no bot token for the Telegram account \"" + account +
                                                 "\": set " + token_name +
                                                 ", or TELEGRAM_BOT_TOKEN for the default account"};

    Settings settings = read_settings(*config, account, variables_of(self));
    for (const std::string& remark : settings.remarks) log_warn("{}", remark);
    const channel::MentionPatterns names(*config);
    for (const std::string& remark : names.remarks()) log_warn("{}", remark);
    std::vector<int> webhook_listeners;
    if (!settings.webhook_url.empty()) webhook_listeners = self.handles("listener:routes");
    if (!settings.webhook_url.empty() && webhook_listeners.empty())
        log_warn(
            "channels.telegram.webhookUrl is set, but its path is not published: Telegram is "
            "polled instead; what is missing was said at the start, see `hardshell doctor`");
    Loop& loop = self.loop();
    ClientContext client(loop, {certificate_file(variables_of(self))});
    if (const Done ready = client.check(); !ready) return ready.error();
    auto link = self.open_link("agent");
    if (!link) return link.error();

    std::string source = self.secret_source(token_name);
    if (source.empty()) source = token_name;
    Error failure;
    bool has_failed = false;
    const auto named = [&](std::string_view text) { return names.match(text); };
    Account bot({loop, client, std::move(*link), std::move(settings), named, account, ".", token,
                 std::move(source), [&] { self.ready(); },
                 [&](const Error& error) {
                     failure = error;
                     has_failed = true;
                     loop.stop(0);
                 },
                 std::move(webhook_listeners),
                 self.secret(name_of_secret(self, account, "webhookSecret")),
                 [&](const hardshell::proto::ConfigCall& call) { return self.ask_config(call); }});
    self.on_config_answer([&](const auto& answer) { bot.config_answered(answer); });
    bot.tunnel_is_at(self.public_url().url());
    self.on_public_url([&] { bot.tunnel_is_at(self.public_url().url()); });
    Loop::Registration deadline;
    self.on_stop([&](const hardshell::proto::Stop& stop) {
        deadline = loop.after(time_to_finish(stop), [&] { loop.stop(0); });
        bot.stop([&] { loop.stop(0); });
    });
    self.on_shed([&] { bot.release_memory(); });
    self.on_resumed([&] { bot.machine_slept(); });
    bot.start();
    loop.run();
    if (has_failed) return failure;
    return {};
}

}  // namespace telegram

int main() {
    return run_worker(make_epoll_loop(), telegram::run);
}
