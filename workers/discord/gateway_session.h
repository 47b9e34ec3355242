// The life of a session with Discord's gateway: identify, resume, heartbeat, and what follows from
// each way a connection can end.
//
// Decides and says; sockets, timers and files are its wire's. Promises: never more than three
// resumes in a row without success; the count of attempts starts again only when Discord says READY
// or RESUMED; a session is begun anew only as often as Discord's daily budget bears; a connection
// that does not answer a heartbeat is given up at the next one.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "workers/common/base/json.h"
#include "workers/common/base/result.h"
#include "workers/discord/sequence_ledger.h"
#include "workers/discord/session_record.h"

namespace discord {

class GatewayWire {
  public:
    enum class Timer { attempt, opening, heartbeat };

    virtual ~GatewayWire() = default;
    // GET /gateway/bot; answered by gateway_is() or gateway_unknown().
    virtual void ask_for_gateway() = 0;
    virtual void open(const std::string& url) = 0;
    virtual void send(const std::string& payload) = 0;
    // The connection ends with this code, or at once when the peer is not expected to answer.
    // Neither is told by closed() any more.
    virtual void close(int code) = 0;
    virtual void cut() = 0;
    // In place of what that timer was set to; 0: never.
    virtual void set_timer(Timer timer, std::chrono::milliseconds delay) = 0;
    virtual void clear_timers() = 0;
    // To be written to the disk.
    virtual void keep(const SessionRecord& record) = 0;
    virtual void dispatch(const std::string& type, const Json& data, uint64_t sequence) = 0;
    // READY or RESUMED.
    virtual void is_up(bool is_new_session) = 0;
    virtual void is_down(const std::string& why) = 0;
    // Nothing more will be tried.
    virtual void cannot_work(const Error& error) = 0;
    // Between 0 and 1.
    virtual double random() = 0;
};

struct GatewayInfo {
    std::string url;
    uint32_t remaining = 1000;
    int64_t reset_after_ms = 0;
};

// Of the answer to GET /gateway/bot; what it does not say is as usual with Discord.
GatewayInfo gateway_info_of(const Json& answer);

class GatewaySession {
  public:
    struct Options {
        std::string token;
        std::string token_source;  // "environment variable DISCORD_BOT_TOKEN"
        uint32_t intents = 0;
    };

    GatewaySession(GatewayWire& wire, Options options, SessionRecord record);

    void start(int64_t now_ms);
    void gateway_is(const GatewayInfo& info, int64_t now_ms);
    void gateway_unknown(const Error& error, int64_t now_ms);
    void opened();
    void received(std::string_view text, int64_t now_ms);
    // `code` 1006: none came. `was_open`: there was a WebSocket.
    void closed(int code, const std::string& why, bool was_open, int64_t now_ms);
    void timer(GatewayWire::Timer timer, int64_t now_ms);
    // The agent takes nothing more for now: the connection ends, and Discord keeps what comes.
    void pause();
    void go_on(int64_t now_ms);
    // The machine stood still: whatever connection there is, nobody is at its other end.
    void machine_slept(int64_t now_ms);
    // The session stays, for the next process.
    void stop();

    SequenceLedger& sequences() { return sequences_; }
    // What is to be kept as it is now.
    SessionRecord record() const;
    void set_commands_digest(const std::string& digest);
    bool is_up() const { return state_ == State::up; }
    uint32_t reconnects() const { return reconnects_; }

  private:
    enum class State {
        idle,
        waiting,
        asking,
        opening,
        greeting,
        identifying,
        resuming,
        up,
        paused,
        ended
    };

    bool has_session() const { return !record_.id.empty(); }
    void drop_session();
    void attempt(int64_t now_ms);
    void open_session(int64_t now_ms);
    void hello(const Json& data, int64_t now_ms);
    void identify(int64_t now_ms);
    void resume();
    void dispatch(const Json& payload, int64_t now_ms);
    void ready(const Json& data);
    void resumed();
    void invalid_session(bool can_resume);
    void beat();
    void answer_beat();
    void refused(int code, const std::string& meaning);
    void fail(const std::string& why);
    void retry(std::chrono::milliseconds delay);
    std::chrono::milliseconds backoff();

    GatewayWire& wire_;
    Options options_;
    SessionRecord record_;
    SequenceLedger sequences_;
    State state_ = State::idle;
    std::string gateway_url_;
    std::chrono::milliseconds heartbeat_{41'250};
    bool beat_is_answered_ = true;
    uint32_t attempts_ = 0;        // since the last READY or RESUMED
    uint32_t failed_resumes_ = 0;  // in a row
    uint32_t unopened_ = 0;        // likewise: not even a WebSocket
    uint32_t reconnects_ = 0;
};

}  // namespace discord
