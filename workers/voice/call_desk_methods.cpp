// voicecall.*: calls that are asked for, and what is done with calls that run.

#include <algorithm>

#include "workers/common/log.h"
#include "workers/voice/call_desk.h"
#include "workers/voice/spoken_text.h"

namespace voice {

namespace {

constexpr int64_t hour_ms = 3'600'000;
constexpr int64_t day_ms = 86'400'000;
constexpr int64_t minute_ms = 60'000;

Error refused(std::string why) {
    return {Fault::bad_message, std::move(why)};
}

}  // namespace

void CallDesk::call_method(uint64_t id, const std::string& method, const Json& params,
                           bool by_model) {
    if (method == "voicecall.initiate" || method == "voicecall.start")
        return initiate(id, params, by_model);
    if (method == "voicecall.continue") return continue_call(id, params);
    if (method == "voicecall.speak") return speak(id, params);
    if (method == "voicecall.end") return end_call(id, params);
    if (method == "voicecall.status") return status(id, params);
    answer(id, refused("there is no method " + method));
}

void CallDesk::forget_methods() {
    for (auto& [id, line] : lines_) line.listener.reset();
}

void CallDesk::answer(uint64_t id, const Result<Json>& payload) {
    services_.agent.answer(id, payload);
}

// Calls cost money: not anywhere, not too often, not too long.
Done CallDesk::check_outbound(const std::string& to, bool by_model) const {
    const Settings& settings = services_.settings;
    if (!is_e164(to)) return refused("to: \"" + to + "\" is no number like +15550001234");
    if (by_model && !may_be_called(settings.destinations, to))
        return refused("the assistant may not call " + to + ": its owner can list the number in " +
                       std::string(config_key) + ".allowFrom, or in HARDSHELL_VOICE_DESTINATIONS");
    if (live_calls() >= settings.most_calls)
        return Error{Fault::busy, "Maximum concurrent calls (" +
                                      std::to_string(settings.most_calls) + ") reached"};
    const int64_t now = services_.now_ms();
    size_t in_hour = 0;
    int64_t spoken_ms = 0;
    for (const auto& [id, line] : lines_) {
        const Call& call = line.call;
        if (call.inbound || call.started_ms < now - day_ms) continue;
        if (call.started_ms >= now - hour_ms) ++in_hour;
        const int64_t until_ms = call.is_live() ? now : call.ended_ms;
        if (call.answered_ms > 0) spoken_ms += std::max<int64_t>(until_ms - call.answered_ms, 0);
    }
    if (in_hour >= settings.calls_per_hour)
        return Error{Fault::busy, std::to_string(in_hour) +
                                      " calls were made in the last hour; no more are "
                                      "(HARDSHELL_VOICE_CALLS_PER_HOUR)"};
    if (spoken_ms >= settings.minutes_per_day.count() * minute_ms)
        return Error{Fault::busy, std::to_string(spoken_ms / minute_ms) +
                                      " minutes were telephoned in the last day; no more are "
                                      "(HARDSHELL_VOICE_MINUTES_PER_DAY)"};
    if (services_.public_url().empty())
        return Error{Fault::unreachable, "there is no public address at the moment at which " +
                                             std::string(name_of(settings.provider)) +
                                             " could reach this gateway"};
    return {};
}

void CallDesk::initiate(uint64_t id, const Json& params, bool by_model) {
    const Settings& settings = services_.settings;
    const std::string to = text_member(params, "to", settings.to_number);
    const std::string message = spoken_text(text_view(params, "message"));
    if (to.empty()) return answer(id, refused("to is required"));
    const std::string mode = text_member(params, "mode");
    if (!mode.empty() && mode != "notify" && mode != "conversation")
        return answer(id, refused("mode: use notify or conversation"));
    if (const Done done = check_outbound(to, by_model); !done) return answer(id, done.error());
    const bool talks =
        mode.empty() ? settings.outbound_mode == Mode::conversation : mode == "conversation";
    // Without a message there is nothing to notify of.
    place(id, to, message, talks || message.empty() ? Mode::conversation : Mode::notify);
}

void CallDesk::place(uint64_t id, const std::string& to, const std::string& message, Mode mode) {
    Call call;
    call.id = new_call_id();
    call.provider = name_of(services_.settings.provider);
    call.from = services_.settings.from_number;
    call.to = to;
    call.mode = mode;
    call.opening = message;
    call.started_ms = services_.now_ms();
    Line& line = add(std::move(call));
    line.heard_of_ms = services_.now_ms();
    keep(line);  // before the company is asked: what it calls back about is known
    follow_ticks();
    log_info("[voice-call] call {} to {}", line.call.id, to);
    services_.send(services_.provider.place(line.call, services_.public_url()),
                   [this, alive = alive_, id, call_id = line.call.id](const HttpsOutcome& outcome) {
                       if (!*alive) return;
                       Line* placed = line_by_id(call_id);
                       if (!placed) return;
                       const Result<std::string> known =
                           outcome.answer ? services_.provider.placed(*outcome.answer)
                                          : Result<std::string>(outcome.answer.error());
                       // Its answer may be lost, and it has called back all the same.
                       if (!known && placed->call.provider_id.empty()) {
                           finish(*placed, CallState::failed);
                           return answer(id, known.error());
                       }
                       if (placed->call.provider_id.empty()) placed->call.provider_id = *known;
                       keep(*placed);
                       if (!placed->call.is_live()) end_at_company(*placed);
                       answer(id, Json{{"callId", call_id}, {"initiated", true}});
                   });
}

Result<CallDesk::Line*> CallDesk::live_line(const Json& params) {
    const std::string call_id = text_member(params, "callId");
    if (call_id.empty()) return refused("callId is required");
    Line* line = line_by_id(call_id);
    if (!line) return refused("Call not found");
    if (!line->call.is_live() || line->call.ending) return refused("Call has ended");
    return line;
}

void CallDesk::continue_call(uint64_t id, const Json& params) {
    const Result<Line*> line = live_line(params);
    if (!line) return answer(id, line.error());
    const std::string message = spoken_text(text_view(params, "message"));
    if (message.empty()) return answer(id, refused("message is required"));
    if ((*line)->call.answered_ms == 0) return answer(id, refused("Call not connected"));
    if ((*line)->listener)
        return answer(id, Error{Fault::busy, "another request waits for what is said next"});
    (*line)->call.mode = Mode::conversation;
    (*line)->listener = id;
    (*line)->question = (*line)->call.turn + 1;  // which it becomes by being said
    (*line)->listener_due_ms = services_.now_ms() + services_.settings.transcript_timeout.count();
    say_and_carry_out(**line, message, Step::Kind::say_and_listen);
}

void CallDesk::speak(uint64_t id, const Json& params) {
    const Result<Line*> line = live_line(params);
    if (!line) return answer(id, line.error());
    const std::string message = spoken_text(text_view(params, "message"));
    if (message.empty()) return answer(id, refused("message is required"));
    if ((*line)->call.answered_ms == 0) return answer(id, refused("Call not connected"));
    say_and_carry_out(**line, message,
                      (*line)->call.mode == Mode::notify ? Step::Kind::say_and_hang_up
                                                         : Step::Kind::say_and_listen);
    answer(id, Json{{"success", true}});
}

void CallDesk::end_call(uint64_t id, const Json& params) {
    const Result<Line*> line = live_line(params);
    if (!line) return answer(id, line.error());
    hang_up(**line, CallState::hangup_bot);
    answer(id, Json{{"success", true}});
}

void CallDesk::status(uint64_t id, const Json& params) {
    const std::string wanted = text_member(params, "callId", text_view(params, "sid"));
    if (wanted.empty()) return answer(id, refused("callId is required"));
    for (const auto& [call_id, line] : lines_)
        if (call_id == wanted || line.call.provider_id == wanted)
            return answer(id, Json{{"found", true}, {"call", shown(line.call)}});
    answer(id, Json{{"found", false}});
}

}  // namespace voice
