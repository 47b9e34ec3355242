// What the company is told to do, and what comes of it.

#include <utility>

#include "workers/common/log.h"
#include "workers/voice/call_desk.h"

namespace voice {

using proto::DeliveryReport;
using Kind = Step::Kind;

void CallDesk::carry_out(Line& line) {
    line.retry_at_ms = 0;
    if (goes_by_stream(line)) return;
    const std::string webhook = services_.public_url();
    const bool goes_on = line.call.step.kind != Kind::hang_up;
    if (webhook.empty() && goes_on && services_.provider.follows_answers()) {
        line.retry_at_ms = services_.now_ms() + retry_pause_ms;  // it would not know where
        return;
    }
    ++line.call.asked;
    std::vector<HttpsRequest> requests = services_.provider.perform(line.call, webhook);
    if (requests.empty()) return;
    ++line.tries;
    carry_out_from(line.call.id, std::move(requests), 0, line.call.step);
}

void CallDesk::carry_out_from(const std::string& call_id, std::vector<HttpsRequest> requests,
                              size_t at, Step step) {
    HttpsRequest request = requests[at];
    const bool has_words = step.says() && services_.provider.performs_words();
    if (has_words) ++lines_.at(call_id).updates;
    services_.send(std::move(request), [this, alive = alive_, call_id, requests, at, step,
                                        has_words](const HttpsOutcome& outcome) {
        Line* line = *alive ? line_by_id(call_id) : nullptr;
        if (line && has_words) --line->updates;
        if (!line || line->is_over_there) return;
        line->heard_of_ms = services_.now_ms();
        const bool is_done = outcome.answer && outcome.answer->status / 100 == 2;
        // What comes before the words is done once in a call.
        if (is_done && at + 1 < requests.size()) line->call.is_transcribed = true;
        // Another step has come meanwhile.
        if (line->call.step != step) return;
        if (!is_done) return not_carried_out(*line, step, outcome);
        if (at + 1 < requests.size()) return carry_out_from(call_id, requests, at + 1, step);
        carried_out(*line, step);
    });
}

void CallDesk::carried_out(Line& line, const Step& step) {
    line.tries = 0;
    if (step.kind == Kind::hang_up) {
        line.is_over_there = true;
        return finish(line, line.call.ending.value_or(CallState::hangup_bot));
    }
    // Once is enough, also for a later process.
    if (step.kind == Kind::take) line.call.step = {};
    if (step.says() && services_.provider.performs_words()) words_given(line);
    keep(line);
}

void CallDesk::not_carried_out(Line& line, const Step& step, const HttpsOutcome& outcome) {
    if (outcome.answer && services_.provider.says_over(*outcome.answer)) {
        line.is_over_there = true;
        return finish(line, line.call.ending.value_or(CallState::completed));
    }
    const std::string why =
        outcome.answer ? refusal_of(*outcome.answer) : outcome.answer.error().what;
    log_warn("[voice-call] call {}: {} did not do what it was told: {}", line.call.id,
             line.call.provider, why);
    if (try_again(line, step.kind)) return;
    if (step.kind == Kind::hang_up || step.kind == Kind::take)
        return finish(line, line.call.ending.value_or(CallState::error));
    // Whoever follows answers asks again by itself, and hears the words then.
    if (services_.provider.follows_answers()) return;
    if (!line.call.delivery_id.empty())
        report(std::exchange(line.call.delivery_id, {}), DeliveryReport::REFUSED, why);
    // It was called to hear that, and nothing else.
    if (step.kind == Kind::say_and_hang_up) return hang_up(line, CallState::error);
    line.call.step = step.after();
    keep(line);
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
