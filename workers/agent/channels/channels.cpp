#include "workers/agent/channels/channels.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "workers/common/log.h"

namespace agent {

using hardshell::proto::AgentToChannel;
using hardshell::proto::ChannelToAgent;

namespace {

// A worker that is started anew is there in well under a second.
constexpr std::chrono::milliseconds longest_start{2'000};
constexpr const char* approved_text =
    "✅ OpenClaw access approved. Send a message to start chatting.";

void set_time(Json& facts, const char* key, int64_t time_ms) {
    facts[key] = time_ms > 0 ? Json(time_ms) : Json();
}

}  // namespace

Channels::Channels(Services services)
    : services_(std::move(services)),
      files_(services_.state_dir),
      outbox_({services_.loop, services_.channels, services_.now_ms,
               [this](const std::string& worker, const AgentToChannel& message) {
                   return send(worker, message);
               }}),
      signs_({services_.loop, services_.config, services_.now_ms,
              [this](const std::string& worker, const AgentToChannel& message) {
                  return send(worker, message);
              }}),
      rows_(services_.config, files_),
      blocks_({services_.loop, services_.store, services_.channels, services_.config, outbox_,
               rows_, services_.now_ms,
               [this](const std::string& run_id) { signs_.part_arrived(run_id); }}),
      turns_({services_.loop, services_.store, services_.channels, services_.runs, services_.desk,
              services_.config, outbox_, signs_, blocks_, rows_, services_.now_ms,
              services_.state_dir,
              [this](const SessionKey& session, const std::string& text) {
                  add_event(session, text);
              }}),
      inbox_({services_.loop, services_.channels, services_.now_ms,
              [this](const std::string& worker, const AgentToChannel& message) {
                  return send(worker, message);
              },
              [this] { return taking_ && turns_.has_room(); },
              [this](std::vector<InboundRow> rows) { turns_.take(std::move(rows)); }}),
      pairing_(
          {services_.loop, services_.state_dir + "/credentials", services_.now_ms},
          [this](const std::string& channel, const std::vector<std::string>&) {
              for (auto& [worker, account] : accounts_)
                  if (account.name.channel == channel) send_allow_list(account);
          },
          [this](const std::string& channel, const std::string& account, const std::string& id) {
              approved(channel, account, id);
          }),
      activations_(services_.loop, services_.store, services_.config,
                   [this](const std::string& channel) {
                       for (auto& [worker, account] : accounts_)
                           if (account.name.channel == channel) send_activations(account);
                   }),
      promised_(services_.store, services_.runs, *this),
      calls_([this](const std::string& worker, const AgentToChannel& message) {
          return send(worker, message);
      }) {
    services_.events.look(&signs_, &blocks_);
    outbox_.on_settled([this](const OutboundRow& row) { settled(row); });
}

Channels::~Channels() {
    *alive_ = false;
    services_.events.look(nullptr, nullptr);
}

void Channels::add(const ChannelAccount& name, std::unique_ptr<Link> link) {
    const std::string worker = name.worker();
    add(name, [&link = *link](const AgentToChannel& message) { return link.send(message); });
    link->on_message([this, worker](std::string_view frame) { take(worker, frame); });
    link->on_peer([this, worker](uint64_t incarnation) { peer_is(worker, incarnation); });
    accounts_[worker].link = std::move(link);
}

void Channels::add(const ChannelAccount& name, Send send) {
    Account& account = accounts_[name.worker()];
    account.name = name;
    account.send = std::move(send);
}

void Channels::take(const std::string& worker, std::string_view frame) {
    if (Account* account = find(worker)) take(*account, frame);
}

void Channels::peer_is(const std::string& worker, uint64_t incarnation) {
    Account* account = find(worker);
    if (!account) return;
    account->is_up = false;
    account->life = incarnation;
    calls_.forget(worker);
    report_soon();
}

Done Channels::start() {
    files_.tidy(services_.now_ms());
    if (const Done done = outbox_.recover(); !done) return done;
    if (const Done done = turns_.recover(); !done) return done;
    if (const Done done = promised_.recover(); !done) return done;
    if (const Done done = activations_.start(); !done) return done;
    for (auto& [worker, account] : accounts_) {
        pairing_.follow(account.name.channel);
        say_up(account, false);
    }
    return {};
}

Channels::Account* Channels::find(const std::string& worker) {
    const auto found = accounts_.find(worker);
    return found == accounts_.end() ? nullptr : &found->second;
}

Done Channels::send(const std::string& worker, const AgentToChannel& message) {
    Account* account = find(worker);
    if (!account) return Error{Fault::unreachable, worker + " is not configured here"};
    return account->send(message);
}

void Channels::take(Account& account, std::string_view frame) {
    ChannelToAgent message;
    if (!message.ParseFromArray(frame.data(), static_cast<int>(frame.size()))) {
        log_warn("a message of {} could not be read and was dropped", account.name.worker());
        return;
    }
    const std::string worker = account.name.worker();
    switch (message.message_case()) {
        case ChannelToAgent::kLinkUp:
            return link_up(account, message.link_up().answers());
        case ChannelToAgent::kInbound:
            return inbox_.offered(worker, message.inbound());
        case ChannelToAgent::kReport:
            return outbox_.take_report(worker, message.report());
        case ChannelToAgent::kPairingWanted:
            return pairing_wanted(account, message.pairing_wanted());
        case ChannelToAgent::kStatus:
            return status_changed(account, message.status());
        case ChannelToAgent::kProbeAnswer:
            return probe_answered(account, message.probe_answer());
        case ChannelToAgent::kReaction:
            return reacted(account, message.reaction());
        case ChannelToAgent::kChatMoved:
            return chat_moved(account, message.chat_moved());
        case ChannelToAgent::kAnswer:
            return calls_.answered(worker, message.answer());
        case ChannelToAgent::MESSAGE_NOT_SET:
            return;  // of a later version
    }
}

void Channels::say_up(Account& account, bool answers) {
    AgentToChannel message;
    message.mutable_link_up()->set_answers(answers);
    if (const Done done = account.send(message); !done)
        log_warn("{} is not spoken to: {}", account.name.worker(), done.error().what);
}

void Channels::link_up(Account& account, bool answers) {
    account.is_up = true;
    inbox_.forget(account.name.worker());
    if (!answers) say_up(account, true);
    send_activations(account);
    send_allow_list(account);  // with it the channel begins to judge
    send_commands(account);
    outbox_.account_up(account.name.worker());
    let_go(account);
    report_soon();
}

void Channels::send_activations(Account& account) {
    AgentToChannel message;
    *message.mutable_activations() = activations_.of(account.name);
    (void)account.send(message);
}

void Channels::send_allow_list(Account& account) {
    AgentToChannel message;
    auto& list = *message.mutable_allow_list();
    for (const std::string& entry : pairing_.allowed(account.name.channel)) list.add_entries(entry);
    (void)account.send(message);
}

void Channels::send_commands(Account& account) {
    AgentToChannel message;
    auto& list = *message.mutable_commands();
    for (const CommandRow& row : command_rows()) {
        if (!row.is_native || row.kind == Command::Kind::absent) continue;
        auto& command = *list.add_commands();
        command.set_name(std::string(row.name().substr(1)));
        command.set_description(std::string(row.help));
        command.set_takes_text(row.takes_text);
    }
    (void)account.send(message);
}

void Channels::pairing_wanted(Account& account, const hardshell::proto::PairingWanted& wanted) {
    Stranger stranger{wanted.sender().id(), Json::object()};
    if (!wanted.sender().username().empty()) stranger.meta["username"] = wanted.sender().username();
    if (!wanted.sender().name().empty()) stranger.meta["name"] = wanted.sender().name();
    if (account.name.account != "default") stranger.meta["accountId"] = account.name.account;
    const auto answer = [this, id = wanted.id(), life = account.life,
                         worker = account.name.worker(),
                         alive = alive_](const PairingAnswer& found) {
        if (!*alive) return;
        const Account* asker = find(worker);
        if (!asker || asker->life != life) return;  // another process counts anew
        AgentToChannel message;
        auto& code = *message.mutable_pairing_code();
        code.set_id(id);
        code.set_code(found.code);
        code.set_created(found.created);
        code.set_reason(found.reason);
        (void)send(worker, message);
    };
    if (stranger.id.empty()) return answer({"", false, "the sender has no id"});
    pairing_.ask(account.name.channel, std::move(stranger), answer);
}

void Channels::approved(const std::string& channel, const std::string& account,
                        const std::string& id) {
    log_info("{} was let in on {}", id, channel);
    DeliveryWish wish;
    wish.channel = channel;
    wish.account = account;
    wish.to = channel == "discord" ? "user:" + id : id;
    const Result<DeliveryWish> resolved = resolve(wish);
    const Done done =
        resolved ? deliver(*resolved, approved_text, "approved:" + new_delivery_id(), nullptr)
                 : Done(resolved.error());
    if (!done) log_warn("{} is not told so: {}", id, done.error().what);
}

void Channels::status_changed(Account& account, const hardshell::proto::AccountStatus& status) {
    Json& live = account.live;
    live["running"] = status.running();
    live["connected"] = status.connected();
    live["lastError"] = status.last_error().empty() ? Json() : Json(status.last_error());
    live["reconnectAttempts"] = status.reconnects();
    if (!status.mode().empty()) live["mode"] = status.mode();
    set_time(live, "lastStartAt", status.last_start_ms());
    set_time(live, "lastConnectedAt", status.last_connected_ms());
    set_time(live, "lastInboundAt", status.last_inbound_ms());
    set_time(live, "lastOutboundAt", status.last_outbound_ms());
    if (status.last_disconnect_ms() > 0)
        live["lastDisconnect"] = {{"at", status.last_disconnect_ms()}};
    if (!status.bot().id().empty())
        live["bot"] = {{"id", status.bot().id()}, {"username", status.bot().username()}};
    report_soon();
}

void Channels::probe(std::chrono::milliseconds timeout, std::function<void()> done) {
    struct Waiting {
        size_t open = 1;
        std::function<void()> done;
        Loop::Registration timer;
        void one_less() {
            if (open > 0 && --open == 0) finish();
        }
        void finish() {
            open = 0;
            timer.reset();
            if (auto then = std::exchange(done, nullptr)) then();
        }
    };
    // Shared by the accounts that are asked and the timer.
    auto waiting = std::make_shared<Waiting>();
    waiting->done = std::move(done);
    waiting->timer = services_.loop.after(timeout, [waiting] { waiting->finish(); });
    for (auto& [worker, account] : accounts_) {
        if (!account.is_up) continue;
        AgentToChannel message;
        message.mutable_probe()->set_id(++last_probe_);
        message.mutable_probe()->set_timeout_ms(static_cast<uint32_t>(timeout.count()));
        if (!account.send(message)) continue;
        ++waiting->open;
        account.probes[last_probe_] = [this, asked = &account, waiting](Json result) {
            asked->live["probe"] = std::move(result);
            asked->live["lastProbeAt"] = services_.now_ms();
            waiting->one_less();
        };
        if (account.probes.size() > 16) account.probes.erase(account.probes.begin());
    }
    waiting->one_less();
}

void Channels::probe_answered(Account& account, const hardshell::proto::ProbeAnswer& answer) {
    auto found = account.probes.extract(answer.id());
    if (found.empty()) return;
    Result<Json> result = parse_json(answer.result_json());
    found.mapped()(result ? std::move(*result)
                          : Json{{"ok", false}, {"error", "its answer could not be read"}});
}

Done Channels::log_out(const ChannelAccount& name) {
    Account* account = find(name.worker());
    if (!account || !account->is_up)
        return Error{Fault::unreachable, name.worker() + " does not run"};
    AgentToChannel message;
    message.mutable_log_out();
    return account->send(message);
}

void Channels::call_worker(const ChannelAccount& name, const std::string& method,
                           const Json& params, bool by_model, WorkerCalls::Reply reply) {
    Account* account = find(name.worker());
    const Error absent{Fault::unreachable, name.worker() + " does not run"};
    if (!account || account->held.size() >= WorkerCalls::most_open) return reply(absent);
    if (account->is_up)
        return calls_.ask(name.worker(), method, params, by_model, std::move(reply));
    // It may be just starting.
    account->held.push_back([=, this, reply = std::move(reply)](bool is_up) {
        is_up ? calls_.ask(name.worker(), method, params, by_model, reply) : reply(absent);
    });
    if (account->held_end) return;
    account->held_end = services_.loop.after(longest_start, [this, account] { let_go(*account); });
}

void Channels::let_go(Account& account) {
    account.held_end.reset();
    for (const auto& go_on : std::exchange(account.held, {})) go_on(account.is_up);
}

void Channels::add_event(const SessionKey& session, const std::string& text) {
    if (!services_.system_events.add(session, text, services_.now_ms())) return;
    if (const Done done = services_.store.put_notes(
            {{SystemEvents::note_name, services_.system_events.as_note()}});
        !done)
        log_warn("an event of {} may be forgotten: {}", session.key, done.error().what);
}

void Channels::reacted(Account& account, const hardshell::proto::InboundReaction& reaction) {
    const Route route =
        route_of(services_.config, account.name, reaction.place(), reaction.sender());
    const auto& sender = reaction.sender();
    add_event(route.session, channel_label(account.name.channel) + " reaction " +
                                 (reaction.removed() ? "removed: " : "added: ") + reaction.emoji() +
                                 " by " + (sender.name().empty() ? sender.id() : sender.name()) +
                                 " on msg " + reaction.message_id());
}

// The group goes on under its new id with the conversation it had, and what the owner says of it.
void Channels::chat_moved(Account& account, const hardshell::proto::ChatMoved& moved) {
    services_.moved_groups.moved(account.name, moved.from_chat_id(), moved.to_chat_id());
    const std::string from =
        lower_case(":" + account.name.channel + ":group:" + moved.from_chat_id());
    const std::string to = lower_case(":" + account.name.channel + ":group:" + moved.to_chat_id());
    std::vector<Session> sessions;
    const Done seen = services_.store.visit("", [&](const Session& session) {
        const size_t at = session.key.key.find(from);
        const size_t end = at == std::string::npos ? 0 : at + from.size();
        if (at != std::string::npos &&
            (end == session.key.key.size() || session.key.key[end] == ':'))
            sessions.push_back(session);
        return true;
    });
    if (!seen) return log_warn("a group's sessions were not found: {}", seen.error().what);
    for (const Session& old : sessions) {
        Session renamed = old;
        renamed.key.key.replace(old.key.key.find(from), from.size(), to);
        renamed.entry["groupId"] = moved.to_chat_id();
        renamed.entry["lastTo"] = moved.to_chat_id();
        if (renamed.entry.contains("deliveryContext"))
            renamed.entry["deliveryContext"]["to"] = moved.to_chat_id();
        const auto known = services_.store.find(renamed.key);
        if (!known || *known) continue;  // told once more
        Done done = services_.store.save(renamed);
        if (done) done = services_.store.remove(old.key);
        if (!done) log_warn("{} was not moved: {}", old.key.key, done.error().what);
    }
    log_info("a group of {} has a new id: {} is now {}", account.name.worker(),
             moved.from_chat_id(), moved.to_chat_id());
}

// A person or the model should know of what did not arrive, or may not have.
void Channels::settled(const OutboundRow& row) {
    hardshell::proto::DeliverMessage message;
    if (!row.is_change && message.ParseFromString(row.message)) files_.remove(message);
    if (row.state == OutboundRow::State::sent) return;
    log_warn("a message to {} on {} is {}: {}", row.chat, row.worker, state_name(row.state),
             row.reason.empty() ? "no reason was given" : row.reason);
    if (row.session.empty()) return;
    const char* what = row.state == OutboundRow::State::unknown
                           ? "it is not known whether a message arrived on "
                           : "a message was not delivered on ";
    add_event({row.agent, row.session},
              what + row.worker + (row.reason.empty() ? "" : ": " + row.reason));
}

Json Channels::report() const {
    Json report = services_.accounts;
    for (const auto& [worker, account] : accounts_) {
        if (!member(report, account.name.channel).is_object()) continue;
        Json& channel = report[account.name.channel];
        Json live = account.live;
        live["linked"] = account.is_up;
        channel["accounts"][account.name.account]["live"] = std::move(live);
    }
    return report;
}

void Channels::report_soon() {
    if (std::exchange(report_planned_, true)) return;
    services_.loop.soon([this, alive = alive_] {
        if (!*alive) return;
        report_planned_ = false;
        if (on_report_) on_report_();
    });
}

}  // namespace agent
