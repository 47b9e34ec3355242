// All calls of the account: what comes of each event, what is said next, who may have a call made.
//
// Promises: a call outlives this process; what a caller has said is offered to the agent until the
// agent has it, and what the agent answers is said or reported; a message of the company has its
// effect once, however often it comes; no call lasts longer, and no more calls run, than the owner
// allows; one that is over here is hung up at the company, until it is. Never calls a number that
// is no number, nor for the model one the owner has not listed.
//
// Does no input or output of its own: requests go to `send`, words for the agent to `Agent`.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/channel_agent.pb.h"
#include "workers/voice/call_store.h"
#include "workers/voice/forgeries.h"
#include "workers/voice/provider.h"
#include "workers/voice/seen_messages.h"

namespace voice {

namespace proto = hardshell::proto;

class CallDesk {
  public:
    // The agent's end of the link, see workers/common/channel/agent_link.h.
    struct Agent {
        std::function<Done(const proto::InboundMessage&)> offer;
        std::function<void(const std::string& delivery_id, uint32_t part, uint32_t parts,
                           std::function<void()> go)>
            begin_part;
        std::function<void(const proto::DeliveryReport&)> report;
        // `payload` of a method, or its error.
        std::function<void(uint64_t id, const Result<Json>& payload)> answer;
    };
    // Where the words of a call go that is streamed; see media_stream.h. Never calls back from
    // within.
    class Stream {
      public:
        virtual ~Stream() = default;
        virtual void speak(uint32_t turn, const std::string& words) = 0;
        // It is not called any more.
        virtual void call_is_over() = 0;
    };
    using Send = std::function<void(HttpsRequest, std::function<void(HttpsOutcome)>)>;
    struct Services {
        const Settings& settings;
        const Provider& provider;
        CallStore& store;
        Agent agent;
        Send send;
        std::function<int64_t()> now_ms;          // wall clock
        std::function<std::string()> public_url;  // of the webhook; empty: none now
        std::function<void(bool)> ticks;          // whether tick() is wanted each second
    };
    explicit CallDesk(Services services);
    ~CallDesk();
    CallDesk(const CallDesk&) = delete;
    CallDesk& operator=(const CallDesk&) = delete;

    // Takes up the calls that an earlier process left; before anything else, the agent's link is
    // started.
    Done recover();
    // A whole webhook request.
    WebhookReply take(const SignedRequest& request);
    // Timers: each second while there are calls.
    void tick();
    // A request came that is not the company's.
    void remark_forgery(const std::string& why);

    // Of the agent.
    void accepted(const std::string& key);
    void deliver(const proto::DeliverMessage& message);
    // voicecall.*; answered by Agent::answer. `by_model`: a tool of the agent's asks.
    void call_method(uint64_t id, const std::string& method, const Json& params, bool by_model);
    // It hears no answer any more: what it had asked dies with it.
    void forget_methods();

    // A stream of the company's that shows this token: the id of the call that it is of from now
    // on, until stream_ends(). bad_credentials: no call waits for such a stream. The token is good
    // once.
    Result<std::string> stream_begins(const std::string& provider_id, const std::string& token,
                                      Stream& stream);
    // It speaks what waits to be said, and what comes.
    void stream_is_ready(const std::string& call_id);
    // Also what was being written down when the stream ended, and the call with it. `turn`: the one
    // that the caller had been told when they began.
    void stream_heard(const std::string& call_id, const std::string& words, uint32_t turn);
    void stream_got_digit(const std::string& call_id, const std::string& digit, uint32_t turn);
    // The last turn whose words the caller has been told.
    uint32_t turn_said(const std::string& call_id) const;
    // The words up to this turn were heard, or interrupted.
    void stream_has_said(const std::string& call_id, uint32_t turn);
    // The call goes on by another stream; with a trouble by the company's own speech.
    void stream_ends(const std::string& call_id, const std::string& trouble);

    size_t live_calls() const;
    const Call* find(const std::string& call_id) const;

    static constexpr std::chrono::milliseconds tick_period{1'000};
    // A stream that has not come so long after it was offered, or after its end, is given up.
    static constexpr int64_t stream_patience_ms = 15'000;
    static constexpr int64_t after_trouble_ms = 3'000;
    static constexpr int most_streams = 5;  // one after the other, in one call

  private:
    // Words that went with an answer.
    struct Given {
        uint32_t asked = 0;  // CallEvent::asked of who got them; 0: not known
        uint32_t turn = 0;
        Step step;
    };
    struct Line {
        Call call;
        int64_t heard_of_ms = 0;      // of the company, or asked
        int64_t answer_due_ms = 0;    // of the agent; 0: nothing is waited for
        int64_t hang_up_at_ms = 0;    // the words have been said
        int64_t retry_at_ms = 0;      // of the step; 0: none
        int tries = 0;                // of the step
        uint32_t update = 0;          // Call::asked of the one with words under way; 0: none
        int64_t fetch_due_ms = 0;     // until then the company fetches its words; 0: at no time
        uint32_t told_turn = 0;       // the last one whose words went by an update
        int64_t saying_until_ms = 0;  // what the company has, or may have, by our estimate
        Given given;                  // the last, until the company names its turn
        int spoken = 0;               // commands to speak whose end has not been told
        bool is_over_there = false;   // the company has said so
        std::optional<uint64_t> listener;  // a method that waits for what is said next
        int64_t listener_due_ms = 0;
        uint32_t question = 0;  // the turn that it waits for an answer to
        Stream* stream = nullptr;
        bool stream_is_ready = false;
        int64_t stream_due_ms = 0;  // until then the company has opened one; 0: nothing is due
        int streams_offered = 0;
    };

    // call_desk.cpp: webhooks and what is said
    Line* line_of(const CallEvent& event);
    Line* line_by_id(const std::string& call_id);
    Line* take_incoming(const CallEvent& event);
    WebhookReply refuse(const CallEvent& event, Step::Kind how);
    void apply(Line& line, const CallEvent& event);
    void answered(Line& line);
    void heard(Line& line, const CallEvent& event, uint32_t turn);
    void heard_at_last(Line& line, const std::string& words);
    void said(Line& line);
    void finish(Line& line, CallState end);
    WebhookReply answer_with_step(Line& line, const CallEvent& event, bool is_new);
    WebhookReply give_again(Line& line);
    void say(Line& line, const std::string& text, Step::Kind kind,
             const std::string& delivery_id = {});
    void say_and_carry_out(Line& line, const std::string& text, Step::Kind kind,
                           const std::string& delivery_id = {});
    void words_given(Line& line, uint32_t turn);
    void refuse_words(Line& line, const std::string& why);
    void offer(Line& line, const Offer& said);
    void speak_delivery(const proto::DeliverMessage& message);
    void report(const std::string& delivery_id, proto::DeliveryReport::Outcome outcome,
                const std::string& why, const std::string& platform_id = {});
    void keep(Line& line);
    Line& add(Call call);
    // call_desk_company.cpp
    void carry_out(Line& line);
    void carry_out_from(const std::string& call_id, std::vector<HttpsRequest> requests, size_t at,
                        Step step, uint32_t update);
    void carried_out(Line& line, const Step& step, uint32_t update);
    bool waits_to_be_asked(Line& line);
    bool may_be_told(Line& line);
    void choose_words(Line& line, Call& told);
    bool is_update_under_way(const Line& line) const;
    void note_progress(Line& line, const CallEvent& event);
    void is_being_said(Line& line, const std::string& words, Step::Kind kind);
    void not_carried_out(Line& line, const Step& step, const HttpsOutcome& outcome);
    void hang_up(Line& line, CallState end);
    // call_desk_streams.cpp
    bool offer_stream(Line& line);
    bool goes_by_stream(Line& line);
    void leave_stream(Line& line);
    static uint32_t turn_said(const Line& line);
    // call_desk_time.cpp
    void forget_the_past(const Line& but);
    void tick(Line& line, int64_t now_ms);
    void ask_state(Line& line);
    void follow_ticks();
    bool try_again(Line& line, Step::Kind kind);
    void still_there(Line& line, const CallEvent& event);
    void end_at_company(Line& line);
    // call_desk_methods.cpp
    struct MethodRow;
    void initiate(uint64_t id, const Json& params, bool by_model);
    void place(uint64_t id, const std::string& to, const std::string& message, Mode mode);
    void continue_call(uint64_t id, const Json& params);
    void speak(uint64_t id, const Json& params);
    void end_call(uint64_t id, const Json& params);
    void status(uint64_t id, const Json& params);
    Result<Line*> live_line(const Json& params);
    Done check_outbound(const std::string& to, bool by_model) const;
    void answer(uint64_t id, const Result<Json>& payload);

    static constexpr int most_tries = 4;
    static constexpr int64_t retry_pause_ms = 2'000;
    // Said while the agent thinks; an answer may cut it short.
    static constexpr const char* slow_text =
        "I'm sorry, this takes longer than usual. You can say something else, or wait.";

    Services services_;
    std::map<std::string, Line> lines_;  // by call id
    std::vector<std::string> order_;     // of their beginning
    SeenMessages seen_;
    Forgeries forgeries_;
    bool ticks_ = false;
    std::string trouble_;                                         // of the store, said once
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with requests
};

// What the agent is offered for what was heard.
proto::InboundMessage inbound_of(const Call& call, const Offer& said, const Settings& settings);
// "3f8e…-…", a new one each time.
std::string new_call_id();

}  // namespace voice
