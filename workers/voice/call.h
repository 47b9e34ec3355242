// One telephone call: what is known of it, and the moves it can make. Pure.
//
// Promises that a state is never left backwards and an end never undone, whatever a provider says
// in whatever order.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/voice/settings.h"

namespace voice {

enum class CallState {
    initiated,
    ringing,
    answered,
    active,
    speaking,
    listening,
    completed,
    hangup_user,
    hangup_bot,
    timeout,
    error,
    failed,
    no_answer,
    busy,
    voicemail,
};

bool has_ended(CallState state);
// Forward only; speaking and listening take turns; any end from anything but an end.
bool may_move(CallState from, CallState to);
// "hangup-user"
const char* name_of(CallState state);
// failed for a name that is not known.
CallState state_of(std::string_view name);

// What the line needs next, as it is told to the provider.
struct Step {
    enum class Kind {
        nothing,      // the provider needs no answer
        take,         // an inbound call is accepted
        reject,       // an inbound call is not taken: it never was answered
        reject_busy,  //
        wait,         // the caller waits for an answer
        listen,       // the caller speaks next
        say_and_listen,
        say_and_hang_up,
        hang_up,
    };
    Kind kind = Kind::nothing;
    std::string text;
    bool operator==(const Step&) const = default;
    bool says() const { return kind == Kind::say_and_listen || kind == Kind::say_and_hang_up; }
    // Somebody speaks or listens after it.
    bool goes_on() const {
        return kind == Kind::take || kind == Kind::wait || kind == Kind::listen ||
               kind == Kind::say_and_listen;
    }
    // What is next once the provider has it.
    Step after() const;
};

struct Utterance {
    int64_t at_ms = 0;
    bool by_caller = false;
    std::string text;
};

// Of what the step says.
struct Part {
    uint32_t turn = 0;
    std::string words;
    std::string delivery_id;  // of the agent's, which it answers; empty: none
};

// What the caller has said and the agent has not accepted yet.
struct Offer {
    uint32_t number = 0;
    int64_t at_ms = 0;
    std::string text;
};

struct Call {
    std::string id;           // ours
    std::string provider_id;  // empty until the provider has told it
    std::string provider;     // "twilio"
    bool inbound = false;
    CallState state = CallState::initiated;
    std::string from;
    std::string to;
    Mode mode = Mode::conversation;
    std::string opening;  // what an outbound call says first
    int64_t started_ms = 0;
    int64_t answered_ms = 0;
    int64_t ended_ms = 0;
    std::string end_reason;
    std::vector<Utterance> transcript;

    Step step;
    // What it says, in order; empty when it says nothing. A part leaves when the company has it.
    std::deque<Part> unsaid;
    // Parts of it that the stream has, or the update: the company may know them already.
    size_t handed = 0;
    // Counts what the bot has said; names the question that speech answers. What was heard for a
    // turn is not heard again.
    uint32_t turn = 0;
    uint32_t heard_turn = 0;
    // Counts what the caller has said; part of the name of the message to the agent.
    uint32_t heard = 0;
    std::vector<Offer> offers;  // not accepted yet: kept for a later process
    // Counts the answers with a step; part of the addresses in them, so that no two are the same.
    uint32_t asked = 0;
    // We hang up, and it ends as this.
    std::optional<CallState> ending;
    // The company has been told to write down what it hears.
    bool is_transcribed = false;
    std::vector<std::string> seen;  // replay keys, hex
    // Its sound comes and goes by a stream, as long as that works.
    bool streams = false;
    // What the stream that is to be opened has to show, once; not kept: a later process gives
    // another one.
    std::string stream_token;

    // Who is talked to.
    const std::string& peer() const { return inbound ? from : to; }
    bool is_live() const { return !has_ended(state); }
    // False, and nothing changes, when it may not.
    bool move(CallState to_state, int64_t now_ms);
};

// The first so many parts as one text.
std::string words_of(const std::deque<Part>& parts, size_t count);

// As calls.jsonl and voicecall.status have it: OpenClaw's members, and `hardshell` with ours.
Json record_of(const Call& call);
// What callers of voicecall.status are shown.
Json shown(const Call& call);
// bad_message: no call.
Result<Call> call_of(const Json& record);

inline constexpr size_t most_seen = 200;
inline constexpr size_t most_utterances = 500;

}  // namespace voice
