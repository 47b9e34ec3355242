// A stand-in for Discord: REST API v10 and gateway over TLS on one loopback port, with its rate
// limits, nonces, sessions that can be resumed, and everything that goes wrong with them on demand.
//
// Faithful enough for discord.js (tests/journeys/discord). Real sockets, a thread per connection;
// knows nothing of the product's code.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "tests/support/discord_world.h"
#include "tests/support/tls_server.h"

class DiscordDouble {
  public:
    using Json = discord_double::Json;
    using World = discord_double::World;
    static constexpr const char* token =
        "MTAwMDAwMDAwMDAwMDAwMDAx.double.token-of-the-double-000000000";

    // An answer in place of the usual one.
    struct Fault {
        std::string method = {};       // empty: any
        std::string path_begins = {};  // below /api/v10
        int status = 503;
        Json body = {{"message", "Service Unavailable"}, {"code", 0}};
        std::map<std::string, std::string> headers = {};
        int times = 1;
        // The request is done as usual first.
        bool acts = false;
        // No answer at all: the connection ends, or stays silent.
        bool cuts = false;
        bool is_silent = false;
    };
    struct Seen {
        std::string method;
        std::string path;  // below /api/v10, without query
        std::string query;
        std::map<std::string, std::string> headers;
        Json body;
        std::map<std::string, std::string> files;  // name to content
    };
    struct Options {
        uint16_t port = 0;
        int64_t heartbeat_ms = 45'000;
        // Messages per channel in that time.
        int message_limit = 5;
        int64_t message_window_ms = 5'000;
        int identify_total = 1000;
        // Sessions are resumed on a port of their own, as with Discord on a host.
        bool has_resume_port = false;
    };

    DiscordDouble() : DiscordDouble(Options()) {}
    explicit DiscordDouble(Options options);
    ~DiscordDouble();

    uint16_t port() const { return server_->port(); }
    std::string api_url() const { return "https://" + server_->authority() + "/api/v10"; }
    const std::string& certificate_file() const { return server_->certificate_file(); }

    // Somebody writes; the id of the message.
    std::string say(const std::string& channel_id, const std::string& author_id,
                    const std::string& text, Json more = Json::object());
    // One more bot, in the same server.
    void add_bot(const std::string& id, const std::string& its_token);
    // The direct chat of a person with a bot.
    std::string direct_chat(const std::string& user_id, const std::string& bot = World::bot);
    // A thread that nobody is told of; its id.
    std::string open_thread(const std::string& parent, const std::string& name);
    std::string add_channel(const std::string& name);
    void dispatch(const std::string& type, const Json& data);
    std::string react(const std::string& channel_id, const std::string& message_id,
                      const std::string& user_id, const std::string& emoji);
    // Somebody gives a native command; the interaction's id.
    std::string command(const std::string& channel_id, const std::string& user_id,
                        const std::string& name, const std::string& text = {});
    // A file that can be fetched from this double; its URL.
    std::string host_file(const std::string& name, const std::string& content);

    void fail_next(Fault fault);
    void revoke_token(const std::string& bot = World::bot);
    void withhold_hello(bool withhold);
    void withhold_acks(bool withhold);
    void withhold_ready(bool withhold);
    void dispatch_twice(bool twice);
    // Every second event comes before the one it follows.
    void swap_events(bool swap);
    // Events come in frames of no more than so many bytes; 0: whole.
    void fragment_events(size_t bytes);
    // Answers of the API come in chunks, of a length that nobody tells before.
    void chunk_answers(bool chunk);
    // Of the port for resumes alone.
    void refuse_resumes(bool refuse) { server_->refuse_on_other_port(refuse); }
    // Of all connections of the gateway; 4007 and 4009 end their sessions, too. 0: without a code.
    void close_gateway(int code, const std::string& reason = {});
    void ask_to_reconnect();
    void invalidate_session(bool can_resume);
    // Resumes are answered with an invalid session.
    void forget_sessions();
    // The next identifies are answered by a close with this code.
    void refuse_identify(int code);
    void break_in_a_frame();
    // All connections stay, and nothing is read or written any more.
    void black_hole(bool on);
    void refuse_connections(bool refuse);
    void cut_all();
    void set_identifies_left(int count);

    std::vector<Seen> requests() const;
    std::vector<Seen> requests_to(const std::string& method, const std::string& path_begins) const;
    // What a bot has written there, oldest first.
    std::vector<std::string> written(const std::string& channel_id,
                                     const std::string& bot = World::bot) const;
    std::vector<Json> messages(const std::string& channel_id) const;
    size_t posts() const;  // messages that bots have written, everywhere
    int identifies() const;
    int resumes() const;
    int gateway_connections() const;
    int open_gateways() const;
    int limited() const;                   // answers with 429
    std::vector<int> close_codes() const;  // of the clients
    uint64_t last_resume_sequence() const;
    Json last_identify() const;
    std::set<std::string> reactions(const std::string& message_id) const;
    // False when the time is over.
    bool wait(const std::function<bool()>& until,
              std::chrono::milliseconds at_most = std::chrono::seconds(20));

  private:
    struct Session {
        std::string id;
        std::string bot;
        uint64_t sequence = 0;
        std::deque<std::pair<uint64_t, std::string>> events;
    };
    struct Gateway;  // a connection
    struct Request;
    struct Response {
        int status = 200;
        Json body = {};
        std::string content_type = "application/json";
        std::string raw = {};
        std::map<std::string, std::string> headers = {};
    };
    struct Window {
        int used = 0;
        std::chrono::steady_clock::time_point begun{};
    };

    void serve(TlsStream& stream);
    bool serve_request(TlsStream& stream, const Request& request);
    Response route(const Request& request);
    Response post_message(const Request& request, const std::string& channel_id,
                          const std::string& bot);
    // The bot whose token that is; empty when it is nobody's.
    std::string bot_of_token(const std::string& its_token) const;
    bool limit(const std::string& bucket, int most, int64_t window_ms, Response& response);
    void serve_gateway(TlsStream& stream, const Request& request);
    bool take_frame(Gateway& gateway, const std::string& text);
    void identify(Gateway& gateway, const Json& data);
    void resume(Gateway& gateway, const Json& data);
    void push(Session& session, const std::string& type, const Json& data);
    void dispatch_locked(const std::string& type, const Json& data);
    void send_to(Gateway& gateway, const Json& payload);

    Options options_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    World world_;
    std::map<std::string, std::string> bots_ = {{token, World::bot}};  // by token
    std::vector<Fault> faults_;
    std::vector<Seen> seen_;
    std::map<std::string, std::string> files_;
    std::map<std::string, Window> windows_;
    std::map<std::string, std::set<std::string>> reactions_;
    std::map<std::string, std::string> interactions_;  // token to channel
    std::set<std::string> answered_interactions_;      // tokens
    std::map<std::string, Session> sessions_;
    std::vector<Gateway*> gateways_;
    std::vector<int> close_codes_;
    Json commands_ = Json::array();
    Json last_identify_;
    std::string held_back_;  // an event to be swapped
    int identifies_ = 0;
    int resumes_ = 0;
    int gateway_connections_ = 0;
    int limited_ = 0;
    size_t posts_ = 0;
    int identifies_left_;
    int refuse_identify_ = 0;
    uint64_t last_resume_sequence_ = 0;
    bool withhold_hello_ = false;
    bool withhold_acks_ = false;
    bool withhold_ready_ = false;
    bool twice_ = false;
    bool swap_ = false;
    size_t fragment_ = 0;
    bool chunk_ = false;
    uint16_t resume_port_ = 0;
    bool black_hole_ = false;
    bool stopped_ = false;
    std::unique_ptr<TlsServer> server_;  // last: its threads use all of the above
};
