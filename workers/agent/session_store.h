// Where sessions, transcripts and the journal of runs are kept, free of how.
//
// Promises that what accept_run() and record_runs() returned from survives a crash of the process
// and of the machine, and that a session's entry keeps every member it came with. Never interprets
// a message.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "workers/agent/gather.h"
#include "workers/agent/ids.h"
#include "workers/agent/model_types.h"
#include "workers/common/base/json.h"
#include "workers/common/base/result.h"

namespace agent {

struct Session {
    SessionKey key;
    // As OpenClaw's sessions.json has it: sessionId, updatedAt and some sixty optional members.
    Json entry = Json::object();

    std::string id() const { return text_member(entry, "sessionId"); }
    int64_t updated_at() const { return int_member(entry, "updatedAt"); }
};

struct RunRecord {
    std::string method;  // "chat" or "agent": each has its own idempotency keys
    std::string run_id;
    SessionKey session;
    std::string spelling;    // the session key as the caller wrote it
    std::string session_id;  // when it was accepted
    int64_t accepted_ms = 0;
    int64_t started_ms = 0;
    int64_t ended_ms = 0;
    // The user's message in transcript form, null for a command; the ids that its entry and the
    // answer's have or will have, so that a later process can tell what was written.
    Json message;
    std::string entry_id;
    std::string answer_id;
    // How it is to be answered, for a later process as well.
    std::string thinking;  // empty: the session's level
    int64_t timeout_ms = 0;
    std::string extra_system;
    // Start a fresh session first. Without a message that is all, confirmed by a short reply.
    bool fresh_session = false;
    std::string model;  // empty: the session's, or the agent's
    // A heartbeat: leaves no trace where there is nothing to say. Its message holds the system
    // events, if there were any.
    enum class Heartbeat { no, plain, with_events };
    Heartbeat heartbeat = Heartbeat::no;
    // While it waits for its turn: whether others may share it, or a turn under way may take it in.
    // Only messages of one route do, whatever that is: an answer has one place to go to.
    std::string route;
    Gather gather = Gather::no;
    bool steers = false;
    Dropped dropped;  // messages that it took the place of
    // Runs whose messages became part of this one's.
    std::vector<std::string> joined;
    // Members of the session's entry that are otherwise for this turn: "thinkingLevel", …
    Json turn;
    // Functions of the caller's own, {name, description, parameters} each: a call of one ends the
    // run, and is its answer. Null: none.
    Json client_tools;
    // Documents that the model is shown in this turn and that the transcript does not keep: blocks
    // {type: "document", mimeType, fileName, data}. In the record only until it is accepted: they
    // are large, and are read when the model is asked.
    Json documents;
    size_t document_bytes = 0;  // of them as base64; 0: there are none
    // Goes on in the conversation that the session has when it is accepted, however old that is and
    // whatever becomes of the session.
    bool continues = false;
    // How often a process began to answer it.
    int attempts = 0;
    // Once its end is decided: "ok", "error" or "aborted", the sentence that goes with it, and the
    // final payload for a duplicate of the request.
    std::string status;
    std::string summary;
    Json payload;

    bool has_ended() const { return ended_ms != 0; }
    // No turn of its own: its message became part of another run's, or was dropped.
    bool was_passed_over() const { return !text_view(payload, "passedOver").empty(); }
    void pass_over(const std::string& why, const std::string& other_run, int64_t now_ms) {
        ended_ms = now_ms;
        status = "ok";
        summary = why;
        payload = Json{{"runId", run_id}, {"status", "ok"}, {"summary", why}, {"passedOver", why}};
        if (!other_run.empty()) payload["inRun"] = other_run;
    }
};

// What the answers of one day took, and cost in dollars.
struct DayUsage {
    int64_t input = 0;
    int64_t output = 0;
    int64_t cache_read = 0;
    int64_t cache_write = 0;
    int64_t total_tokens = 0;
    double cost = 0;
    int64_t missing_costs = 0;  // answers whose cost is not known
    DayUsage& operator+=(const DayUsage& other);
};
using UsageByDay = std::map<std::string, DayUsage>;  // by local day, "2026-01-30"

class SessionStore {
  public:
    virtual ~SessionStore() = default;

    // What a change was about.
    struct Change {
        enum class What { one_session, sessions, else_ };
        What what = What::else_;
        const SessionKey* session = nullptr;  // which one
    };
    // Called after each change of what is kept, here or by other programs as far as that was seen,
    // until the listener is let go.
    using Listener = std::shared_ptr<const std::function<void(const Change&)>>;
    [[nodiscard]] Listener on_changed(std::function<void(const Change&)> handler) {
        auto listener =
            std::make_shared<const std::function<void(const Change&)>>(std::move(handler));
        listeners_.push_back(listener);
        return listener;
    }
    // How often that was. Tells whether something made of what is kept is still right, after
    // look().
    uint64_t changes() const { return changes_; }
    // Takes in what other programs changed.
    virtual void look() = 0;

    virtual Result<std::optional<Session>> find(const SessionKey& key) = 0;
    // Newest first, of one agent or (empty) of all, until the visitor returns false.
    virtual Done visit(const std::string& agent,
                       const std::function<bool(const Session&)>& visitor) = 0;
    // Their keys alone, in the same order: a small part of the cost.
    virtual Result<std::vector<SessionKey>> keys(const std::string& agent) = 0;
    virtual Result<size_t> count(const std::string& agent) = 0;
    // Of all agents, those for which it was chosen when their group is answered (groupActivation).
    virtual Result<std::vector<Session>> with_activation() = 0;
    virtual Done save(const Session& session) = 0;
    // Forgets the entry, also where other programs read it. The transcript stays.
    virtual Done remove(const SessionKey& key) = 0;

    // Small facts that outlive the process, by name; an empty value removes one.
    struct Note {
        std::string name;
        std::string value;
    };
    // All of them in one durable transaction.
    virtual Done put_notes(const std::vector<Note>& notes) = 0;
    // Empty when there is none.
    virtual Result<std::string> note(const std::string& name) = 0;
    // Those whose name begins so.
    virtual Result<std::vector<Note>> notes_under(const std::string& prefix) = 0;

    // Durable when it returns, the notes with it; `changed` may be null.
    virtual Done accept_run(const RunRecord& run, const Session* changed,
                            const std::vector<Note>& notes) = 0;
    // What became of runs, and of their sessions where those changed: one durable transaction for
    // all of it.
    struct RunChange {
        const RunRecord* run = nullptr;
        const Session* session = nullptr;  // null: unchanged
    };
    virtual Done record_runs(const std::vector<RunChange>& changes) = 0;
    virtual Result<std::optional<RunRecord>> find_run(const std::string& method,
                                                      const std::string& run_id) = 0;
    // Accepted and not ended, oldest first; without their documents.
    virtual Result<std::vector<RunRecord>> unfinished_runs() = 0;
    // Of a run that has not ended. Null: there are none.
    virtual Result<Json> documents_of(const RunRecord& run) = 0;

    enum class Durability { soon, now };
    // What a model is shown of the conversation so far.
    virtual Result<std::vector<Message>> context(const Session& session) = 0;
    // Adds a message at the end of the active branch under that id.
    virtual Done append(const Session& session, const std::string& entry_id, const Json& message,
                        Durability durability) = 0;
    // The older part of what a model is shown: as much as leaves about `keep_tokens`, up to the
    // beginning of a turn. No messages: there is none.
    struct OlderPart {
        std::vector<Message> messages;
        std::string first_kept;  // the entry that follows
        int64_t tokens = 0;      // of all, estimated
        int64_t kept_tokens = 0;
    };
    virtual Result<OlderPart> older_part(const Session& session, int64_t keep_tokens) = 0;
    // Shown in its place from here on; the entries themselves stay. Durable when it returns.
    virtual Done append_summary(const Session& session, const OlderPart& part,
                                const std::string& summary) = 0;
    // The child, which has no conversation yet, goes on from where the parent's is now; the
    // parent's stays as it is. False: the parent has none.
    virtual Result<bool> fork(const Session& parent, const Session& child) = 0;
    // Everything appended to it so far is on the disk when it returns.
    virtual Done sync(const Session& session) = 0;
    // Ids of all entries of its transcript.
    virtual Result<std::set<std::string>> entry_ids(const Session& session) = 0;
    // The last `limit` messages before the newest `skip`, oldest first, at most so many bytes as
    // JSON; printed as an array.
    struct HistoryPart {
        size_t limit = 0;
        size_t skip = 0;
        size_t bytes = 0;
    };
    virtual Result<std::string> history(const Session& session, const HistoryPart& part) = 0;
    // The text of the first user message and of the last message; empty when there is none.
    struct Preview {
        std::string first_user_text;
        std::string last_text;
    };
    virtual Preview preview(const Session& session) = 0;

    // Each message of its transcript, newest first, until the visitor returns false.
    virtual Done visit_messages(const Session& session,
                                const std::function<bool(const Json& message)>& visitor) = 0;
    // What all transcripts tell, from that time's day on; calls back later, without keeping the
    // loop. `cost_of` is asked where an answer's cost is not written.
    using CostOf = std::function<std::optional<double>(const ModelName& model, const Json& usage)>;
    virtual void usage(int64_t since_ms, CostOf cost_of,
                       std::function<void(const UsageByDay&)> done) = 0;
    // The message of the entry with that id; null when there is none.
    virtual Result<Json> find_message(const Session& session, const std::string& entry_id) = 0;
    virtual bool has_transcript(const Session& session) = 0;
    // Puts its transcript aside as deleted; where it is now, as told to clients.
    virtual Result<std::vector<std::string>> archive(const Session& session) = 0;
    // Keeps the last entries of its transcript and puts the whole aside.
    struct Compaction {
        bool has_transcript = false;
        size_t kept = 0;
        std::string archived;  // where the whole is now; empty: there were no more entries
    };
    virtual Result<Compaction> keep_last(const Session& session, size_t entries) = 0;

    // How the place is called in answers to clients.
    virtual std::string location(const std::string& agent) const = 0;
    virtual std::string transcript_location(const Session& session) const = 0;
    // Lets go of the memory that only saves time.
    virtual void release_memory() = 0;
    // Brings what other programs read up to date; called before the process ends.
    virtual void close() = 0;

  protected:
    void has_changed(const Change& change) {
        ++changes_;
        std::erase_if(listeners_, [](const auto& listener) { return listener.expired(); });
        for (const auto& listener : listeners_)
            if (const Listener hears = listener.lock()) (*hears)(change);
    }

  private:
    std::vector<std::weak_ptr<const std::function<void(const Change&)>>> listeners_;
    uint64_t changes_ = 0;
};

}  // namespace agent
