#include "workers/agent/database.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "workers/agent/channels/channel_tables.h"
#include "workers/agent/database_tables.h"
#include "workers/common/base/fd.h"
#include "workers/common/log.h"

namespace agent {

namespace {

constexpr const char* find_session_sql = "SELECT entry FROM sessions WHERE agent=? AND key=?";
constexpr const char* session_keys_sql =
    "SELECT agent, key FROM sessions WHERE ?1='' OR agent=?1 ORDER BY updated_at DESC";
constexpr const char* count_sessions_sql = "SELECT count(*) FROM sessions WHERE ?1='' OR agent=?1";
// The condition of the index sessions_with_activation, word for word.
constexpr const char* with_activation_sql =
    "SELECT agent, key, entry FROM sessions WHERE instr(entry, '\"groupActivation\"') > 0";
constexpr const char* delete_session_sql = "DELETE FROM sessions WHERE agent=? AND key=?";
constexpr const char* session_rows_sql =
    "SELECT key, updated_at, dirty FROM sessions WHERE agent=?";
// By the index of agents alone: that of agents and keys would sort them for each part, and a walk
// through all rows would take a small agent through a large one's.
constexpr const char* session_texts_sql =
    "SELECT rowid, key, entry FROM sessions INDEXED BY sessions_by_agent"
    " WHERE rowid>?2 AND agent=?1 ORDER BY rowid";
// 1: changed; 2: changed before the export under way began. The second condition is the index's.
constexpr const char* begin_export_sql =
    "UPDATE sessions INDEXED BY sessions_unexported SET dirty=2"
    " WHERE agent=? AND dirty>0 AND dirty=1";
constexpr const char* clean_sessions_sql =
    "UPDATE sessions INDEXED BY sessions_unexported SET dirty=0"
    " WHERE agent=? AND dirty>0 AND dirty=2";
// No earlier than the entry's own time: a clock may have been set back.
constexpr const char* put_deletion_sql =
    "INSERT OR REPLACE INTO deletions VALUES(?1, ?2, max(?3, coalesce("
    "(SELECT updated_at FROM sessions WHERE agent=?1 AND key=?2), 0)))";
constexpr const char* deletions_sql = "SELECT key, deleted_ms FROM deletions WHERE agent=?";
constexpr const char* forget_told_deletion_sql =
    "DELETE FROM deletions WHERE agent=? AND key=? AND deleted_ms=?";
constexpr const char* unexported_sql =
    "SELECT agent FROM sessions WHERE dirty>0 UNION SELECT agent FROM deletions";
constexpr const char* find_note_sql = "SELECT value FROM notes WHERE name=?";
constexpr const char* notes_under_sql =
    "SELECT name, value FROM notes WHERE substr(name, 1, length(?1))=?1 ORDER BY name";
constexpr const char* find_stamp_sql = "SELECT modified_ns, size FROM exchanges WHERE agent=?";

Json parsed(const std::string& text) {
    Result<Json> value = parse_json(text);
    return value ? std::move(*value) : Json();
}

void set_aside(const std::string& path, int64_t now_ms) {
    const std::string aside = path + ".damaged-" + std::to_string(now_ms);
    log_warn(
        "{} is damaged and was set aside as {}; the sessions are read from sessions.json again",
        path, aside);
    std::rename(path.c_str(), aside.c_str());
    std::rename((path + "-wal").c_str(), (aside + "-wal").c_str());
    std::remove((path + "-shm").c_str());
}

}  // namespace

Database::Database(std::unique_ptr<Tables> tables)
    : tables_(std::move(tables)), channels_(std::make_unique<ChannelTables>(*tables_)) {}
Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::open(const std::string& path, int64_t now_ms) {
    for (int attempt = 0; attempt < 2; ++attempt) {
        // Messages are in it; its companions inherit the mode.
        Fd created(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        if (!created) return system_error("cannot open " + path, errno);
        created.reset();  // before SQLite locks the file: closing it later would unlock it
        try {
            return std::unique_ptr<Database>(new Database(std::make_unique<Tables>(path)));
        } catch (const SQLite::Exception& failure) {
            if (!is_damage(failure) || attempt > 0) return database_error(path, failure);
            set_aside(path, now_ms);
        }
    }
    return Error{Fault::system, "cannot open " + path};
}

Result<std::optional<Session>> Database::find(const SessionKey& key) {
    return tables_->guarded([&]() -> std::optional<Session> {
        SQLite::Statement& row = tables_->statement(find_session_sql);
        row.bind(1, key.agent);
        row.bind(2, key.key);
        if (!row.executeStep()) return std::nullopt;
        return Session{key, parsed(row.getColumn(0).getString())};
    });
}

Done Database::visit(const std::string& agent, const std::function<bool(const Session&)>& visitor) {
    return tables_->guarded([&] {
        // Not one of the prepared ones: the visitor may use those.
        SQLite::Statement row(tables_->file(),
                              "SELECT agent, key, entry FROM sessions WHERE ?1='' OR agent=?1 "
                              "ORDER BY updated_at DESC");
        row.bind(1, agent);
        while (row.executeStep()) {
            Session session{{row.getColumn(0).getString(), row.getColumn(1).getString()},
                            parsed(row.getColumn(2).getString())};
            if (session.entry.is_object() && !visitor(session)) break;
        }
    });
}

Result<std::vector<SessionKey>> Database::keys(const std::string& agent) {
    return tables_->guarded([&] {
        SQLite::Statement& row = tables_->statement(session_keys_sql);
        row.bind(1, agent);
        std::vector<SessionKey> keys;
        while (row.executeStep())
            keys.push_back({row.getColumn(0).getString(), row.getColumn(1).getString()});
        return keys;
    });
}

Result<size_t> Database::count(const std::string& agent) {
    return tables_->guarded([&] {
        SQLite::Statement& row = tables_->statement(count_sessions_sql);
        row.bind(1, agent);
        row.executeStep();
        return static_cast<size_t>(row.getColumn(0).getInt64());
    });
}

Result<std::vector<Session>> Database::with_activation() {
    return tables_->guarded([&] {
        SQLite::Statement& row = tables_->statement(with_activation_sql);
        std::vector<Session> found;
        while (row.executeStep())
            found.push_back({{row.getColumn(0).getString(), row.getColumn(1).getString()},
                             parsed(row.getColumn(2).getString())});
        std::erase_if(found, [](const Session& session) { return !session.entry.is_object(); });
        return found;
    });
}

Done Database::save(const Session& session) {
    return tables_->guarded([&] { tables_->put_session(session, true); });
}

Done Database::remove(const SessionKey& key, int64_t now_ms) {
    return tables_->guarded([&] {
        SQLite::Transaction transaction(tables_->file());
        SQLite::Statement& put = tables_->statement(put_deletion_sql);
        put.bind(1, key.agent);
        put.bind(2, key.key);
        put.bind(3, now_ms);
        put.exec();
        delete_session(key);
        transaction.commit();
    });
}

void Database::delete_session(const SessionKey& key) {
    SQLite::Statement& remove = tables_->statement(delete_session_sql);
    remove.bind(1, key.agent);
    remove.bind(2, key.key);
    remove.exec();
}

Done Database::put_notes(const std::vector<SessionStore::Note>& notes) {
    return tables_->guarded([&] {
        SQLite::Transaction transaction(tables_->file());
        tables_->put_notes(notes);
        transaction.commit();
    });
}

Result<std::string> Database::note(const std::string& name) {
    return tables_->guarded([&]() -> std::string {
        SQLite::Statement& row = tables_->statement(find_note_sql);
        row.bind(1, name);
        return row.executeStep() ? row.getColumn(0).getString() : std::string();
    });
}

Result<std::vector<SessionStore::Note>> Database::notes_under(const std::string& prefix) {
    return tables_->guarded([&] {
        SQLite::Statement& row = tables_->statement(notes_under_sql);
        row.bind(1, prefix);
        std::vector<SessionStore::Note> notes;
        while (row.executeStep())
            notes.push_back({row.getColumn(0).getString(), row.getColumn(1).getString()});
        return notes;
    });
}

Done Database::accept_run(const RunRecord& run, const Session* changed,
                          const std::vector<SessionStore::Note>& notes) {
    return tables_->guarded([&] {
        SQLite::Transaction transaction(tables_->file());
        tables_->prune_runs(run.accepted_ms);
        tables_->put_notes(notes);
        tables_->put_run(run);
        if (changed) tables_->put_session(*changed, true);
        transaction.commit();
    });
}

Done Database::record_runs(const std::vector<SessionStore::RunChange>& changes) {
    return tables_->guarded([&] {
        SQLite::Transaction transaction(tables_->file());
        for (const SessionStore::RunChange& change : changes) {
            tables_->put_run(*change.run);
            if (change.session) tables_->put_session(*change.session, true);
        }
        transaction.commit();
    });
}

Result<std::optional<RunRecord>> Database::find_run(const std::string& method,
                                                    const std::string& run_id) {
    return tables_->guarded([&]() -> std::optional<RunRecord> {
        SQLite::Statement& row = tables_->statement(
            method.empty() ? Tables::find_run_of_any_method_sql : Tables::find_run_sql);
        if (!method.empty()) row.bind(1, method);
        row.bind(method.empty() ? 1 : 2, run_id);
        if (!row.executeStep()) return std::nullopt;
        return Tables::run_in(row);
    });
}

Result<std::vector<RunRecord>> Database::unfinished_runs() {
    return tables_->guarded([&] {
        SQLite::Statement& row = tables_->statement(Tables::unfinished_runs_sql);
        std::vector<RunRecord> runs;
        while (row.executeStep()) runs.push_back(Tables::run_in(row));
        return runs;
    });
}

Result<Json> Database::documents_of(const RunRecord& run) {
    return tables_->guarded([&] { return tables_->documents_of(run); });
}

Result<std::vector<Database::Row>> Database::rows(const std::string& agent) {
    return tables_->guarded([&] {
        SQLite::Statement& row = tables_->statement(session_rows_sql);
        row.bind(1, agent);
        std::vector<Row> found;
        while (row.executeStep())
            found.push_back({row.getColumn(0).getString(), row.getColumn(1).getInt64(),
                             row.getColumn(2).getInt() != 0});
        return found;
    });
}

Result<std::map<std::string, int64_t>> Database::deletions(const std::string& agent) {
    return tables_->guarded([&] {
        SQLite::Statement& row = tables_->statement(deletions_sql);
        row.bind(1, agent);
        std::map<std::string, int64_t> found;
        while (row.executeStep()) found[row.getColumn(0).getString()] = row.getColumn(1).getInt64();
        return found;
    });
}

Result<std::vector<std::string>> Database::unexported_agents() {
    return tables_->guarded([&] {
        SQLite::Statement& row = tables_->statement(unexported_sql);
        std::vector<std::string> agents;
        while (row.executeStep()) agents.push_back(row.getColumn(0).getString());
        return agents;
    });
}

Done Database::begin_export(const std::string& agent) {
    return tables_->guarded([&] {
        SQLite::Statement& begin = tables_->statement(begin_export_sql);
        begin.bind(1, agent);
        begin.exec();
    });
}

Result<Database::Texts> Database::visit_texts(const std::string& agent, int64_t row,
                                              const TextVisitor& visitor) {
    return tables_->guarded([&] {
        SQLite::Statement& entry = tables_->statement(session_texts_sql);
        entry.bind(1, agent);
        entry.bind(2, row);
        Texts seen{row, false};
        while (entry.executeStep()) {
            seen.row = entry.getColumn(0).getInt64();
            if (!visitor(entry.getColumn(1).getString(), entry.getColumn(2).getString()))
                return seen;
        }
        seen.is_end = true;
        return seen;
    });
}

Result<std::optional<FileStamp>> Database::exchanged(const std::string& agent) {
    return tables_->guarded([&]() -> std::optional<FileStamp> {
        SQLite::Statement& row = tables_->statement(find_stamp_sql);
        row.bind(1, agent);
        if (!row.executeStep()) return std::nullopt;
        return FileStamp{row.getColumn(0).getInt64(), row.getColumn(1).getInt64()};
    });
}

Done Database::merge(const std::string& agent, const FileStamp& stamp,
                     const std::vector<IndexEntry>& changed,
                     const std::vector<std::string>& removed, const EntryReader& read) {
    Done all_read;
    const Done done = tables_->guarded([&] {
        SQLite::Transaction transaction(tables_->file());
        for (const IndexEntry& place : changed) {
            Result<Json> entry = read(place);
            if (!entry) {
                all_read = entry.error();
                return;
            }
            tables_->put_session({{agent, place.key}, std::move(*entry)}, false);
        }
        for (const std::string& key : removed) delete_session({agent, key});
        tables_->put_stamp(agent, stamp);
        transaction.commit();
    });
    return done ? all_read : done;
}

Done Database::exported(const std::string& agent, const FileStamp& stamp,
                        const std::map<std::string, int64_t>& deletions) {
    return tables_->guarded([&] {
        SQLite::Transaction transaction(tables_->file());
        SQLite::Statement& clean = tables_->statement(clean_sessions_sql);
        clean.bind(1, agent);
        clean.exec();
        for (const auto& [key, deleted_ms] : deletions) {
            SQLite::Statement& told = tables_->statement(forget_told_deletion_sql);
            told.bind(1, agent);
            told.bind(2, key);
            told.bind(3, deleted_ms);
            told.exec();
        }
        tables_->put_stamp(agent, stamp);
        transaction.commit();
    });
}

void Database::release_memory() {
    tables_->forget_statements();  // prepared again when next used
    sqlite3_db_release_memory(tables_->file().getHandle());
}

}  // namespace agent
