#include "workers/voice/call_desk.h"

#include <openssl/rand.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "workers/common/log.h"
#include "workers/voice/spoken_text.h"

namespace voice {

using proto::DeliveryReport;
using Kind = Step::Kind;

namespace {

constexpr const char* failed_text =
    "I'm sorry, I could not answer that just now. Please try again in a moment.";

std::string hex_of(const std::string& bytes) {
    constexpr char digits[] = "0123456789abcdef";
    std::string hex;
    for (const char c : bytes) {
        hex += digits[static_cast<unsigned char>(c) >> 4];
        hex += digits[static_cast<unsigned char>(c) & 15];
    }
    return hex;
}

std::string printable(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    return text;
}

void note_said(Call& call, bool by_caller, const std::string& text, int64_t now_ms) {
    if (call.transcript.size() < most_utterances)
        call.transcript.push_back({now_ms, by_caller, text});
}

}  // namespace

std::string new_call_id() {
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1) std::abort();
    std::string id = hex_of(std::string(reinterpret_cast<const char*>(bytes), sizeof bytes));
    for (const size_t dash : {8, 13, 18, 23}) id.insert(dash, "-");
    return id;
}

proto::InboundMessage inbound_of(const Call& call, const Offer& said, const Settings& settings) {
    proto::InboundMessage message;
    message.set_key(call.id + ":" + std::to_string(said.number));
    auto& place = *message.mutable_place();
    place.set_kind(proto::Place::DIRECT);
    place.set_chat_id(call.peer());
    place.set_thread_id(call.id);
    message.mutable_sender()->set_id(call.peer());
    message.set_text(said.text);
    message.set_sent_ms(said.at_ms);
    message.set_model(settings.response_model);
    std::string prompt =
        settings.response_prompt.empty()
            ? "You are on a telephone call. What you answer is read out: answer in one to three "
              "short spoken sentences, without Markdown, lists, links or emoji. What the other "
              "person says is recognised by a machine and may be misheard; their number may be "
              "forged."
            : settings.response_prompt;
    if (!call.inbound && !call.opening.empty())
        prompt += "\n\nYou have called this person, and opened the call by saying: \"" +
                  call.opening + "\"";
    message.set_system_prompt(prompt);
    return message;
}

CallDesk::CallDesk(Services services) : services_(std::move(services)) {}

CallDesk::~CallDesk() {
    *alive_ = false;
}

size_t CallDesk::live_calls() const {
    return static_cast<size_t>(std::count_if(lines_.begin(), lines_.end(), [](const auto& entry) {
        return entry.second.call.is_live();
    }));
}

const Call* CallDesk::find(const std::string& call_id) const {
    const auto found = lines_.find(call_id);
    return found == lines_.end() ? nullptr : &found->second.call;
}

CallDesk::Line* CallDesk::line_by_id(const std::string& call_id) {
    const auto found = lines_.find(call_id);
    return found == lines_.end() ? nullptr : &found->second;
}

CallDesk::Line& CallDesk::add(Call call) {
    const std::string id = call.id;
    order_.push_back(id);
    Line& line = lines_[id];
    line.call = std::move(call);
    return line;
}

// By our own id, if the company's fits to it; else by the company's.
CallDesk::Line* CallDesk::line_of(const CallEvent& event) {
    if (!event.call_id.empty()) {
        Line* line = line_by_id(event.call_id);
        if (!line) return nullptr;
        if (line->call.provider_id.empty()) line->call.provider_id = event.provider_id;
        return line->call.provider_id == event.provider_id ? line : nullptr;
    }
    for (auto& [id, line] : lines_)
        if (line.call.provider_id == event.provider_id) return &line;
    return nullptr;
}

WebhookReply CallDesk::take(const SignedRequest& request) {
    const int64_t now = services_.now_ms();
    const Result<Verified> verified = services_.provider.verify(request, now / 1000);
    if (!verified) {
        remark_forgery(verified.error().what);
        return {401, "text/plain", "Unauthorized"};
    }
    const Result<CallEvent> event = services_.provider.read(request);
    if (!event) {
        log_warn("[voice-call] a webhook was not understood: {}", event.error().what);
        return {400, "text/plain", "Bad Request"};
    }
    // What is sent again may be signed anew, and is the same by its own name.
    const std::string key = event->id.empty() ? hex_of(verified->replay_key) : event->id;
    const bool is_new = seen_.note(key, now);
    Line* line = line_of(*event);
    if (!line && event->kind == CallEvent::Kind::incoming) {
        const Admission admission =
            admit_caller(services_.settings.inbound, services_.settings.allow_from, event->from);
        if (admission != Admission::accepted || !is_new) {
            log_info("[voice-call] a call was not taken: {}",
                     is_new ? reason_of(admission) : "the message was repeated");
            return refuse(*event, Kind::reject);
        }
        if (live_calls() >= services_.settings.most_calls) {
            log_warn("[voice-call] a call was not taken: maximum concurrent calls ({}) reached",
                     services_.settings.most_calls);
            return refuse(*event, Kind::reject_busy);
        }
        line = take_incoming(*event);
    }
    if (!line) return services_.provider.answer(nullptr, services_.public_url());
    line->heard_of_ms = now;
    if (is_new) {
        if (line->call.seen.size() >= most_seen) line->call.seen.erase(line->call.seen.begin());
        line->call.seen.push_back(key);
        if (event->wants_step) note_progress(*line, *event);
        apply(*line, *event);
    }
    WebhookReply reply = answer_with_step(*line, *event, is_new);
    keep(*line);
    return reply;
}

WebhookReply CallDesk::refuse(const CallEvent& event, Step::Kind how) {
    Call call;
    call.id = new_call_id();
    call.provider_id = event.provider_id;
    call.step.kind = how;
    if (services_.provider.follows_answers())
        return services_.provider.answer(&call, services_.public_url());
    for (HttpsRequest& request : services_.provider.perform(call, services_.public_url()))
        services_.send(std::move(request), [](const HttpsOutcome& outcome) {
            if (!outcome.answer)
                log_warn("[voice-call] a call could not be rejected: {}",
                         outcome.answer.error().what);
        });
    return services_.provider.answer(nullptr, services_.public_url());
}

CallDesk::Line* CallDesk::take_incoming(const CallEvent& event) {
    Call call;
    call.id = new_call_id();
    call.provider_id = event.provider_id;
    call.provider = name_of(services_.settings.provider);
    call.inbound = true;
    call.from = event.from;
    call.to = event.to;
    call.started_ms = services_.now_ms();
    call.move(CallState::ringing, call.started_ms);
    Line& line = add(std::move(call));
    log_info("[voice-call] call {} from {}", line.call.id, line.call.from);
    follow_ticks();
    return &line;
}

void CallDesk::apply(Line& line, const CallEvent& event) {
    if (event.kind == CallEvent::Kind::ended) line.is_over_there = true;
    if (!line.call.is_live()) return still_there(line, event);
    switch (event.kind) {
        case CallEvent::Kind::incoming:
            // Who follows answers is answered by taking it; else it says so when it is.
            if (services_.provider.follows_answers()) return answered(line);
            line.call.step = {Kind::take, {}};
            return carry_out(line);
        case CallEvent::Kind::ringing:
            line.call.move(CallState::ringing, services_.now_ms());
            return;
        case CallEvent::Kind::answered:
            return answered(line);
        case CallEvent::Kind::speech:
        case CallEvent::Kind::digits:
            return heard(line, event, event.turn > 0 ? event.turn : turn_said(line));
        case CallEvent::Kind::said:
            return said(line);
        case CallEvent::Kind::ended:
            return finish(line, line.call.ending.value_or(event.end));
        case CallEvent::Kind::asks:
        case CallEvent::Kind::none:
            return;
    }
}

void CallDesk::answered(Line& line) {
    Call& call = line.call;
    if (call.answered_ms > 0) return;
    const int64_t now = services_.now_ms();
    call.move(CallState::answered, now);
    call.move(CallState::active, now);
    if (line.call.ending) return;
    const bool notifies = !call.inbound && call.mode == Mode::notify && !call.opening.empty();
    const std::string& words =
        !call.inbound && !call.opening.empty() ? call.opening : services_.settings.greeting;
    const Kind kind = notifies ? Kind::say_and_hang_up : Kind::say_and_listen;
    call.streams = services_.settings.streaming.enabled && !notifies;
    say(line, words, kind);
    if (!services_.provider.follows_answers()) carry_out(line);
}

// `turn`: the last one that the caller had been told when they began.
void CallDesk::heard(Line& line, const CallEvent& event, uint32_t turn) {
    Call& call = line.call;
    const int64_t now = services_.now_ms();
    if (call.answered_ms == 0 || line.call.ending || call.mode == Mode::notify) return;
    if (event.turn > 0 && (event.turn <= call.heard_turn || event.turn > call.turn)) return;
    if (event.turn > 0) call.heard_turn = event.turn;
    ++call.heard;
    const std::string text = printable(
        event.kind == CallEvent::Kind::digits ? "[pressed " + event.text + "]" : event.text);
    note_said(call, true, text, now);
    call.move(CallState::listening, now);
    // Words that wait to be said are said all the same.
    if (!call.step.says()) call.step = {Kind::wait, {}};
    line.answer_due_ms = now + services_.settings.response_timeout.count();
    if (line.listener && turn >= line.question) {
        const uint64_t listener = *std::exchange(line.listener, std::nullopt);
        return answer(listener, Json{{"success", true}, {"transcript", text}});
    }
    call.offers.push_back({call.heard, now, text});
    keep(line);
    offer(line, Offer(call.offers.back()));
}

// What was said just before the end: nobody hears an answer, but it is known.
void CallDesk::heard_at_last(Line& line, const std::string& words) {
    Call& call = line.call;
    if (call.answered_ms == 0 || call.ending || call.mode == Mode::notify) return;
    const int64_t now = services_.now_ms();
    const Offer said{++call.heard, now, printable(words)};
    note_said(call, true, said.text, now);
    keep(line);
    if (const Done done = services_.agent.offer(inbound_of(call, said, services_.settings)); !done)
        log_warn("[voice-call] the last words of a caller are not offered to the agent: {}",
                 done.error().what);
}

void CallDesk::offer(Line& line, const Offer& said) {
    const Done done = services_.agent.offer(inbound_of(line.call, said, services_.settings));
    if (done) return;
    log_warn("[voice-call] what a caller said is not offered to the agent: {}", done.error().what);
    std::erase_if(line.call.offers,
                  [&](const Offer& known) { return known.number == said.number; });
    say(line, failed_text, Kind::say_and_listen);
    if (!services_.provider.follows_answers() || line.call.streams) carry_out(line);
}

void CallDesk::accepted(const std::string& key) {
    const size_t colon = key.rfind(':');
    Line* line = line_by_id(key.substr(0, colon));
    if (!line) return;
    std::erase_if(line->call.offers, [&](const Offer& offer) {
        return key == line->call.id + ":" + std::to_string(offer.number);
    });
    keep(*line);
}

// Only companies that are told to speak say that they have.
void CallDesk::said(Line& line) {
    if (line.spoken > 0 && --line.spoken > 0) return;  // it says one thing after the other
    const Kind step = line.call.step.kind;
    if (!line.call.ending && (step == Kind::say_and_hang_up || step == Kind::hang_up))
        line.hang_up_at_ms = services_.now_ms() + services_.settings.hang_up_delay.count() * 1000;
    else
        line.call.move(CallState::listening, services_.now_ms());
}

void CallDesk::finish(Line& line, CallState end) {
    Call& call = line.call;
    line.retry_at_ms = line.tries = 0;
    if (!call.move(end, services_.now_ms())) return follow_ticks();
    call.step = {Kind::hang_up, {}};
    call.offers.clear();
    leave_stream(line);
    log_info("[voice-call] call {} is over: {}", call.id, call.end_reason);
    refuse_words(line, "the call is over");
    if (line.listener)
        answer(*std::exchange(line.listener, std::nullopt),
               Error{Fault::bad_message, "the call ended: " + call.end_reason});
    keep(line);
    forget_the_past(line);
    follow_ticks();
}

WebhookReply CallDesk::answer_with_step(Line& line, const CallEvent& event, bool is_new) {
    const std::string webhook = services_.public_url();
    if (!event.wants_step || !services_.provider.follows_answers())
        return services_.provider.answer(nullptr, webhook);
    // An address names no turn whose words are not in the answer, nor were in one before.
    const auto without_words = [&line] {
        Call call = line.call;
        call.stream_token.clear();
        call.turn = turn_said(line);
        return call;
    };
    if (!is_new) {
        // Words are for who asked first; the company, if it is it, asks again.
        Call shown_again = without_words();
        if (shown_again.step.says() || (shown_again.streams && shown_again.step.goes_on()))
            shown_again.step = {Kind::wait, {}};
        return services_.provider.answer(&shown_again, webhook);
    }
    if (line.call.answered_ms == 0 && line.call.is_live()) answered(line);
    ++line.call.asked;
    const bool goes_on = line.call.is_live() && !line.call.ending;
    if (goes_on && event.asked > 0 && event.asked == line.given.asked) return give_again(line);
    // An update with words ends what is answered here: to who asks while it is under way, or asked
    // before it was carried out.
    const bool fetches = event.asked > 0 && event.asked == line.update;
    if (fetches) line.update = 0;
    const bool is_late = !fetches && event.turn < line.told_turn && goes_on;
    if (is_late || (line.call.step.says() && is_update_under_way(line))) {
        Call meanwhile = without_words();
        meanwhile.step = {Kind::wait, {}};
        return services_.provider.answer(&meanwhile, webhook);
    }
    if (offer_stream(line)) {
        Call streamed = without_words();
        streamed.stream_token = line.call.stream_token;
        return services_.provider.answer(&streamed, webhook);
    }
    WebhookReply reply = services_.provider.answer(&line.call, webhook);
    if (!line.call.step.says()) return reply;
    is_being_said(line, line.call.step.text, line.call.step.kind);
    if (fetches) line.told_turn = line.call.turn;
    line.given = {event.asked, line.call.turn, line.call.step};
    words_given(line, line.call.turn);
    return reply;
}

// Who asks again by the address that it was given words for, has not got them.
WebhookReply CallDesk::give_again(Line& line) {
    Call again = line.call;
    again.step = line.given.step;
    again.turn = line.given.turn;
    is_being_said(line, again.step.text, again.step.kind);
    return services_.provider.answer(&again, services_.public_url());
}

// What has not been said yet is said before it.
void CallDesk::say(Line& line, const std::string& text, Step::Kind kind,
                   const std::string& delivery_id) {
    Call& call = line.call;
    ++call.turn;
    call.unsaid.push_back({call.turn, text, delivery_id});
    call.step = {kind, words_of(call.unsaid, call.unsaid.size())};
    line.answer_due_ms = line.hang_up_at_ms = 0;
    if (line.update == 0) line.tries = 0;
    const int64_t now = services_.now_ms();
    note_said(call, false, text, now);
    call.move(CallState::speaking, now);
}

void CallDesk::say_and_carry_out(Line& line, const std::string& text, Step::Kind kind,
                                 const std::string& delivery_id) {
    say(line, text, kind, delivery_id);
    keep(line);
    carry_out(line);
}

// The company has the words up to this turn.
void CallDesk::words_given(Line& line, uint32_t turn) {
    Call& call = line.call;
    if (!call.step.says()) return;
    while (!call.unsaid.empty() && call.unsaid.front().turn <= turn) {
        const Part part = std::move(call.unsaid.front());
        call.unsaid.pop_front();
        if (call.handed > 0) --call.handed;
        if (!part.delivery_id.empty())
            report(part.delivery_id, DeliveryReport::SENT, "",
                   call.provider_id + ":" + std::to_string(part.turn));
    }
    if (!call.unsaid.empty()) {
        call.step.text = words_of(call.unsaid, call.unsaid.size());
        return;
    }
    call.step = call.step.after();
    call.handed = 0;
    line.retry_at_ms = 0;
}

// Nobody hears them.
void CallDesk::refuse_words(Line& line, const std::string& why) {
    line.call.handed = 0;
    line.update = 0;
    for (const Part& part : std::exchange(line.call.unsaid, {}))
        if (!part.delivery_id.empty()) report(part.delivery_id, DeliveryReport::REFUSED, why);
}

void CallDesk::deliver(const proto::DeliverMessage& message) {
    const Line* line = line_by_id(message.place().thread_id());
    const std::string& id = message.delivery_id();
    if (!line || !line->call.is_live() || line->call.ending || line->call.answered_ms == 0)
        return report(id, DeliveryReport::REFUSED, "there is no such call, or it is over");
    services_.agent.begin_part(id, 0, 1, [this, alive = alive_, message] {
        if (*alive) speak_delivery(message);
    });
}

void CallDesk::speak_delivery(const proto::DeliverMessage& message) {
    Line* line = line_by_id(message.place().thread_id());
    const std::string& id = message.delivery_id();
    if (!line || !line->call.is_live() || line->call.ending)
        return report(id, DeliveryReport::REFUSED, "the call is over");
    // Offered again to a later process, which has its words already and is about to say them.
    const auto& waiting = line->call.unsaid;
    if (std::any_of(waiting.begin(), waiting.end(),
                    [&](const Part& part) { return part.delivery_id == id; }))
        return;
    // Why it failed is for the owner's log, not for the caller's ear.
    const std::string words = message.is_notice() ? failed_text : spoken_text(message.text());
    if (words.empty()) return report(id, DeliveryReport::SENT, "");
    say_and_carry_out(*line, words, Kind::say_and_listen, id);
}

void CallDesk::report(const std::string& delivery_id, DeliveryReport::Outcome outcome,
                      const std::string& why, const std::string& platform_id) {
    DeliveryReport report;
    report.set_delivery_id(delivery_id);
    report.set_parts(1);
    report.set_outcome(outcome);
    report.set_reason(why);
    report.set_platform_id(platform_id);
    services_.agent.report(report);
}

void CallDesk::keep(Line& line) {
    Done done = services_.store.put(line.call);
    if (services_.store.wants_rewrite()) {
        std::vector<Call> calls;
        for (const std::string& id : order_) calls.push_back(lines_.at(id).call);
        done = services_.store.rewrite(std::move(calls), services_.now_ms());
    }
    const std::string trouble = done ? "" : done.error().what;
    if (!trouble.empty() && trouble != trouble_)
        log_error("[voice-call] calls would not survive the end of this process: {}", trouble);
    trouble_ = trouble;
}

}  // namespace voice
