#include "workers/agent/channels/turns.h"

#include <algorithm>

#include "workers/agent/attachments.h"
#include "workers/agent/channels/addresses.h"
#include "workers/agent/channels/deliveries.h"
#include "workers/agent/channels/inbound_text.h"
#include "workers/agent/channels/reply_extras.h"
#include "workers/agent/channels/run_answer.h"
#include "workers/agent/message_tool.h"
#include "workers/common/log.h"

namespace agent {

using hardshell::proto::Place;

namespace {

constexpr std::chrono::milliseconds retry_pause{500};
// Of a message's images, as they are told to a model.
constexpr size_t most_image_bytes = 8u << 20;

std::string run_id_for(const InboundRow& row) {
    return "channel:" + row.worker + ":" + row.key;
}

// Discord shows that it waits until the command itself is answered.
bool answers_a_command(const ChannelTurn& turn) {
    return turn.account.channel == "discord" && turn.message.is_native_command();
}

}  // namespace

ChannelTurns::ChannelTurns(Services services) : services_(std::move(services)) {
    services_.runs.on_ended(method, [this](const RunRecord& run) { run_ended(run); });
}

ChannelTurns::~ChannelTurns() {
    *alive_ = false;
}

Done ChannelTurns::recover() {
    Result<std::vector<InboundRow>> open = services_.channels.open_inbound();
    if (!open) return open.error();
    if (!open->empty())
        log_info("{} messages of channels wait since the last end of this process", open->size());
    take(std::move(*open));
    return {};
}

void ChannelTurns::take(std::vector<InboundRow> rows) {
    for (InboundRow& row : rows) waiting_.push_back(std::move(row));
    services_.loop.soon([this, alive = alive_] {
        if (*alive) work();
    });
}

bool ChannelTurns::has_room() const {
    if (waiting_.size() + running_.size() >= most_open) return false;
    size_t bytes = 0;
    for (const InboundRow& row : waiting_) bytes += row.message.size();
    for (const auto& [run_id, turn] : running_) bytes += turn.row.message.size();
    return bytes < most_open_bytes;
}

Backlog ChannelTurns::waiting() const {
    Backlog all;
    for (const InboundRow& row : waiting_) all.add(row.received_ms);
    return all;
}

// In order: one that cannot begin now is not overtaken.
void ChannelTurns::work() {
    retry_.reset();
    while (!waiting_.empty()) {
        if (begin(waiting_.front()) == Begun::later) return work_later();
        waiting_.pop_front();
    }
}

void ChannelTurns::work_later() {
    retry_ = services_.loop.after(retry_pause, [this] { work(); });
}

ChannelTurns::Begun ChannelTurns::begin(InboundRow row) {
    ChannelTurn turn;
    turn.account = ChannelAccount::of_worker(row.worker);
    turn.run_id = run_id_for(row);
    const bool readable = turn.message.ParseFromString(row.message);
    turn.row = std::move(row);
    if (!readable) {
        log_warn("a message of {} could not be read from the journal", turn.row.worker);
        settle(turn, {});
        return Begun::done;
    }
    turn.route =
        route_of(services_.config, turn.account, turn.message.place(), turn.message.sender());
    const Result<std::optional<RunRecord>> known = services_.store.find_run(method, turn.run_id);
    if (!known) {
        log_warn("a message of {} waits: {}", turn.row.worker, known.error().what);
        return Begun::later;
    }
    if (*known) return take_up(std::move(turn), **known);
    return hand_in(std::move(turn));
}

// An earlier process began it; the run may be over, or be under way again.
ChannelTurns::Begun ChannelTurns::take_up(ChannelTurn turn, const RunRecord& run) {
    turn.route.session = run.session;
    if (run.has_ended()) {
        reply(turn, run);
        return Begun::done;
    }
    services_.watcher.turn_accepted(turn);
    running_[turn.run_id] = std::move(turn);
    return Begun::done;
}

// The only place that begins runs for people on channels.
ChannelTurns::Begun ChannelTurns::hand_in(ChannelTurn turn) {
    // A command may be answered when this has returned long since.
    const auto shared = std::make_shared<ChannelTurn>(std::move(turn));
    const auto begun = std::make_shared<Begun>(Begun::done);
    const auto is_remembered = std::make_shared<bool>(false);
    Said said = said_in(*shared);
    said.compose = [this, shared, is_remembered](const std::string& text) -> Result<Json> {
        const Result<int64_t> previous = remember_route(*shared);
        if (!previous) return previous.error();
        *is_remembered = true;
        return user_message(*shared, text, *previous);
    };
    services_.desk.take(std::move(said), [this, shared, begun, is_remembered,
                                          alive = alive_](const Result<Taken>& taken) {
        if (!*alive) return;
        if (taken && taken->as == Taken::As::turn && !*is_remembered) (void)remember_route(*shared);
        *begun = taken ? taken_in(*shared, *taken) : not_taken(*shared, taken.error());
    });
    return *begun;
}

Said ChannelTurns::said_in(const ChannelTurn& turn) const {
    const auto& message = turn.message;
    const Place& place = message.place();
    Said said;
    said.text = message.text();
    said.may_command = message.may_command();
    said.is_native_command = message.is_native_command();
    said.is_spoken = turn.account.channel == voice_channel;
    said.is_group = place.kind() != Place::DIRECT;
    said.has_files = message.attachments_size() > 0;
    said.channel = turn.account.channel;
    said.sender_id = message.sender().id();
    said.sender_name = message.sender().name();
    said.chat = place.chat_id();
    RunRecord& record = said.order.record;
    record.method = method;
    record.run_id = turn.run_id;
    record.session = turn.route.session;
    record.spelling = turn.route.session.key;
    record.extra_system = group_prompt(turn.account, message);
    record.model = message.model();
    // An answer has one place to go to.
    record.route = turn.row.worker + "\n" + place.chat_id() + "\n" + place.thread_id();
    return said;
}

ChannelTurns::Begun ChannelTurns::taken_in(const ChannelTurn& turn, const Taken& taken) {
    switch (taken.as) {
        case Taken::As::turn:
            services_.watcher.turn_accepted(turn);
            running_[turn.run_id] = turn;
            return Begun::done;
        case Taken::As::answered:
        case Taken::As::stopped:
            settle(turn, {notice(turn, taken.reply)});
            return Begun::done;
        case Taken::As::denied:
            log_info("a message of {} gets no answer: session.sendPolicy denies it",
                     turn.row.worker);
            break;
        case Taken::As::ignored:
        case Taken::As::dropped:
            break;
    }
    settle(turn, {});
    return Begun::done;
}

ChannelTurns::Begun ChannelTurns::not_taken(const ChannelTurn& turn, const Error& error) {
    if (error.fault == Fault::bad_message) {  // waiting would not help
        settle(turn, {notice(turn, failure_text(error.what))});
        return Begun::done;
    }
    if (error.fault != Fault::busy)
        log_warn("a message of {} waits: {}", turn.row.worker, error.what);
    return Begun::later;
}

Json ChannelTurns::user_message(const ChannelTurn& turn, const std::string& text,
                                int64_t previous_ms) const {
    hardshell::proto::InboundMessage shown = turn.message;
    shown.set_text(text);
    const int64_t sent = shown.sent_ms() > 0 ? shown.sent_ms() : turn.row.received_ms;
    Json content = Json::array();
    content.push_back(
        Json{{"type", "text"},
             {"text", inbound_text(turn.account, shown, envelope_style(services_.config.json()),
                                   {sent, previous_ms})}});
    size_t bytes = 0;
    for (const auto& file : shown.attachments()) {
        if (bytes >= most_image_bytes) break;
        // A channel has its own folder; nothing else is its to show.
        if (!file.mime_type().starts_with("image/") ||
            !file.path().starts_with(turn.account.channel + "/"))
            continue;
        const Result<Json> image = image_of_file(services_.state_dir, file.path(), file.mime_type(),
                                                 most_image_bytes - bytes);
        if (!image) {
            log_warn("an image of {} was left out: {}", turn.row.worker, image.error().what);
            continue;
        }
        bytes += text_view(*image, "data").size();
        content.push_back(*image);
    }
    return Json{{"role", "user"}, {"content", content}, {"timestamp", sent}};
}

// The session's entry says where its answers go; when it was last active before.
Result<int64_t> ChannelTurns::remember_route(const ChannelTurn& turn) {
    Result<Runs::Opened> opened = services_.runs.open_session(turn.route.session);
    if (!opened) return opened.error();
    Session& session = opened->session;
    if (opened->fresh && !turn.route.parent.key.empty())
        if (const Done done = fork_parent(turn, session); !done) return done.error();
    const int64_t previous = opened->fresh ? 0 : session.updated_at();
    const Place& place = turn.message.place();
    const bool changed =
        agent::remember_route(session.entry, turn.account, place, turn.message.sender());
    if (changed || opened->fresh)
        if (const Done done = services_.store.save(session); !done) return done.error();
    // Nobody is called back because they have called.
    if (turn.account.channel == voice_channel) return previous;
    // A person's direct chat is where the agent's own messages go, whatever session it has.
    const SessionKey main{turn.route.agent, main_key(turn.route.agent, services_.config.keys())};
    if (place.kind() != Place::DIRECT || main == turn.route.session) return previous;
    const Result<std::optional<Session>> found = services_.store.find(main);
    if (!found) return found.error();
    if (!*found) return previous;
    Session home = **found;
    if (agent::remember_route(home.entry, turn.account, place, turn.message.sender()))
        if (const Done done = services_.store.save(home); !done) return done.error();
    return previous;
}

// A new thread knows what was said where it hangs. One that was started anew does not.
Done ChannelTurns::fork_parent(const ChannelTurn& turn, const Session& thread) {
    const Result<std::optional<Session>> before = services_.store.find(thread.key);
    if (!before) return before.error();
    if (*before) return {};
    const Result<std::optional<Session>> parent = services_.store.find(turn.route.parent);
    if (!parent) return parent.error();
    if (!*parent || !is_session_id((*parent)->id())) return {};
    const Result<bool> forked = services_.store.fork(**parent, thread);
    if (!forked)
        log_warn("the thread {} begins without what was said before: {}", thread.key.key,
                 forked.error().what);
    return {};
}

void ChannelTurns::run_ended(const RunRecord& run) {
    const auto found = running_.find(run.run_id);
    if (found == running_.end()) return;
    const ChannelTurn turn = std::move(found->second);
    running_.erase(found);
    reply(turn, run);
    if (retry_) work();
}

bool ChannelTurns::quotes(const ChannelTurn& turn, const ChannelReply& reply) const {
    if (answers_a_command(turn)) return true;
    const Json& setting = channel_setting(services_.config.json(), turn.account, "replyToMode");
    const std::string usual = turn.account.channel == "telegram" ? "first" : "off";
    const std::string mode = setting.is_string() ? setting.get<std::string>() : usual;
    const Place& place = turn.message.place();
    // In a thread of its own a reply stands below what it answers.
    const bool in_thread = turn.account.channel == "discord" &&
                           (!place.thread_id().empty() || !place.parent_id().empty());
    return in_thread || mode == "first" || mode == "all" || (mode != "off" && reply.wants_reply_to);
}

// What cannot go along is named in the text.
void ChannelTurns::attach(const ChannelTurn& turn, const ChannelReply& said, Delivery& delivery) {
    const AgentEntry* entry = services_.config.agent(turn.route.agent);
    for (const std::string& file : said.files) {
        const bool is_address = file.starts_with("http://") || file.starts_with("https://");
        Result<hardshell::proto::Attachment> published =
            Error{Fault::bad_message, file + " is an address"};
        if (entry && !is_address) published = services_.files.publish(entry->workspace, file);
        if (published) {
            delivery.files.push_back(std::move(*published));
            continue;
        }
        if (!is_address) log_warn("a file of an answer is not sent: {}", published.error().what);
        delivery.text += (delivery.text.empty() ? "" : "\n") +
                         (is_address ? file : "[file could not be sent: " + file + "]");
    }
}

void ChannelTurns::reply(const ChannelTurn& turn, const RunRecord& run) {
    const std::string draft = services_.watcher.turn_ended(turn);
    if (run.was_passed_over()) return settle(turn, {});  // another's answer is for it as well
    if (run.status == "error") return settle(turn, {notice(turn, failure_text(run.summary))});
    if (run.status == "aborted") {
        const bool by_person = run.summary == "aborted";  // told already
        return settle(turn, by_person ? std::vector<OutboundRow>{}
                                      : std::vector{notice(turn, failure_text(run.summary))});
    }
    const Result<std::string> answer = answer_of_run(services_.store, run);
    if (!answer) {
        log_error("the answer to a message of {} could not be read: {}", turn.row.worker,
                  answer.error().what);
        return settle(turn, {notice(turn, failure_text(answer.error().what))});
    }
    const ChannelReply said = channel_reply(*answer);
    const Place& place = turn.message.place();
    const DeliveryWish here{turn.account.channel,
                            address_text(turn.account.channel, place, turn.message.sender()),
                            turn.account.account, place.thread_id(), run.session};
    const bool is_repeated =
        said.files.empty() && was_said(member(run.payload, "sent"), here, said.text);
    if (said.says_nothing() || is_repeated) return settle(turn, {});
    Delivery delivery;
    delivery.account = turn.account;
    delivery.place = turn.message.place();
    delivery.text = text_member(member(services_.config.json(), "messages"), "responsePrefix");
    if (!delivery.text.empty()) delivery.text += " ";
    delivery.text += with_extras(turn, run, said.text);
    attach(turn, said, delivery);
    if (quotes(turn, said))
        delivery.reply_to_id =
            said.reply_to_id.empty() ? turn.message.message_id() : said.reply_to_id;
    delivery.draft_id = draft;
    delivery.session = run.session;
    delivery.origin = turn.run_id;
    settle(turn, {outbound_row(delivery, services_.now_ms())});
}

// As the turn or its session wants it: /reasoning, /usage.
std::string ChannelTurns::with_extras(const ChannelTurn& turn, const RunRecord& run,
                                      std::string text) {
    const Result<std::optional<Session>> session = services_.store.find(run.session);
    const Json entry = session && *session ? (*session)->entry : Json::object();
    const std::string reasoning =
        text_member(run.turn, "reasoningLevel", text_view(entry, "reasoningLevel"));
    if (reasoning == "on" || reasoning == "stream") {
        const Result<Json> answer = answer_message(services_.store, run);
        const std::string thoughts = answer ? shown_thoughts(*answer) : "";
        if (!thoughts.empty()) text = thoughts + "\n\n" + text;
    }
    const std::string footer =
        usage_footer(text_member(entry, "responseUsage"),
                     member_at(run.payload, "result.meta.agentMeta"), turn.route.session.key);
    return footer.empty() ? text : text + "\n\n" + footer;
}

OutboundRow ChannelTurns::notice(const ChannelTurn& turn, const std::string& text) const {
    Delivery delivery;
    delivery.account = turn.account;
    delivery.place = turn.message.place();
    delivery.text = text;
    if (answers_a_command(turn)) delivery.reply_to_id = turn.message.message_id();
    delivery.is_notice = true;
    delivery.session = turn.route.session;
    delivery.origin = turn.run_id;
    return outbound_row(delivery, services_.now_ms());
}

// The message is done with in the moment its reply is in the outbox. When that cannot be written,
// the message stays open for a later process, which finds the run and comes here again.
void ChannelTurns::settle(const ChannelTurn& turn, std::vector<OutboundRow> replies) {
    std::vector<const OutboundRow*> rows;
    for (const OutboundRow& row : replies) rows.push_back(&row);
    const Done done = services_.channels.settle_inbound({&turn.row}, rows, services_.now_ms());
    if (!done) {
        log_error("the reply to a message of {} waits: {}", turn.row.worker, done.error().what);
        services_.loop.soon([this, row = turn.row, alive = alive_] {
            if (!*alive) return;
            waiting_.push_front(row);
            work_later();
        });
        return;
    }
    services_.outbox.add_stored(std::move(replies));
}

}  // namespace agent
