// What comes of time: calls that last too long, answers that do not come, companies that fall
// silent or do not do what they are told, processes that end.

#include <algorithm>
#include <utility>

#include "workers/common/log.h"
#include "workers/voice/call_desk.h"

namespace voice {

namespace {

// The company gives up ringing first; this is for when it does not say so.
constexpr int64_t ring_reserve_ms = 15'000;
// After so much silence of the company it is asked whether the call is still there.
constexpr int64_t silence_ms = 30'000;
// How long a notice may take.
constexpr int64_t notice_ms = 20'000;
// Between two attempts to hang up, after the first.
constexpr int64_t hang_up_pause_ms = 15'000;

}  // namespace

Done CallDesk::recover() {
    const int64_t now = services_.now_ms();
    Result<std::vector<Call>> calls = services_.store.load(now);
    if (!calls) return calls.error();
    if (const std::string& remark = services_.store.remark(); !remark.empty())
        log_error("[voice-call] earlier calls are not known; {}", remark);
    for (Call& call : *calls) {
        for (const std::string& key : call.seen) seen_.note(key, now);
        add(std::move(call));
    }
    const std::string provider = name_of(services_.settings.provider);
    size_t live = 0;
    for (const std::string& id : std::vector<std::string>(order_)) {
        Line& line = lines_.at(id);
        if (!line.call.is_live()) continue;
        ++live;
        if (line.call.provider != provider) {
            finish(line, CallState::error);
            continue;
        }
        // Whether a notice was said to its end while nobody listened is not known.
        if (line.call.step.kind == Step::Kind::hang_up && !line.call.ending &&
            !services_.provider.follows_answers())
            line.hang_up_at_ms = now + notice_ms;
        // Its stream went with the process before; the company asks what is next.
        line.call.streams = line.call.streams && services_.settings.streaming.enabled;
        if (line.call.streams) line.stream_due_ms = now + stream_patience_ms;
        for (const Offer& said : std::vector<Offer>(line.call.offers)) offer(line, said);
        if (line.call.step.kind == Step::Kind::wait)
            line.answer_due_ms = now + services_.settings.response_timeout.count();
        if (line.call.handed > 0 && !services_.provider.follows_answers()) line.spoken = 1;
        // The company may have the words, or still be saying those before them.
        const bool was_told = line.call.step.says() && !line.call.streams;
        if (was_told && waits_to_be_asked(line)) continue;
        // What was about to be done is done by tick(), at once.
        if (line.call.step.says() || line.call.step.kind == Step::Kind::take || line.call.ending)
            line.retry_at_ms = now;
    }
    if (live > 0) log_info("[voice-call] {} calls go on since the last end of this process", live);
    follow_ticks();
    return {};
}

void CallDesk::follow_ticks() {
    const bool wanted = std::any_of(lines_.begin(), lines_.end(), [](const auto& entry) {
        return entry.second.call.is_live() || entry.second.retry_at_ms > 0;
    });
    if (wanted == ticks_) return;
    ticks_ = wanted;
    if (services_.ticks) services_.ticks(wanted);
}

void CallDesk::tick() {
    const int64_t now = services_.now_ms();
    std::vector<std::string> wanted;
    for (const auto& [id, line] : lines_)
        if (line.call.is_live() || line.retry_at_ms > 0) wanted.push_back(id);
    for (const std::string& id : wanted)
        if (const auto found = lines_.find(id); found != lines_.end()) tick(found->second, now);
}

void CallDesk::tick(Line& line, int64_t now) {
    const Settings& settings = services_.settings;
    Call& call = line.call;
    if (!call.is_live()) {
        if (line.retry_at_ms > 0 && now >= line.retry_at_ms) carry_out(line);
        return;
    }
    if (line.listener && now >= line.listener_due_ms) {
        answer(*std::exchange(line.listener, std::nullopt),
               Error{Fault::timed_out, "nothing was said in time"});
    }
    const int64_t ring_ms = settings.ring_timeout.count() + ring_reserve_ms;
    const int64_t call_ms = settings.longest_call.count() * 1000;
    if (!line.call.ending && call.answered_ms == 0 && now >= call.started_ms + ring_ms)
        return hang_up(line, CallState::no_answer);
    if (!line.call.ending && call.answered_ms > 0 && now >= call.answered_ms + call_ms)
        return hang_up(line, CallState::timeout);
    if (line.hang_up_at_ms > 0 && now >= line.hang_up_at_ms)
        return hang_up(line, CallState::completed);
    if (line.stream_due_ms > 0 && now >= line.stream_due_ms) {
        if (call.streams)
            log_warn(
                "[voice-call] call {}: {} opens no stream; it goes on by the company's own "
                "speech",
                call.id, call.provider);
        leave_stream(line);
        call.streams = false;
        keep(line);
        return carry_out(line);
    }
    if (line.stream) line.heard_of_ms = now;
    if (line.retry_at_ms > 0 && now >= line.retry_at_ms) return carry_out(line);
    if (line.answer_due_ms > 0 && now >= line.answer_due_ms)
        return say_and_carry_out(line, slow_text, Step::Kind::say_and_listen);
    if (!call.provider_id.empty() && now >= line.heard_of_ms + silence_ms) ask_state(line);
}

void CallDesk::ask_state(Line& line) {
    line.heard_of_ms = services_.now_ms();
    services_.send(services_.provider.ask_state(line.call),
                   [this, alive = alive_, id = line.call.id](const HttpsOutcome& outcome) {
                       Line* asked = *alive ? line_by_id(id) : nullptr;
                       if (!asked || !outcome.answer) return;
                       if (!services_.provider.says_over(*outcome.answer)) return;
                       asked->is_over_there = true;
                       finish(*asked, asked->call.ending.value_or(CallState::completed));
                   });
}

// False: it has been tried often enough. Hanging up is tried for as long as a call may last, unless
// the company says that it is over.
bool CallDesk::try_again(Line& line, Step::Kind kind) {
    const int64_t hang_ups =
        most_tries + services_.settings.longest_call.count() * 1000 / hang_up_pause_ms;
    if (line.tries < most_tries) {
        line.retry_at_ms = services_.now_ms() + retry_pause_ms * line.tries;
    } else if (kind == Step::Kind::hang_up && line.tries < hang_ups) {
        line.retry_at_ms = services_.now_ms() + hang_up_pause_ms;
        ask_state(line);
    } else {
        return false;
    }
    follow_ticks();
    return true;
}

// Of a call that is over here: who follows answers hangs up with the next one.
void CallDesk::still_there(Line& line, const CallEvent& event) {
    if (line.is_over_there) line.retry_at_ms = 0;
    const bool shows_it_live =
        event.kind != CallEvent::Kind::none && event.kind != CallEvent::Kind::asks;
    if (shows_it_live && !services_.provider.follows_answers()) end_at_company(line);
}

// It was written off while its id was not known, or while nobody could be reached.
void CallDesk::end_at_company(Line& line) {
    const bool is_under_way = line.tries > 0;
    if (line.is_over_there || is_under_way || line.call.provider_id.empty()) return;
    log_warn("[voice-call] call {} is over here, and not yet at {}: it is hung up", line.call.id,
             line.call.provider);
    carry_out(line);
}

void CallDesk::remark_forgery(const std::string& why) {
    if (const auto remark = forgeries_.note(why, services_.now_ms()))
        log_warn("[voice-call] Webhook verification failed: {}", *remark);
}

void CallDesk::forget_the_past(const Line& but) {
    for (size_t at = 0; order_.size() > CallStore::most_kept && at < order_.size();) {
        const auto found = lines_.find(order_[at]);
        if (&found->second == &but || found->second.call.is_live()) {
            ++at;
            continue;
        }
        lines_.erase(found);
        order_.erase(order_.begin() + static_cast<std::ptrdiff_t>(at));
    }
}

}  // namespace voice
