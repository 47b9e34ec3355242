#include "workers/agent/channels/turns.h"

#include <algorithm>
#include <utility>

#include "workers/agent/attachments.h"
#include "workers/agent/channels/addresses.h"
#include "workers/agent/channels/block_streams.h"
#include "workers/agent/channels/deliveries.h"
#include "workers/agent/channels/inbound_text.h"
#include "workers/agent/channels/reply_extras.h"
#include "workers/agent/channels/reply_rows.h"
#include "workers/agent/channels/reply_text.h"
#include "workers/agent/channels/run_answer.h"
#include "workers/agent/message_tool.h"
#include "workers/common/channel/measure.h"
#include "workers/common/log.h"

namespace agent {

using hardshell::proto::Place;

namespace {

constexpr std::chrono::milliseconds retry_pause{500};
// Of what people write; from here on Telegram may have cut it, and it may be several put together.
constexpr size_t longest_of_one_message = 4'000;  // UTF-16 units
// Of a message's images, as they are told to a model.
constexpr size_t most_image_bytes = 8u << 20;
constexpr const char* put_aside_text =
    "The assistant's process ended three times when it came to this message, so it was put aside. "
    "Send it again to try once more.";

std::string run_id_for(const InboundRow& row) {
    return "channel:" + row.worker + ":" + row.key;
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
    for (const InboundRow& row : *open) left_.insert(run_id_for(row));
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
    if (waiting_.size() + running_.size() + decided_.size() >= most_open) return false;
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
    const Result<std::optional<RunRecord>> known = services_.store.find_run(method, turn.run_id);
    if (!known) {
        log_warn("a message of {} waits: {}", turn.row.worker, known.error().what);
        return Begun::later;
    }
    const bool is_left = left_.erase(turn.run_id) > 0;
    if (*known) return take_up(std::move(turn), **known);
    return is_left ? begin_again(std::move(turn)) : begin_new(std::move(turn));
}

// The process that left it counts as well. What has to wait has ended nobody.
ChannelTurns::Begun ChannelTurns::begin_again(ChannelTurn turn) {
    if (turn.row.tries + 1 >= most_tries) {
        log_error("a message of {} is put aside: {} processes ended when they came to it",
                  turn.row.worker, turn.row.tries + 1);
        settle(turn, {notice(turn, failure_text(put_aside_text))});
        return Begun::done;
    }
    InboundRow tried{turn.row.worker, turn.row.key, turn.row.received_ms, "", turn.row.tries + 1};
    Done noted = services_.channels.put_tries(tried);
    if (!noted) {
        left_.insert(turn.run_id);
        log_warn("a message of {} waits: {}", turn.row.worker, noted.error().what);
        return Begun::later;
    }
    const Begun begun = begin_new(std::move(turn));
    if (begun == Begun::done) return begun;
    --tried.tries;
    noted = services_.channels.put_tries(tried);
    if (!noted) log_warn("a message that waits counts as tried: {}", noted.error().what);
    return begun;
}

ChannelTurns::Begun ChannelTurns::begin_new(ChannelTurn turn) {
    turn.route =
        route_of(services_.config, turn.account, turn.message.place(), turn.message.sender());
    return turn.message.replaces_id().empty() ? hand_in(std::move(turn)) : take_change(turn);
}

// An earlier process began it; the run may be over, or be under way again.
ChannelTurns::Begun ChannelTurns::take_up(ChannelTurn turn, const RunRecord& run) {
    turn.route =
        route_of(services_.config, turn.account, turn.message.place(), turn.message.sender());
    turn.route.session = run.session;
    if (run.has_ended()) {
        // What was sent of it has to be known.
        if (!services_.channels.outbound_origins(turn.run_id + "#")) return Begun::later;
        reply(turn, run);
        return Begun::done;
    }
    services_.watcher.turn_accepted(turn);
    services_.blocks.turn_accepted(turn, true);
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

// No turn of its own: people who correct themselves have asked once.
ChannelTurns::Begun ChannelTurns::take_change(const ChannelTurn& turn) {
    const std::string_view text = trimmed(turn.message.text());
    if (!text.empty() && !change_waiting(turn) && services_.add_event)
        services_.add_event(turn.route.session, "[edited message id:" + turn.message.replaces_id() +
                                                    "] " + std::string(text));
    settle(turn, {});
    return Begun::done;
}

// False when the turn of the message that was changed has begun, or there is none.
bool ChannelTurns::change_waiting(const ChannelTurn& change) {
    for (auto& [run_id, turn] : running_) {
        if (turn.row.worker != change.row.worker ||
            turn.message.message_id() != change.message.replaces_id() ||
            turn.message.place().chat_id() != change.message.place().chat_id())
            continue;
        // Put together from several, of which this is one: the others are not to be lost.
        if (measured(turn.message.text(), Measure::utf16_units) > longest_of_one_message)
            return false;
        turn.message.set_text(change.message.text());
        return services_.runs.replace_waiting(run_id, user_message(turn, turn.message.text(), 0));
    }
    return false;
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
    record.extra_system = channel_prompt(turn.account, message);
    record.model = message.model();
    // An answer has one place to go to.
    record.route = turn.row.worker + "\n" + place.chat_id() + "\n" + place.thread_id();
    return said;
}

ChannelTurns::Begun ChannelTurns::taken_in(const ChannelTurn& turn, const Taken& taken) {
    switch (taken.as) {
        case Taken::As::turn:
            services_.watcher.turn_accepted(turn);
            services_.blocks.turn_accepted(turn, false);
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
            !file.path().starts_with(turn.account.channel + "/") ||
            file.path().find("/..") != std::string::npos)
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

void ChannelTurns::reply(const ChannelTurn& turn, const RunRecord& run) {
    const std::string draft = services_.watcher.turn_ended(turn);
    const auto settle_without_answer = [&](std::vector<OutboundRow> rows) {
        (void)services_.blocks.turn_ended(turn, "");
        if (rows.empty()) services_.watcher.draft_is_over(turn, draft);
        settle(turn, std::move(rows));
    };
    if (run.was_passed_over()) return settle_without_answer({});  // another's answer is for it too
    if (run.status == "error")
        return settle_without_answer({notice(turn, failure_text(run.summary), draft)});
    if (run.status == "aborted") {
        const bool by_person = run.summary == "aborted";  // told already
        return settle_without_answer(
            by_person ? std::vector<OutboundRow>{}
                      : std::vector{notice(turn, failure_text(run.summary), draft)});
    }
    const Result<std::string> answer = answer_of_run(services_.store, run);
    if (!answer) {
        log_error("the answer to a message of {} could not be read: {}", turn.row.worker,
                  answer.error().what);
        return settle_without_answer({notice(turn, failure_text(answer.error().what), draft)});
    }
    std::vector<OutboundRow> rows = answer_rows(turn, run, spoken(*answer), draft);
    if (rows.empty()) services_.watcher.draft_is_over(turn, draft);
    settle(turn, std::move(rows));
}

// What of the answer was not sent in blocks before.
std::vector<OutboundRow> ChannelTurns::answer_rows(const ChannelTurn& turn, const RunRecord& run,
                                                   const std::string& said,
                                                   const std::string& draft) {
    std::vector<BlockStreams::Part> parts = services_.blocks.turn_ended(turn, said);
    const ChannelReply whole = reply_in(said);
    const DeliveryWish here{
        turn.account.channel,
        address_text(turn.account.channel, turn.message.place(), turn.message.sender()),
        turn.account.account, turn.message.place().thread_id(), run.session};
    const bool is_repeated =
        whole.files.empty() && was_said(member(run.payload, "sent"), here, whole.text);
    if (parts.empty() || whole.says_nothing() || is_repeated) return {};
    std::vector<std::pair<ChannelReply, const BlockStreams::Part*>> replies;
    for (const BlockStreams::Part& part : parts)
        if (ChannelReply reply = reply_in(part.text); !reply.says_nothing())
            replies.emplace_back(std::move(reply), &part);
    if (replies.empty()) return {};
    const Extras around = extras(turn, run);
    replies.front().first.text = around.before + replies.front().first.text;
    replies.back().first.text += around.after;
    std::vector<OutboundRow> rows;
    for (const auto& [reply, part] : replies) {
        Delivery delivery = services_.rows.delivery(turn, reply, part->is_first);
        if (rows.empty()) delivery.draft_id = draft;
        delivery.session = run.session;
        delivery.origin = part->origin;
        rows.push_back(outbound_row(delivery, services_.now_ms()));
        rows.back().next_try_ms = part->not_before_ms;
    }
    return rows;
}

// As the turn or its session wants it: /reasoning, /usage.
ChannelTurns::Extras ChannelTurns::extras(const ChannelTurn& turn, const RunRecord& run) {
    Extras around;
    const Result<std::optional<Session>> session = services_.store.find(run.session);
    const Json entry = session && *session ? (*session)->entry : Json::object();
    const std::string reasoning =
        text_member(run.turn, "reasoningLevel", text_view(entry, "reasoningLevel"));
    if (reasoning == "on" || reasoning == "stream") {
        const Result<Json> answer = answer_message(services_.store, run);
        const std::string thoughts = answer ? shown_thoughts(*answer) : "";
        if (!thoughts.empty()) around.before = thoughts + "\n\n";
    }
    const std::string footer =
        usage_footer(text_member(entry, "responseUsage"),
                     member_at(run.payload, "result.meta.agentMeta"), turn.route.session.key);
    if (!footer.empty()) around.after = "\n\n" + footer;
    return around;
}

OutboundRow ChannelTurns::notice(const ChannelTurn& turn, const std::string& text,
                                 const std::string& draft) const {
    Delivery delivery;
    delivery.account = turn.account;
    delivery.place = turn.message.place();
    delivery.text = text;
    delivery.draft_id = draft;
    if (answers_a_command(turn)) delivery.reply_to_id = turn.message.message_id();
    delivery.is_notice = true;
    delivery.session = turn.route.session;
    delivery.origin = turn.run_id;
    return outbound_row(delivery, services_.now_ms());
}

// The message is done with in the moment its reply is in the outbox. When that cannot be written,
// it is tried again: what was decided is not decided twice. Should this process end before, the
// message is open for a later one, which finds the run and comes here again.
void ChannelTurns::settle(const ChannelTurn& turn, std::vector<OutboundRow> replies) {
    decided_.push_back(
        {{turn.row.worker, turn.row.key, turn.row.received_ms, ""}, std::move(replies)});
    if (!settle_again_) settle_decided();
}

void ChannelTurns::settle_decided() {
    settle_again_.reset();
    while (!decided_.empty()) {
        Decided& next = decided_.front();
        std::vector<const OutboundRow*> rows;
        for (const OutboundRow& row : next.replies) rows.push_back(&row);
        const Done done = services_.channels.settle_inbound({&next.row}, rows, services_.now_ms());
        if (!done) {
            if (std::exchange(trouble_, done.error().what) != done.error().what)
                log_error("the reply to a message of {} waits: {}", next.row.worker,
                          done.error().what);
            settle_again_ = services_.loop.after(retry_pause, [this] { settle_decided(); });
            return;
        }
        services_.outbox.add_stored(std::move(next.replies));
        decided_.pop_front();
    }
    trouble_.clear();
}

}  // namespace agent
