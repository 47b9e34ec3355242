#include "workers/voice/call.h"

#include <algorithm>

namespace voice {

namespace {

struct StateRow {
    CallState state;
    const char* name;
    int rank;  // forward only; talking has one rank, an end the highest
};
constexpr int talking = 4;
constexpr int ended = 5;
constexpr StateRow states[] = {
    // state, name, rank
    {CallState::initiated, "initiated", 0},       {CallState::ringing, "ringing", 1},
    {CallState::answered, "answered", 2},         {CallState::active, "active", 3},
    {CallState::speaking, "speaking", talking},   {CallState::listening, "listening", talking},
    {CallState::completed, "completed", ended},   {CallState::hangup_user, "hangup-user", ended},
    {CallState::hangup_bot, "hangup-bot", ended}, {CallState::timeout, "timeout", ended},
    {CallState::error, "error", ended},           {CallState::failed, "failed", ended},
    {CallState::no_answer, "no-answer", ended},   {CallState::busy, "busy", ended},
    {CallState::voicemail, "voicemail", ended},
};

const StateRow& row_of(CallState state) {
    for (const StateRow& row : states)
        if (row.state == state) return row;
    return states[0];
}

struct StepName {
    Step::Kind kind;
    const char* name;
};
constexpr StepName step_names[] = {
    {Step::Kind::nothing, "nothing"},
    {Step::Kind::take, "take"},
    {Step::Kind::wait, "wait"},
    {Step::Kind::listen, "listen"},
    {Step::Kind::say_and_listen, "say-and-listen"},
    {Step::Kind::say_and_hang_up, "say-and-hang-up"},
    {Step::Kind::hang_up, "hang-up"},
    {Step::Kind::reject, "reject"},
    {Step::Kind::reject_busy, "reject-busy"},
};

const char* name_of(Step::Kind kind) {
    for (const StepName& row : step_names)
        if (row.kind == kind) return row.name;
    return "nothing";
}

Step::Kind kind_of(std::string_view name) {
    for (const StepName& row : step_names)
        if (row.name == name) return row.kind;
    return Step::Kind::nothing;
}

void set_time(Json& record, const char* key, int64_t time_ms) {
    if (time_ms > 0) record[key] = time_ms;
}

Utterance utterance_of(const Json& entry) {
    return {int_member(entry, "timestamp"), text_view(entry, "speaker") == "user",
            text_member(entry, "text")};
}

}  // namespace

bool has_ended(CallState state) {
    return row_of(state).rank == ended;
}

bool may_move(CallState from, CallState to) {
    const int rank = row_of(from).rank;
    const int next = row_of(to).rank;
    if (rank == ended || from == to) return false;
    return next > rank || (rank == talking && next == talking);
}

const char* name_of(CallState state) {
    return row_of(state).name;
}

CallState state_of(std::string_view name) {
    for (const StateRow& row : states)
        if (row.name == name) return row.state;
    return CallState::failed;
}

Step Step::after() const {
    if (kind == Kind::say_and_listen) return {Kind::listen, {}};
    if (kind == Kind::say_and_hang_up) return {Kind::hang_up, {}};
    return *this;
}

bool Call::move(CallState to_state, int64_t now_ms) {
    if (!may_move(state, to_state)) return false;
    state = to_state;
    const bool is_answered = row_of(state).rank >= row_of(CallState::answered).rank;
    if (has_ended(state)) {
        ended_ms = now_ms;
        end_reason = name_of(state);
    } else if (is_answered && answered_ms == 0) {
        answered_ms = now_ms;
    }
    return true;
}

std::string words_of(const std::deque<Part>& parts, size_t count) {
    std::string words;
    for (size_t at = 0; at < std::min(count, parts.size()); ++at)
        words += (words.empty() ? "" : " ") + parts[at].words;
    return words;
}

Json shown(const Call& call) {
    Json record{{"callId", call.id},
                {"provider", call.provider},
                {"direction", call.inbound ? "inbound" : "outbound"},
                {"state", name_of(call.state)},
                {"from", call.from},
                {"to", call.to},
                {"sessionKey", "voice:" + digits_of(call.peer())}};
    if (!call.provider_id.empty()) record["providerCallId"] = call.provider_id;
    set_time(record, "startedAt", call.started_ms);
    set_time(record, "answeredAt", call.answered_ms);
    set_time(record, "endedAt", call.ended_ms);
    if (!call.end_reason.empty()) record["endReason"] = call.end_reason;
    record["transcript"] = Json::array();
    for (const Utterance& said : call.transcript)
        record["transcript"].push_back({{"timestamp", said.at_ms},
                                        {"speaker", said.by_caller ? "user" : "bot"},
                                        {"text", said.text},
                                        {"isFinal", true}});
    record["metadata"] = {{"mode", call.mode == Mode::notify ? "notify" : "conversation"}};
    if (!call.opening.empty()) record["metadata"]["initialMessage"] = call.opening;
    return record;
}

Json record_of(const Call& call) {
    Json record = shown(call);
    record["processedEventIds"] = call.seen;
    record["hardshell"] = {{"step", name_of(call.step.kind)},
                           {"turn", call.turn},
                           {"heardTurn", call.heard_turn},
                           {"heard", call.heard},
                           {"asked", call.asked}};
    for (const Part& part : call.unsaid)
        record["hardshell"]["unsaid"].push_back(
            {{"turn", part.turn}, {"text", part.words}, {"delivery", part.delivery_id}});
    // What a stream has goes with it.
    if (call.streams)
        record["hardshell"]["streams"] = true;
    else if (call.handed > 0)
        record["hardshell"]["handed"] = call.handed;
    if (call.is_transcribed) record["hardshell"]["transcribed"] = true;
    if (call.ending) record["hardshell"]["ending"] = name_of(*call.ending);
    for (const Offer& offer : call.offers)
        record["hardshell"]["offers"].push_back(
            {{"number", offer.number}, {"timestamp", offer.at_ms}, {"text", offer.text}});
    return record;
}

Result<Call> call_of(const Json& record) {
    Call call;
    call.id = text_member(record, "callId");
    if (call.id.empty()) return Error{Fault::bad_message, "a record without callId"};
    call.provider_id = text_member(record, "providerCallId");
    call.provider = text_member(record, "provider");
    call.inbound = text_view(record, "direction") == "inbound";
    call.state = state_of(text_view(record, "state"));
    call.from = text_member(record, "from");
    call.to = text_member(record, "to");
    call.started_ms = int_member(record, "startedAt");
    call.answered_ms = int_member(record, "answeredAt");
    call.ended_ms = int_member(record, "endedAt");
    call.end_reason = text_member(record, "endReason");
    for (const Json& entry : member(record, "transcript"))
        call.transcript.push_back(utterance_of(entry));
    const Json& metadata = member(record, "metadata");
    call.mode = text_view(metadata, "mode") == "notify" ? Mode::notify : Mode::conversation;
    call.opening = text_member(metadata, "initialMessage");
    for (const Json& key : member(record, "processedEventIds"))
        if (key.is_string()) call.seen.push_back(key.get<std::string>());
    const Json& own = member(record, "hardshell");
    for (const Json& part : member(own, "unsaid"))
        call.unsaid.push_back({static_cast<uint32_t>(int_member(part, "turn")),
                               text_member(part, "text"), text_member(part, "delivery")});
    const int64_t handed = std::max<int64_t>(int_member(own, "handed"), 0);
    call.handed = std::min(static_cast<size_t>(handed), call.unsaid.size());
    call.step = {kind_of(text_view(own, "step")), words_of(call.unsaid, call.unsaid.size())};
    if (call.unsaid.empty()) call.step = call.step.after();
    call.turn = static_cast<uint32_t>(int_member(own, "turn"));
    call.heard_turn = static_cast<uint32_t>(int_member(own, "heardTurn"));
    call.heard = static_cast<uint32_t>(int_member(own, "heard"));
    call.asked = static_cast<uint32_t>(int_member(own, "asked"));
    call.is_transcribed = bool_member(own, "transcribed");
    if (const std::string ending = text_member(own, "ending"); !ending.empty())
        call.ending = state_of(ending);
    for (const Json& offer : member(own, "offers"))
        call.offers.push_back({static_cast<uint32_t>(int_member(offer, "number")),
                               int_member(offer, "timestamp"), text_member(offer, "text")});
    call.streams = bool_member(own, "streams");
    return call;
}

}  // namespace voice
