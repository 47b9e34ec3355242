// One Discord bot account: what people write goes to the agent, and the answers to Discord.

#include <cstdlib>

#include "workers/common/log.h"
#include "workers/common/run_worker.h"
#include "workers/common/uv_loop.h"
#include "workers/discord/account.h"

namespace discord {

namespace {

// What the plan passes on, else what the process was started with.
std::string variable(const Worker& self, const std::string& name) {
    const auto found = self.settings().environment().find(name);
    if (found != self.settings().environment().end()) return found->second;
    const char* value = std::getenv(name.c_str());
    return value ? value : "";
}

Variables variables(const Worker& self) {
    Variables found;
    for (const char* name :
         {"HARDSHELL_DISCORD_API_URL", "HARDSHELL_DISCORD_GATEWAY_URL", "HARDSHELL_ALLOW_NAMES"})
        found[name] = variable(self, name);
    return found;
}

std::string certificate_file(const Worker& self) {
    const std::string file = variable(self, "NODE_EXTRA_CA_CERTS");
    return file.empty() ? variable(self, "SSL_CERT_FILE") : file;
}

struct Token {
    std::string text;
    std::string source;
};

// The account's own, else, for the account without a name, the channel's.
Result<Token> token_of(const Worker& self, const std::string& account) {
    for (const std::string& name : {"channels.discord.accounts." + account + ".token",
                                    std::string("channels.discord.token")}) {
        const Secret& secret = self.secret(name);
        if (secret.empty()) continue;
        const std::string source = self.secret_source(name);
        return Token{normal_token(secret.reveal()), source.empty() ? name : source};
    }
    return Error{Fault::bad_credentials,
                 "there is no bot token: set channels.discord.token or DISCORD_BOT_TOKEN"};
}

}  // namespace

Done run(Worker& self) {
    const std::string& text = self.settings().config_json();
    Result<Json> config = Json::object();
    if (!text.empty()) config = parse_json(text);
    if (!config)
        return Error{Fault::bad_config,
                     "the configuration could not be read: " + config.error().what};
    Account::Options options;
    options.name = self.settings().account().empty() ? "default" : self.settings().account();
    const Result<Token> token = token_of(self, options.name);
    if (!token) return token.error();
    options.token = token->text;
    options.token_source = token->source;
    options.settings = read_settings(*config, options.name, variables(self));
    options.calls = std::make_shared<channel::MentionPatterns>(*config);
    options.certificate_file = certificate_file(self);
    Result<std::unique_ptr<Link>> link = self.open_link("agent");
    if (!link) return link.error();

    Account account{static_cast<UvLoop&>(self.loop()), std::move(*link), std::move(options)};
    account.on_end([&] { self.loop().stop(0); });
    self.on_stop(
        [&](const hardshell::proto::Stop&) { account.stop([&] { self.loop().stop(0); }); });
    self.on_shed([&] { account.shed(); });
    self.on_resumed([&] { account.machine_slept(); });
    account.start();
    self.ready();
    self.loop().run();
    return account.outcome();
}

}  // namespace discord

int main() {
    return run_worker(make_uv_loop(), discord::run);
}
