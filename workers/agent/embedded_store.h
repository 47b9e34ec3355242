// The session store of a single machine: one SQLite file for the index and the journal of runs,
// transcripts as JSONL files in OpenClaw's layout, sessions.json kept in step for the stock tools.
//
// Promises to be the only writer of `agents/` and `hardshell/agent/` below its directory but for
// the stock tools, whose changes to sessions.json are merged: the newer entry wins.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "workers/agent/conversations.h"
#include "workers/agent/database.h"
#include "workers/agent/session_store.h"
#include "workers/agent/usage_scan.h"
#include "workers/common/base/loop.h"

namespace agent {

class EmbeddedStore final : public SessionStore {
  public:
    struct Options {
        std::string directory = ".";  // the state directory, as this process reaches it
        std::string shown_directory;  // the same, absolute, for messages and files
        KeyDefaults keys;
        std::function<int64_t()> now_ms;
        // The loop is kept no longer at a time by writing sessions.json.
        std::chrono::milliseconds export_slice{4};
    };
    static Result<std::unique_ptr<EmbeddedStore>> open(Loop& loop, Options options);

    void look() override;
    Result<std::optional<Session>> find(const SessionKey& key) override;
    Done visit(const std::string& agent,
               const std::function<bool(const Session&)>& visitor) override;
    Result<std::vector<SessionKey>> keys(const std::string& agent) override;
    Result<size_t> count(const std::string& agent) override;
    Result<std::vector<Session>> with_activation() override;
    Done save(const Session& session) override;
    Done remove(const SessionKey& key) override;
    Result<std::vector<std::string>> archive(const Session& session) override;
    Result<Compaction> keep_last(const Session& session, size_t entries) override;
    Done put_notes(const std::vector<Note>& notes) override;
    Result<std::string> note(const std::string& name) override;
    Result<std::vector<Note>> notes_under(const std::string& prefix) override;
    Done accept_run(const RunRecord& run, const Session* changed,
                    const std::vector<Note>& notes) override;
    Done record_runs(const std::vector<RunChange>& changes) override;
    Result<std::optional<RunRecord>> find_run(const std::string& method,
                                              const std::string& run_id) override;
    Result<std::vector<RunRecord>> unfinished_runs() override;
    Result<Json> documents_of(const RunRecord& run) override;
    Result<std::vector<Message>> context(const Session& session) override;
    Done append(const Session& session, const std::string& entry_id, const Json& message,
                Durability durability) override;
    Result<OlderPart> older_part(const Session& session, int64_t keep_tokens) override;
    Done append_summary(const Session& session, const OlderPart& part,
                        const std::string& summary) override;
    Result<bool> fork(const Session& parent, const Session& child) override;
    Done sync(const Session& session) override;
    Result<std::set<std::string>> entry_ids(const Session& session) override;
    Result<std::string> history(const Session& session, const HistoryPart& part) override;
    Preview preview(const Session& session) override;
    Done visit_messages(const Session& session,
                        const std::function<bool(const Json& message)>& visitor) override;
    void usage(int64_t since_ms, CostOf cost_of,
               std::function<void(const UsageByDay&)> done) override;
    Result<Json> find_message(const Session& session, const std::string& entry_id) override;
    bool has_transcript(const Session& session) override;
    std::string location(const std::string& agent) const override;
    std::string transcript_location(const Session& session) const override;
    void release_memory() override;
    void close() override;

    // In the same file.
    ChannelStore& channels() { return database_->channels(); }

    // How long after a change sessions.json is written.
    static constexpr std::chrono::milliseconds export_delay{1000};

  private:
    EmbeddedStore(Loop& loop, Options options, std::unique_ptr<Database> database);
    std::string sessions_directory(const std::string& agent) const;
    std::string index_path(const std::string& agent) const;
    Result<std::string> transcript_path(const Session& session) const;
    // A path as clients are told it.
    std::string shown(const std::string& path) const;
    Done prepare_directory(const std::string& agent);
    void find_agents();
    // Reads sessions.json when it is not as it was left.
    void refresh(const std::string& agent);
    Done import(const std::string& agent, const FileStamp& stamp);
    std::vector<IndexEntry> in_place(std::vector<IndexEntry> file, const std::string& agent) const;
    void changed(const SessionKey& session);
    // embedded_export.cpp
    struct Export {
        std::string agent;
        FileStamp seen;                            // sessions.json as it was when this began
        std::map<std::string, int64_t> deletions;  // until then
        SessionsFile file;
        int64_t row = 0;  // the last one in it
    };
    void export_soon(const std::string& agent);
    void schedule_export();
    void export_slice(std::chrono::milliseconds longest);
    Done begin_export(const std::string& agent);
    Result<bool> write_until(int64_t until_ms);
    Done finish_export();
    void export_ended(const std::string& agent, const Done& done);
    void keep_unreadable(const std::string& agent);

    Loop& loop_;
    Options options_;
    std::unique_ptr<Database> database_;
    Conversations conversations_;
    UsageScan usage_;
    std::set<std::string> agents_;                 // that have a sessions folder
    std::map<std::string, FileStamp> exchanged_;   // sessions.json as last read or written
    std::map<std::string, FileStamp> unreadable_;  // and as last refused
    std::set<std::string> to_export_;
    std::set<std::string> round_;                        // of those, the ones whose turn it is
    std::optional<Export> export_;                       // under way
    int64_t export_spent_ms_ = 0;                        // of processor time, in this round
    std::map<std::string, std::string> export_trouble_;  // what was last said, by agent
    Loop::Registration export_timer_;
    // A large store takes long, and all of it is written each time.
    std::chrono::milliseconds export_pause_ = export_delay;
};

}  // namespace agent
