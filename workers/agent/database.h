// The SQLite file behind the embedded store: the session index, the journal of runs, and what was
// last exchanged with sessions.json.
//
// Promises that a transaction is on the disk when it returns (write-ahead log, synchronous FULL),
// that a damaged file is set aside rather than trusted, and that no exception leaves it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "workers/agent/channels/channel_store.h"
#include "workers/agent/session_store.h"
#include "workers/agent/sessions_json.h"
#include "workers/agent/sessions_reader.h"

namespace agent {

class Tables;

class Database {
  public:
    // Creates file and tables. `now_ms` names a damaged file that is set aside.
    static Result<std::unique_ptr<Database>> open(const std::string& path, int64_t now_ms);
    ~Database();

    // Sessions. A changed one is `dirty` until it is exported.
    Result<std::optional<Session>> find(const SessionKey& key);
    Done visit(const std::string& agent, const std::function<bool(const Session&)>& visitor);
    Result<std::vector<SessionKey>> keys(const std::string& agent);
    Result<size_t> count(const std::string& agent);
    Result<std::vector<Session>> with_activation();
    Done save(const Session& session);
    // Remembered as deleted until that is exported.
    Done remove(const SessionKey& key, int64_t now_ms);

    // Notes.
    Done put_notes(const std::vector<SessionStore::Note>& notes);
    Result<std::string> note(const std::string& name);
    Result<std::vector<SessionStore::Note>> notes_under(const std::string& prefix);

    // Runs.
    Done accept_run(const RunRecord& run, const Session* changed,
                    const std::vector<SessionStore::Note>& notes);
    Done record_runs(const std::vector<SessionStore::RunChange>& changes);
    Result<std::optional<RunRecord>> find_run(const std::string& method, const std::string& run_id);
    Result<std::vector<RunRecord>> unfinished_runs();
    Result<Json> documents_of(const RunRecord& run);

    // The exchange with sessions.json.
    struct Row {
        std::string key;
        int64_t updated_at = 0;
        bool dirty = false;
    };
    Result<std::vector<Row>> rows(const std::string& agent);
    // Keys that were deleted here since the last export, and when.
    Result<std::map<std::string, int64_t>> deletions(const std::string& agent);
    // Agents with sessions that changed since the last export.
    Result<std::vector<std::string>> unexported_agents();
    // What has changed so far is what is being exported; what changes from here on is not.
    Done begin_export(const std::string& agent);
    // Entries as text in the order they were made, from the one after `row` on, until the visitor
    // returns false. A change meanwhile may be seen or not.
    struct Texts {
        int64_t row = 0;  // of the last one
        bool is_end = false;
    };
    using TextVisitor = std::function<bool(const std::string& key, const std::string& entry_json)>;
    Result<Texts> visit_texts(const std::string& agent, int64_t row, const TextVisitor& visitor);
    // The file as of the last exchange; nothing when there was none.
    Result<std::optional<FileStamp>> exchanged(const std::string& agent);
    // What a merge changes, in one transaction. Entries are read one at a time; one that cannot be
    // ends it, and nothing has changed.
    using EntryReader = std::function<Result<Json>(const IndexEntry&)>;
    Done merge(const std::string& agent, const FileStamp& stamp,
               const std::vector<IndexEntry>& changed, const std::vector<std::string>& removed,
               const EntryReader& read);
    // With begin_export()'s changes, and these deletions.
    Done exported(const std::string& agent, const FileStamp& stamp,
                  const std::map<std::string, int64_t>& deletions);

    ChannelStore& channels() { return *channels_; }

    // Drops what SQLite keeps of the file in memory.
    void release_memory();

  private:
    explicit Database(std::unique_ptr<Tables> tables);
    void delete_session(const SessionKey& key);

    std::unique_ptr<Tables> tables_;
    std::unique_ptr<ChannelStore> channels_;
};

}  // namespace agent
