#include "workers/discord/account.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "workers/common/base/clock.h"
#include "workers/common/log.h"
#include "workers/discord/intents.h"

namespace discord {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds status_period{30'000};
constexpr milliseconds status_pause{1'000};
constexpr int64_t longest_wait_ms = 30'000;
constexpr milliseconds longest_farewell{250};
// Room again for so many before Discord is asked for more.
constexpr size_t resumes_below = Inbox::most_unsettled / 2;

channel::AgentLink::Options link_options(const std::string& account) {
    channel::AgentLink::Options options;
    options.channel = "discord";
    options.account = account;
    options.platform_drops_repetitions = true;
    return options;
}

Rest::Options rest_options(const Account::Options& options) {
    return {options.settings.api_url, options.token, options.settings.retry_attempts,
            options.settings.retry_least_ms, options.settings.retry_most_ms};
}

MediaFetch::Options media_options(const Account::Options& options) {
    channel::MediaPlace place;
    place.state_dir = ".";
    place.folder = options.folder + "/media";
    place.most_bytes = options.settings.media_most_bytes;
    return {place, options.settings.media_hosts};
}

// Whatever an account is called, its file is in the folder.
std::string file_name_of(const std::string& account) {
    std::string name;
    for (const char c : account)
        name += std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' ? c : '_';
    return name;
}

GatewayConnection::Options gateway_options(const Account::Options& options) {
    return {{options.token, options.token_source, options.settings.intents},
            options.settings.gateway_url,
            options.folder + "/" + file_name_of(options.name) + ".session.json"};
}

}  // namespace

Account::Account(UvLoop& loop, std::unique_ptr<Link> link, Options options)
    : loop_(loop),
      options_(std::move(options)),
      context_(loop, {options_.certificate_file, "/etc/ssl/certs"}),
      agent_(loop, std::move(link), link_options(options_.name)),
      rest_(context_, rest_options(options_)),
      finder_(loop, options_.settings, rest_, places_),
      media_(context_, media_options(options_)),
      gateway_(loop, context_, rest_, gateway_options(options_), gateway_handlers()),
      typing_(loop, rest_) {
    rest_.on_refused_token([this] { end(refused_token()); });
    status_.set_mode("gateway");
    status_.set_running(true);
    status_.set_last_start_ms(wall_ms());
}

Error Account::refused_token() const {
    return {Fault::bad_credentials, "Discord refuses the bot token of " + options_.token_source +
                                        ": put in the one of the Developer Portal (Bot, Token)"};
}

void Account::start() {
    for (const std::string& remark : options_.settings.remarks) log_warn("{}", remark);
    for (const std::string& remark : options_.calls->remarks()) log_warn("{}", remark);
    if (const Done context = context_.check(); !context) return end(context.error());
    agent_.set_status(status_);
    agent_.start(agent_handlers());
    status_timer_ = loop_.every(status_period, [this] { tell_status(); });
    identify();
}

// Who the bot is: whose mentions and whose messages, and where its commands belong.
void Account::identify() {
    rest_.send(rest_get("/users/@me", "/users/@me"), [this](const RestAnswer& user) {
        if (!user.is_ok()) {
            const int64_t pause =
                std::min(longest_wait_ms, int64_t{1'000} << std::min(identify_failures_++, 5));
            status_.set_last_error(user.error);
            tell_status();
            log_warn("{}; trying again in {} ms", user.error, pause);
            again_ = loop_.after(milliseconds(pause), [this] {
                again_.reset();
                identify();
            });
            return;
        }
        rest_.send(rest_get("/oauth2/applications/@me", "/oauth2/applications/@me"),
                   [this, body = user.body](const RestAnswer& application) {
                       if (application.is_ok())
                           check_intents(application.body);
                       else
                           log_warn("Failed to resolve Discord application id: {}",
                                    application.error);
                       learn_bot(body);
                   });
    });
}

void Account::check_intents(const Json& application) {
    bot_.application_id = id_member(application, "id");
    if (!member(application, "flags").is_number_integer()) return;  // not told
    const auto flags =
        static_cast<uint64_t>(std::max<int64_t>(0, int_member(application, "flags")));
    for (const Intent& intent : intents)
        if (intent.is_privileged && (options_.settings.intents & intent.bit) &&
            (flags & intent.flags) == 0)
            log_warn(
                "[{}] Discord {} is disabled; bot may not respond to channel messages. Enable it "
                "in the Developer Portal (Bot, Privileged Gateway Intents)",
                options_.name, intent.name);
}

// Whoever signed in knows better than a request that failed.
void Account::learn_application(const Json& ready) {
    const std::string id = id_member(member(ready, "application"), "id");
    if (id.empty() || id == bot_.application_id) return;
    bot_.application_id = id;
    if (has_commands_) interactions_->learn(commands_);
}

void Account::learn_bot(const Json& user) {
    bot_.id = id_member(user, "id");
    bot_.username = text_member(user, "username");
    // Those of bots made long ago differ; these are the same for all others.
    if (bot_.application_id.empty()) bot_.application_id = bot_.id;
    log_info("[{}] starting provider (@{})", options_.name, bot_.username);
    status_.mutable_bot()->set_id(bot_.id);
    status_.mutable_bot()->set_username(bot_.username);
    gateway_.start(bot_.id);
    inbox_ = std::make_unique<Inbox>(Inbox::Parts{loop_, options_.settings, bot_, rest_, places_,
                                                  finder_, media_, agent_,
                                                  gateway_.session().sequences(), *options_.calls});
    interactions_ = std::make_unique<Interactions>(Interactions::Parts{
        loop_, options_.settings, bot_, rest_, agent_, gateway_.session().sequences(), finder_,
        *inbox_, [this] { return gateway_.session().record().commands_digest; },
        [this](const std::string& digest) { gateway_.session().set_commands_digest(digest); }});
    outbox_ = std::make_unique<Outbox>(Outbox::Parts{loop_, options_.settings, bot_.id, rest_,
                                                     places_, *interactions_, agent_, "."});
    outbox_->on_delivered([this](const std::string& channel_id) {
        typing_.hide(channel_id);
        tell_status_soon();
    });
    if (has_commands_) interactions_->learn(commands_);
    for (const auto& message : early_) outbox_->deliver(message);
    early_.clear();
    for (const auto& message : early_changes_) outbox_->change(message);
    early_changes_.clear();
    tell_status();
}

channel::AgentLink::Handlers Account::agent_handlers() {
    channel::AgentLink::Handlers handlers;
    handlers.accepted = [this](const std::string& key) {
        if (!inbox_) return;
        inbox_->accepted(key);
        interactions_->accepted(key);
        gateway_.keep_soon();
        tell_status_soon();
        keep_up();
        if (stopped_ && !inbox_->waits_for_agent()) finish_stop();
    };
    handlers.room = [this] {
        if (inbox_) inbox_->room();
    };
    handlers.allow_list = [this] {
        if (inbox_) inbox_->learned_allow_list();
    };
    handlers.deliver = [this](const hardshell::proto::DeliverMessage& message) {
        outbox_ ? outbox_->deliver(message) : early_.push_back(message);
    };
    handlers.change = [this](const hardshell::proto::ChangeMessage& message) {
        outbox_ ? outbox_->change(message) : early_changes_.push_back(message);
    };
    handlers.typing = [this](const hardshell::proto::ShowTyping& typing) {
        const std::string& chat = typing.place().chat_id();
        if (snowflake_ms(chat) != 0) typing.on() ? typing_.show(chat) : typing_.hide(chat);
    };
    handlers.reaction = [this](const hardshell::proto::SetReaction& reaction) {
        if (outbox_) outbox_->react(reaction);
    };
    handlers.commands = [this](const hardshell::proto::CommandList& list) {
        commands_ = list;
        has_commands_ = true;
        if (interactions_) interactions_->learn(list);
    };
    handlers.probe = [this](uint64_t id, milliseconds timeout) { probe(id, timeout); };
    handlers.log_out = [this] { log_out(); };
    return handlers;
}

GatewayConnection::Handlers Account::gateway_handlers() {
    return {[this](const std::string& type, const Json& data, uint64_t sequence) {
                dispatch(type, data, sequence);
            },
            [this](bool is_new_session) { up(is_new_session); },
            [this](const std::string& why) { down(why); },
            [this](const Error& error) { end(error); }};
}

void Account::dispatch(const std::string& type, const Json& data, uint64_t sequence) {
    if (!inbox_) return;
    struct Row {
        std::string_view type;
        void (*take)(Account& self, const Json& data, uint64_t sequence);
    };
    static constexpr auto learn_channel = [](Account& self, const Json& told, uint64_t) {
        self.places_.learn(channel_of(told));
    };
    static constexpr auto forget_channel = [](Account& self, const Json& told, uint64_t) {
        self.places_.forget_channel(id_member(told, "id"));
    };
    static constexpr auto learn_guild = [](Account& self, const Json& told, uint64_t) {
        self.places_.learn(guild_of(told));
    };
    static const Row rows[] = {
        {"MESSAGE_CREATE",
         [](Account& self, const Json& message, uint64_t number) {
             self.inbox_->take(message_of(message), number);
             self.keep_up();
         }},
        {"MESSAGE_REACTION_ADD", [](Account& self, const Json& reaction,
                                    uint64_t) { self.inbox_->take(reaction_of(reaction), false); }},
        {"MESSAGE_REACTION_REMOVE",
         [](Account& self, const Json& reaction, uint64_t) {
             self.inbox_->take(reaction_of(reaction), true);
         }},
        {"INTERACTION_CREATE",
         [](Account& self, const Json& interaction, uint64_t number) {
             self.interactions_->take(interaction_of(interaction), number);
         }},
        {"READY",
         [](Account& self, const Json& ready, uint64_t) { self.learn_application(ready); }},
        {"GUILD_CREATE", learn_guild},
        {"GUILD_UPDATE", learn_guild},
        {"GUILD_DELETE", [](Account& self, const Json& guild,
                            uint64_t) { self.places_.forget_guild(id_member(guild, "id")); }},
        {"CHANNEL_CREATE", learn_channel},
        {"CHANNEL_UPDATE", learn_channel},
        {"CHANNEL_DELETE", forget_channel},
        {"THREAD_CREATE", learn_channel},
        {"THREAD_UPDATE", learn_channel},
        {"THREAD_DELETE", forget_channel},
    };
    for (const Row& row : rows)
        if (row.type == type) return row.take(*this, data, sequence);
}

// Discord keeps what the agent has no room for.
void Account::keep_up() {
    if (!is_paused_ && inbox_->is_full()) {
        is_paused_ = true;
        log_warn("{} messages wait for the agent: the connection to Discord rests",
                 inbox_->unsettled());
        gateway_.session().pause();
    } else if (is_paused_ && inbox_->unsettled() < resumes_below) {
        is_paused_ = false;
        gateway_.session().go_on(wall_ms());
    }
}

void Account::up(bool is_new_session) {
    if (!has_been_up_) log_info("logged in to discord as {}", bot_.id);
    if (has_been_up_ || !is_new_session)
        log_info("discord gateway: {}", is_new_session ? "began a new session" : "resumed");
    has_been_up_ = true;
    status_.set_connected(true);
    status_.clear_last_error();
    status_.set_last_connected_ms(wall_ms());
    tell_status();
}

void Account::down(const std::string& why) {
    if (status_.connected()) status_.set_last_disconnect_ms(wall_ms());
    status_.set_connected(false);
    status_.set_last_error(why);
    tell_status();
}

void Account::tell_status() {
    status_soon_.reset();
    status_.set_reconnects(gateway_.session().reconnects());
    if (inbox_) status_.set_last_inbound_ms(inbox_->last_inbound_ms());
    if (outbox_) status_.set_last_outbound_ms(outbox_->last_outbound_ms());
    agent_.set_status(status_);
}

void Account::tell_status_soon() {
    if (!status_soon_) status_soon_ = loop_.after(status_pause, [this] { tell_status(); });
}

void Account::probe(uint64_t id, milliseconds timeout) {
    RestRequest request = rest_get("/users/@me", "/users/@me");
    request.timeout = std::clamp(timeout, milliseconds(100), milliseconds(15'000));
    const int64_t begun = monotonic_ms();
    rest_.send(std::move(request), [this, id, begun](const RestAnswer& answer) {
        Json result = {{"ok", answer.is_ok()}, {"elapsedMs", monotonic_ms() - begun}};
        if (answer.status) result["status"] = answer.status;
        if (answer.is_ok())
            result["bot"] = {{"id", id_member(answer.body, "id")},
                             {"username", text_member(answer.body, "username")}};
        else
            result["error"] = answer.error;
        agent_.probed(id, print_json(result));
    });
}

void Account::log_out() {
    gateway_.end_session();
    end({Fault::bad_credentials, "logged out of Discord; a new token in " + options_.token_source +
                                     " starts this account again"});
}

void Account::end(const Error& error) {
    if (!outcome_) return;
    outcome_ = error;
    status_.set_running(false);
    status_.set_connected(false);
    status_.set_last_error(error.what);
    tell_status();
    // The status leaves before the process does.
    again_ = loop_.after(milliseconds(50), [this] {
        if (on_end_) on_end_();
    });
}

void Account::stop(std::function<void()> done) {
    stopped_ = std::move(done);
    if (!inbox_ || !inbox_->waits_for_agent()) return finish_stop();
    // What the agent is just accepting need not be repeated by the next process.
    stop_deadline_ = loop_.after(longest_farewell, [this] { finish_stop(); });
}

void Account::finish_stop() {
    stop_deadline_.reset();
    gateway_.stop(std::exchange(stopped_, {}));
}

void Account::shed() {
    if (inbox_) inbox_->shed();
}

void Account::machine_slept() {
    rest_.machine_slept();
    gateway_.machine_slept();
    if (!again_ || inbox_ || !outcome_) return;
    again_.reset();
    identify_failures_ = 0;
    identify();
}

}  // namespace discord
