#include "workers/telegram/account.h"

#include <algorithm>

#include "workers/common/base/clock.h"
#include "workers/common/log.h"
#include "workers/telegram/command_menu.h"
#include "workers/telegram/probe.h"

namespace telegram {

namespace {

using hardshell::proto::CommandList;

constexpr std::chrono::milliseconds log_in_timeout{10'000};
constexpr std::chrono::milliseconds menu_pause{5'000};
constexpr const char* folder = "telegram";
constexpr const char* media_folder = "telegram/media";

}  // namespace

Account::Account(Parts parts)
    : parts_(std::move(parts)),
      bot_{bot_id_of(parts_.token.reveal()), {}, {}, false, {}},
      api_(parts_.client, {parts_.settings.api_url, parts_.token, parts_.settings.call_timeout}),
      agent_(parts_.loop, std::move(parts_.link), {"telegram", parts_.account}),
      status_(parts_.loop, agent_, has_webhook() ? "webhook" : "polling"),
      group_moves_(parts_.loop, parts_.settings, parts_.ask_config),
      typing_(parts_.loop, api_),
      drafts_(parts_.loop, api_, pace_, parts_.settings, bot_,
              DraftRecord(parts_.state_dir + "/" + folder, parts_.account, bot_.id, wall_ms())),
      inbox_({parts_.loop,
              api_,
              pace_,
              agent_,
              parts_.settings,
              bot_,
              sent_,
              parts_.named,
              {parts_.state_dir, media_folder, parts_.settings.media_most_bytes},
              [this](int64_t update_id) { settle(update_id); },
              [this] { status_.took_one(); },
              [this](const std::string& from, const std::string& to, std::function<void()> done) {
                  group_moved(from, to, std::move(done));
              }}),
      outbox_(
          {parts_.loop, api_, pace_, agent_, parts_.settings, drafts_, typing_, sent_,
           parts_.state_dir, [this] { status_.sent_one(); },
           [this](const Error& error) { end(error); },
           [this](const std::string& from, const std::string& to) { group_moved(from, to, {}); }}),
      poller_(
          parts_.loop, api_, OffsetFile(parts_.state_dir + "/" + folder, parts_.account, bot_.id),
          {[this](const Update& update) { inbox_.take(update); }, [this] { status_.connected(); },
           [this](const std::string& why) { status_.disconnected(why); },
           [this](const Error& error) { end(error); }}) {}

void Account::start() {
    agent_.start(link_handlers());
    log_in();
}

channel::AgentLink::Handlers Account::link_handlers() {
    channel::AgentLink::Handlers on;
    on.accepted = [this](const std::string& key) { inbox_.accepted(key); };
    on.room = [this] { inbox_.room(); };
    on.deliver = [this](const auto& message) { outbox_.deliver(message); };
    on.change = [this](const auto& message) { outbox_.change(message); };
    on.typing = [this](const auto& typing) { typing_.show(typing); };
    on.reaction = [this](const auto& reaction) { outbox_.react(reaction); };
    on.draft = [this](const auto& draft) { drafts_.show(draft); };
    // An edit makes the same message of the draft, however often it is done.
    on.may_repeat = [this](const auto& message) {
        return message.first_part() == 0 && drafts_.has_message(message.draft_id());
    };
    on.allow_list = [this] {
        inbox_.approved(*agent_.allow_list());
        take_updates();
    };
    on.commands = [this](const CommandList& list) { show_commands(list); };
    on.probe = [this](uint64_t id, std::chrono::milliseconds timeout) {
        probe(api_, timeout, [this, id](const std::string& json) { agent_.probed(id, json); });
    };
    on.log_out = [this] {
        parts_.fatal({Fault::bad_credentials, "logged out of Telegram; a new bot token in " +
                                                  parts_.token_source + " logs in again"});
    };
    return on;
}

void Account::log_in() {
    api_.call(
        "getMe", Json::object(), [this](const ApiAnswer& answer) { logged_in(answer); },
        log_in_timeout);
}

void Account::logged_in(const ApiAnswer& answer) {
    if (!answer) {
        if (answer.failure->kind == ApiFailure::Kind::unauthorized)
            return end({Fault::bad_credentials, answer.failure->description});
        const auto wait = std::max(log_in_again_.next(), answer.failure->retry_after);
        log_warn("[{}] cannot log in to Telegram: {}; retrying in {:.1f}s", parts_.account,
                 answer.failure->description, static_cast<double>(wait.count()) / 1000);
        status_.disconnected(answer.failure->description);
        ready();  // it serves as soon as Telegram can be reached
        timer_ = parts_.loop.after(wait, [this] {
            timer_.reset();
            log_in();
        });
        return;
    }
    const User me = read_user(answer.result);
    bot_.id = me.id;
    bot_.username = me.username;
    bot_.name = me.name;
    bot_.has_topics = bool_member(answer.result, "has_topics_enabled");
    is_logged_in_ = true;
    log_info("[{}] starting provider (@{})", parts_.account, me.username);
    if (!bool_member(answer.result, "can_read_all_group_messages") && parts_.settings.groups)
        log_debug(
            "in groups Telegram shows this bot only commands, mentions and replies, unless "
            "it is an administrator or its privacy mode is off (/setprivacy of @BotFather)");
    status_.started_as(bot_);
    if (commands_) show_commands(CommandList(*commands_));
    ready();
    take_updates();
}

// Not before the agent has said who was approved: else those would be strangers.
void Account::take_updates() {
    if (takes_updates_ || !is_logged_in_ || !agent_.allow_list()) return;
    takes_updates_ = true;
    if (has_webhook())
        listen_to_telegram();
    else
        poller_.start();
}

// Listening first: what Telegram sends the moment it is told finds somebody.
void Account::listen_to_telegram() {
    webhook_ = std::make_unique<Webhook>(
        parts_.loop, api_, webhook_url(), parts_.webhook_secret,
        Webhook::Handlers{[this](const Update& update) { inbox_.take(update); },
                          [this] { status_.connected(); },
                          [this](const std::string& why) { status_.disconnected(why); },
                          [this](const Error& error) { end(error); }});
    if (const Done usable = webhook_->check(); !usable) return end(usable.error());
    requests_ = std::make_unique<WebhookRequests>(parts_.loop, parts_.webhook_listeners, *webhook_);
    webhook_->start();
}

std::string Account::webhook_url() const {
    if (parts_.settings.webhook_url != Webhook::by_tunnel) return parts_.settings.webhook_url;
    return tunnel_.empty() ? std::string() : tunnel_ + parts_.settings.webhook_path;
}

void Account::tunnel_is_at(std::string origin) {
    tunnel_ = std::move(origin);
    if (webhook_) webhook_->move_to(webhook_url());
}

void Account::settle(int64_t update_id) {
    if (webhook_)
        webhook_->settle(update_id);
    else
        poller_.settle(update_id);
}

// The agent renames its sessions, a planner writes the owner's file.
void Account::group_moved(const std::string& from, const std::string& to,
                          std::function<void()> done) {
    agent_.chat_moved(from, to);
    group_moves_.follow(from, to, std::move(done));
}

void Account::show_commands(const CommandList& list) {
    commands_ = list;
    bot_.commands.clear();
    for (const auto& command : list.commands()) bot_.commands.insert(command.name());
    for (const Command& command : parts_.settings.custom_commands)
        bot_.commands.insert(command.name);
    if (!is_logged_in_) return;
    CommandMenu menu = command_menu(list, parts_.settings);
    for (const std::string& error : menu.errors) log_warn("{}", error);
    const std::string text = print_json(menu.commands);
    if (text == shown_commands_) return;
    api_.call("setMyCommands", {{"commands", std::move(menu.commands)}},
              [this, text](const ApiAnswer& answer) {
                  if (answer) {
                      shown_commands_ = text;
                      return;
                  }
                  const ApiFailure& failure = *answer.failure;
                  log_warn("Telegram did not take the menu of commands: {}", failure.description);
                  using Kind = ApiFailure::Kind;
                  if (failure.kind == Kind::refused || failure.kind == Kind::unauthorized) return;
                  menu_again_ =
                      parts_.loop.after(std::max(failure.retry_after, menu_pause), [this] {
                          if (commands_) show_commands(CommandList(*commands_));
                      });
              });
}

void Account::ready() {
    if (is_ready_) return;
    is_ready_ = true;
    parts_.ready();
}

void Account::end(const Error& error) {
    if (error.fault != Fault::bad_credentials) return parts_.fatal(error);
    status_.disconnected(error.what);
    parts_.fatal({error.fault, "Telegram refuses the bot token (" + error.what + "): replace " +
                                   parts_.token_source +
                                   " by one that @BotFather gives out for this bot"});
}

void Account::machine_slept() {
    api_.close_connections();
    poller_.machine_slept();
    if (is_logged_in_ || !timer_) return;
    timer_.reset();
    log_in_again_.reset();
    log_in();
}

void Account::stop(std::function<void()> done) {
    timer_.reset();
    menu_again_.reset();
    if (requests_) requests_->stop();
    poller_.stop([this, done = std::move(done)]() mutable { outbox_.stop(std::move(done)); });
}

}  // namespace telegram
