// What a person writes into a session, wherever it came from: a command is carried out, a directive
// noted, all else becomes a turn, or waits for one as the session's queue says.
//
// Promises one answer to each take(): later only where a command takes time. Knows no channel: who
// may give commands, where an answer goes and how a message is shown to the model is the caller's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "workers/agent/commands.h"
#include "workers/agent/directives.h"
#include "workers/agent/runs.h"

namespace agent {

class CommandApprovals;
class Compaction;
class PairingDesk;

// A message as it came.
struct Said {
    std::string text;  // as typed, a mention of the bot removed
    // Its writer may give commands and directives here; else they are no answer, or plain text.
    bool may_command = false;
    // The same for a command's approval, and for who is let in; they also need may_command.
    bool may_approve = true;
    bool may_administer = true;
    bool is_native_command = false;  // chosen from the platform's list
    bool is_spoken = false;          // no command, whatever a machine has heard; nor does it wait
    bool is_group = false;
    bool has_files = false;
    std::string channel = "webchat";  // settings of the queue are by channel
    // For /whoami and for the log.
    std::string sender_id;
    std::string sender_name;
    std::string chat;
    // The user's message in transcript form, for the text that is left without commands and
    // directives. Not called for a fresh session that nothing was written for.
    std::function<Result<Json>(const std::string& text)> compose;
    // Method, run id, session and spelling, route, notes and what else the caller decides.
    RunOrder order;
};

struct Taken {
    enum class As {
        turn,      // accepted as a run, which may wait or become part of another
        answered,  // a command: `reply` is for the person, and not for the transcript
        stopped,   // the same; `stopped` are the runs that were ended
        ignored,   // a command of somebody who may not give any
        denied,    // the session is not to be answered
        dropped,   // too many wait
    };
    As as = As::turn;
    std::string reply;
    std::vector<std::string> stopped;
};

class FrontDesk {
  public:
    struct Services {
        Runs& runs;
        SessionStore& store;
        ModelStarter& models;
        const AgentConfig& config;
        std::function<Json()> list_models;  // payload of models.list
        std::function<int64_t()> now_ms;
        std::string state_dir = ".";
        ToolBox* tools = nullptr;  // null: none
        CommandApprovals* approvals = nullptr;
    };
    explicit FrontDesk(Services services);
    ~FrontDesk();

    using Reply = std::function<void(Result<Taken>)>;
    void take(Said said, const Reply& reply);

    // Who was let in on the channels; until then nobody can be asked.
    void use_pairing(PairingDesk* pairing) { pairing_ = pairing; }

    // What /status shows.
    Result<std::string> status_of(const SessionKey& key, const std::string& channel);

    // Writes members into a session's entry, which is begun where there is none; null removes one.
    Result<Session> change_session(const SessionKey& key, const Json& members);

  private:
    struct Request {
        const Said& said;
        const SessionKey& session;
        std::string argument;
        const Reply& reply;
    };
    using Text = Result<std::string>;
    void carry_out(const Command& command, Said& said, const Reply& reply);
    void take_turn(Said said, const Command* trigger, const Reply& reply);
    void accept(Said said, const DirectedText& directed, bool fresh, const Reply& reply);
    void queue_as_told(const Said& said, const Json& entry, const QueueWishes& wishes,
                       RunOrder& order) const;
    Taken stop(const SessionKey& session);
    bool reads_commands(const Said& said) const;
    NamesModel names_model() const;

    // desk_commands.cpp
    Text answer(Command::Kind kind, const Request& request);
    Text whoami(const Request& request) const;
    Text context(const Request& request);
    Text usage(const Request& request);
    void usage_cost(const Request& request);
    void compact(const Request& request);
    Text send_policy(const Request& request);
    Text activation(const Request& request);
    Text models(const Request& request) const;
    Text subagents(const Request& request);
    Result<std::string> skill_prompt(const Request& request) const;

    // desk_owner_commands.cpp
    Text approve(const Request& request);
    void allowlist(const Request& request);

    // desk_directives.cpp
    Text direct(const Command& command, const Request& request);
    Text set_all(const Directives& directives, const Said& said);
    Text set_level(Command::Kind kind, const std::string& level, const Said& said);
    bool may_elevate(const Said& said) const;
    std::string elevated_for(const Said& said, const Json& entry,
                             const Directives& directives) const;
    Text set_model(const std::string& wanted, const SessionKey& session);
    Text set_exec(const ExecWishes& wishes, const SessionKey& session);
    Text set_queue(const QueueWishes& wishes, const SessionKey& session,
                   const std::string& channel);
    Text shown(Command::Kind kind, const SessionKey& session, const std::string& channel) const;
    Result<Json> entry_of(const SessionKey& session) const;
    std::vector<ModelName> choices(const SessionKey& session) const;
    ModelName model_for(const SessionKey& session, const Json& entry) const;

    Services services_;
    PairingDesk* pairing_ = nullptr;
    std::map<std::string, std::unique_ptr<Compaction>> compactions_;  // by session
};

}  // namespace agent
