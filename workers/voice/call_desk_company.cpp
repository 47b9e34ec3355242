// What the company is told to do, and what comes of it.

#include <utility>

#include "workers/common/log.h"
#include "workers/voice/call_desk.h"

namespace voice {

using proto::DeliveryReport;
using Kind = Step::Kind;

namespace {

// Of speech, generously: a letter takes less, one of three bytes no more than three of these.
constexpr int64_t ms_a_byte = 80;
// Who waits or listens asks again by then.
constexpr int64_t ask_patience_ms = 15'000;
// A call that is sent to an address fetches it at once; one that has not come by then does not.
constexpr int64_t fetch_patience_ms = 10'000;

}  // namespace

void CallDesk::carry_out(Line& line) {
    line.retry_at_ms = 0;
    if (goes_by_stream(line) || !may_be_told(line)) return;
    ++line.call.asked;
    Call told = line.call;
    if (told.step.says()) choose_words(line, told);
    const uint32_t update = told.step.says() ? told.asked : 0;
    std::vector<HttpsRequest> requests = services_.provider.perform(told, services_.public_url());
    if (requests.empty()) return;
    ++line.tries;
    if (update > 0) {
        line.update = update;
        line.fetch_due_ms = 0;
        line.stream_due_ms = 0;  // the words lead on
        keep(line);              // a later process knows what the company may have
    }
    carry_out_from(line.call.id, std::move(requests), 0, line.call.step, update);
}

// False: later. One update with words at a time, and none while those before it are being said: the
// later of two ends the earlier.
bool CallDesk::may_be_told(Line& line) {
    const int64_t now = services_.now_ms();
    const bool goes_on = line.call.step.kind != Kind::hang_up;
    if (services_.public_url().empty() && goes_on && services_.provider.follows_answers()) {
        line.retry_at_ms = now + retry_pause_ms;  // it would not know where
        return false;
    }
    // Words lead on by themselves; told to listen, the company would end them.
    if (!line.call.step.says()) return !goes_on || now >= line.saying_until_ms;
    if (is_update_under_way(line)) {
        line.retry_at_ms = line.fetch_due_ms;
        return false;
    }
    if (now >= line.saying_until_ms) return true;
    line.retry_at_ms = line.saying_until_ms;
    return false;
}

// What was told once is told again with the same words and under the same turn: a company that has
// done it already knows it by that, and what has come since follows it.
void CallDesk::choose_words(Line& line, Call& told) {
    if (!services_.provider.performs_words()) {
        told.turn = turn_said(line);
        return;
    }
    if (line.call.handed == 0) {
        line.call.handed = told.unsaid.size();
        if (!services_.provider.follows_answers()) ++line.spoken;
    }
    told.turn = told.unsaid[line.call.handed - 1].turn;
    told.step.text = words_of(told.unsaid, line.call.handed);
    if (line.call.handed < told.unsaid.size()) told.step.kind = Kind::say_and_listen;
}

bool CallDesk::is_update_under_way(const Line& line) const {
    return line.update > 0 && (line.fetch_due_ms == 0 || services_.now_ms() < line.fetch_due_ms);
}

// What a company asks with says how far it is.
void CallDesk::note_progress(Line& line, const CallEvent& event) {
    const Call& call = line.call;
    if (event.turn > call.turn || event.turn < line.told_turn) return;
    line.saying_until_ms = 0;
    if (event.turn >= line.given.turn) line.given = {};
    // It is answered with what it could not be told.
    if (call.step.goes_on() && !call.step.says()) line.retry_at_ms = 0;
    // Only words name their turn: it has them, though it has not said so yet.
    if (event.turn <= turn_said(line)) return;
    line.update = 0;
    line.told_turn = event.turn;
    words_given(line, event.turn);
}

// What is said next waits for the end of it, unless the company asks before.
void CallDesk::is_being_said(Line& line, const std::string& words, Kind kind) {
    const bool is_cut_by_more =
        services_.provider.follows_answers() && kind == Kind::say_and_listen && words != slow_text;
    line.saying_until_ms =
        is_cut_by_more ? services_.now_ms() + static_cast<int64_t>(words.size()) * ms_a_byte : 0;
}

// `update`: the request's number if words go with it, or it leads to them; else 0.
void CallDesk::carry_out_from(const std::string& call_id, std::vector<HttpsRequest> requests,
                              size_t at, Step step, uint32_t update) {
    HttpsRequest request = requests[at];
    services_.send(std::move(request), [this, alive = alive_, call_id, requests, at, step,
                                        update](const HttpsOutcome& outcome) {
        Line* line = *alive ? line_by_id(call_id) : nullptr;
        if (!line || line->is_over_there) return;
        line->heard_of_ms = services_.now_ms();
        const bool is_done = outcome.answer && outcome.answer->status / 100 == 2;
        // What comes before the words is done once in a call.
        if (is_done && at + 1 < requests.size()) line->call.is_transcribed = true;
        // Another step has come meanwhile, or the company has shown that it has the words.
        if (update > 0 ? line->update != update : line->call.step != step) return;
        if (update > 0 && !line->call.step.says()) return void(line->update = 0);
        if (!is_done) return not_carried_out(*line, line->call.step, outcome);
        if (at + 1 < requests.size())
            return carry_out_from(call_id, requests, at + 1, step, update);
        carried_out(*line, step, update);
    });
}

void CallDesk::carried_out(Line& line, const Step& step, uint32_t update) {
    line.tries = 0;
    if (step.kind == Kind::hang_up) {
        line.is_over_there = true;
        return finish(line, line.call.ending.value_or(CallState::hangup_bot));
    }
    // Once is enough, also for a later process.
    if (step.kind == Kind::take) line.call.step = {};
    if (update > 0 && services_.provider.performs_words()) {
        line.update = 0;
        const std::string words = words_of(line.call.unsaid, line.call.handed);
        const bool is_all = line.call.handed == line.call.unsaid.size();
        is_being_said(line, words, is_all ? line.call.step.kind : Kind::say_and_listen);
        if (line.call.handed > 0) line.told_turn = line.call.unsaid[line.call.handed - 1].turn;
        words_given(line, line.told_turn);
        keep(line);
        if (line.call.step.says()) carry_out(line);
        return;
    }
    if (update > 0) line.fetch_due_ms = services_.now_ms() + fetch_patience_ms;
    keep(line);
}

void CallDesk::not_carried_out(Line& line, const Step& step, const HttpsOutcome& outcome) {
    if (step.says()) line.update = 0;
    if (outcome.answer && services_.provider.says_over(*outcome.answer)) {
        line.is_over_there = true;
        return finish(line, line.call.ending.value_or(CallState::completed));
    }
    const std::string why =
        outcome.answer ? refusal_of(*outcome.answer) : outcome.answer.error().what;
    log_warn("[voice-call] call {}: {} did not do what it was told: {}", line.call.id,
             line.call.provider, why);
    const bool may_have_them = !outcome.answer && outcome.may_have_arrived;
    if (step.says() && may_have_them && waits_to_be_asked(line)) return;
    if (try_again(line, step.kind)) return;
    if (step.kind == Kind::hang_up || step.kind == Kind::take)
        return finish(line, line.call.ending.value_or(CallState::error));
    line.call.handed = 0;
    // Whoever follows answers asks again by itself, and hears the words then.
    if (services_.provider.follows_answers()) return;
    const Step next = step.after();
    line.spoken = 0;
    refuse_words(line, why);
    // It was called to hear that, and nothing else.
    if (step.kind == Kind::say_and_hang_up) return hang_up(line, CallState::error);
    line.call.step = next;
    keep(line);
}

// Who follows answers shows by what it asks with next whether it has words whose update it did not
// answer. Said again before that, they might be heard twice.
bool CallDesk::waits_to_be_asked(Line& line) {
    const Provider& provider = services_.provider;
    if (!provider.follows_answers() || !provider.performs_words()) return false;
    const auto size = static_cast<int64_t>(line.call.step.text.size());
    line.saying_until_ms = services_.now_ms() + ask_patience_ms + size * ms_a_byte;
    line.retry_at_ms = line.saying_until_ms;
    return true;
}

void CallDesk::hang_up(Line& line, CallState end) {
    line.call.ending = end;
    line.call.step = {Kind::hang_up, {}};
    line.tries = 0;
    line.answer_due_ms = line.hang_up_at_ms = 0;
    // Nobody to be told yet: its first word is answered by hanging up.
    if (line.call.provider_id.empty()) return finish(line, end);
    keep(line);
    carry_out(line);
}

}  // namespace voice
