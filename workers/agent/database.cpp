#include "workers/agent/database.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "workers/common/base/fd.h"
#include "workers/common/log.h"

namespace agent {

namespace {

constexpr int schema_version = 1;
constexpr int64_t keep_ended_ms = 600'000;  // agent.wait answers for ten minutes
constexpr int64_t keep_ended_most = 1000;
constexpr int64_t prune_every_ms = 60'000;

constexpr const char* schema = R"(
CREATE TABLE sessions(
  agent TEXT NOT NULL, key TEXT NOT NULL, updated_at INTEGER NOT NULL, dirty INTEGER NOT NULL,
  entry TEXT NOT NULL, PRIMARY KEY(agent, key));
CREATE INDEX sessions_by_age ON sessions(updated_at);
CREATE TABLE runs(
  method TEXT NOT NULL, run_id TEXT NOT NULL, agent TEXT NOT NULL, key TEXT NOT NULL,
  spelling TEXT NOT NULL, session_id TEXT NOT NULL, accepted_ms INTEGER NOT NULL,
  started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, message TEXT NOT NULL,
  entry_id TEXT NOT NULL, answer_id TEXT NOT NULL, status TEXT NOT NULL, summary TEXT NOT NULL,
  payload TEXT NOT NULL,
  PRIMARY KEY(method, run_id));
CREATE INDEX runs_by_end ON runs(ended_ms);
CREATE TABLE exchanges(
  agent TEXT PRIMARY KEY, modified_ns INTEGER NOT NULL, size INTEGER NOT NULL);
)";

// A small cache: the whole working set of a turn is a handful of pages.
constexpr const char* settings =
    "PRAGMA synchronous=FULL; PRAGMA cache_size=-128;"
    "PRAGMA wal_autocheckpoint=512; PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=4194304;";

constexpr const char* put_session_sql =
    "INSERT INTO sessions(agent, key, updated_at, dirty, entry) VALUES(?,?,?,?,?) "
    "ON CONFLICT(agent, key) DO UPDATE SET updated_at=excluded.updated_at, "
    "dirty=excluded.dirty, entry=excluded.entry";
constexpr const char* find_session_sql = "SELECT entry FROM sessions WHERE agent=? AND key=?";
constexpr const char* count_sessions_sql = "SELECT count(*) FROM sessions WHERE ?1='' OR agent=?1";
constexpr const char* delete_session_sql = "DELETE FROM sessions WHERE agent=? AND key=?";
constexpr const char* session_rows_sql =
    "SELECT key, updated_at, dirty FROM sessions WHERE agent=?";
constexpr const char* session_texts_sql =
    "SELECT key, entry FROM sessions WHERE agent=? ORDER BY rowid";
constexpr const char* clean_sessions_sql = "UPDATE sessions SET dirty=0 WHERE agent=? AND dirty=1";

#define RUN_COLUMNS                                                                        \
    "method, run_id, agent, key, spelling, session_id, accepted_ms, started_ms, ended_ms," \
    " message, entry_id, answer_id, status, summary, payload"
constexpr const char* put_run_sql =
    "INSERT OR REPLACE INTO runs(" RUN_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
constexpr const char* find_run_sql =
    "SELECT " RUN_COLUMNS " FROM runs WHERE (?1='' OR method=?1) AND run_id=?2";
constexpr const char* unfinished_runs_sql =
    "SELECT " RUN_COLUMNS " FROM runs WHERE ended_ms=0 ORDER BY accepted_ms, rowid";
#undef RUN_COLUMNS
constexpr const char* delete_old_runs_sql = "DELETE FROM runs WHERE ended_ms > 0 AND ended_ms < ?";
constexpr const char* delete_many_runs_sql =
    "DELETE FROM runs WHERE ended_ms > 0 AND ended_ms <= (SELECT ended_ms FROM runs "
    "WHERE ended_ms > 0 ORDER BY ended_ms DESC LIMIT 1 OFFSET ?)";

constexpr const char* put_stamp_sql = "INSERT OR REPLACE INTO exchanges VALUES(?,?,?)";
constexpr const char* find_stamp_sql = "SELECT modified_ns, size FROM exchanges WHERE agent=?";

Error database_error(const std::string& path, const SQLite::Exception& failure) {
    switch (failure.getErrorCode()) {
        case SQLITE_FULL:
            return {Fault::no_storage, "no space is left on the disk for " + path};
        case SQLITE_READONLY:
            return {Fault::no_storage, path + " is on a volume that is read-only"};
        case SQLITE_IOERR:
            return {Fault::no_storage, path + " cannot be read or written: the volume fails"};
        case SQLITE_BUSY:
            return {Fault::busy, path + " is in use by another program"};
        default:
            return {Fault::system, path + ": " + failure.what()};
    }
}

bool is_damage(const SQLite::Exception& failure) {
    return failure.getErrorCode() == SQLITE_CORRUPT || failure.getErrorCode() == SQLITE_NOTADB;
}

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

struct Database::Tables {
    std::string path;
    SQLite::Database file;
    int64_t last_prune_ms = 0;
    std::vector<std::pair<const char*, std::unique_ptr<SQLite::Statement>>> prepared;

    explicit Tables(const std::string& p)
        : path(p),
          file(p, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX, 5000) {
        // No small-object pool: it would be resident whether used or not.
        sqlite3_db_config(file.getHandle(), SQLITE_DBCONFIG_LOOKASIDE, nullptr, 0, 0);
        const int version = file.execAndGet("PRAGMA user_version").getInt();
        if (version > schema_version)
            throw SQLite::Exception("was written by a newer version of this program");
        if (version == 0) create();
        file.exec(settings);
    }

    // Nothing is accepted before the file is on the disk as a whole: SQLite's own way to create it
    // waits for the disk seven times. One torn by a power failure is set aside at the next start.
    void create() {
        file.exec("PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY;");
        SQLite::Transaction transaction(file);
        file.exec(schema);
        file.exec("PRAGMA user_version=" + std::to_string(schema_version));
        transaction.commit();
        file.exec("PRAGMA journal_mode=WAL;");
        synchronise();
    }

    void synchronise() {
        // Through SQLite's descriptor: closing one of our own would drop its locks.
        sqlite3_file* opened = nullptr;
        sqlite3_file_control(file.getHandle(), "main", SQLITE_FCNTL_FILE_POINTER, &opened);
        const Fd folder(::open(path.substr(0, path.rfind('/')).c_str(), O_RDONLY | O_CLOEXEC));
        if (!opened || opened->pMethods->xSync(opened, SQLITE_SYNC_FULL) != SQLITE_OK ||
            ::fsync(folder.get()) != 0)
            throw SQLite::Exception("cannot be written to the disk");
    }

    // A statement is compiled once; the address of its text is its name.
    SQLite::Statement& statement(const char* sql) {
        for (auto& [known, ready] : prepared) {
            if (known != sql) continue;
            ready->tryReset();
            ready->clearBindings();
            return *ready;
        }
        prepared.emplace_back(sql, std::make_unique<SQLite::Statement>(file, sql));
        return *prepared.back().second;
    }

    // Every use of SQLite goes through here: no exception leaves this file. A statement left in
    // the middle would hold its read lock, so all are reset.
    template <typename Action>
    auto guarded(Action action) -> Result<decltype(action())> {
        try {
            if constexpr (std::is_void_v<decltype(action())>) {
                action();
                reset();
                return {};
            } else {
                auto value = action();
                reset();
                return value;
            }
        } catch (const SQLite::Exception& failure) {
            reset();
            return database_error(path, failure);
        }
    }

    void reset() {
        for (auto& [sql, ready] : prepared) ready->tryReset();
    }

    void put_session(const Session& session, bool dirty) {
        SQLite::Statement& put = statement(put_session_sql);
        put.bind(1, session.key.agent);
        put.bind(2, session.key.key);
        put.bind(3, session.updated_at());
        put.bind(4, dirty ? 1 : 0);
        put.bind(5, print_json(session.entry));
        put.exec();
    }

    void put_run(const RunRecord& run) {
        SQLite::Statement& put = statement(put_run_sql);
        const std::string* texts[] = {&run.method,      &run.run_id,   &run.session.agent,
                                      &run.session.key, &run.spelling, &run.session_id};
        int column = 0;
        for (const std::string* text : texts) put.bind(++column, *text);
        put.bind(++column, run.accepted_ms);
        put.bind(++column, run.started_ms);
        put.bind(++column, run.ended_ms);
        // The message is in the transcript once the run has ended.
        put.bind(++column, run.has_ended() ? "null" : print_json(run.message));
        put.bind(++column, run.entry_id);
        put.bind(++column, run.answer_id);
        put.bind(++column, run.status);
        put.bind(++column, run.summary);
        put.bind(++column, print_json(run.payload));
        put.exec();
    }

    static RunRecord run_in(SQLite::Statement& row) {
        RunRecord run;
        run.method = row.getColumn(0).getString();
        run.run_id = row.getColumn(1).getString();
        run.session = {row.getColumn(2).getString(), row.getColumn(3).getString()};
        run.spelling = row.getColumn(4).getString();
        run.session_id = row.getColumn(5).getString();
        run.accepted_ms = row.getColumn(6).getInt64();
        run.started_ms = row.getColumn(7).getInt64();
        run.ended_ms = row.getColumn(8).getInt64();
        run.message = parsed(row.getColumn(9).getString());
        run.entry_id = row.getColumn(10).getString();
        run.answer_id = row.getColumn(11).getString();
        run.status = row.getColumn(12).getString();
        run.summary = row.getColumn(13).getString();
        run.payload = parsed(row.getColumn(14).getString());
        return run;
    }

    void put_stamp(const std::string& agent, const FileStamp& stamp) {
        SQLite::Statement& put = statement(put_stamp_sql);
        put.bind(1, agent);
        put.bind(2, stamp.modified_ns);
        put.bind(3, stamp.size);
        put.exec();
    }

    void prune(int64_t now_ms) {
        if (now_ms - last_prune_ms < prune_every_ms) return;
        last_prune_ms = now_ms;
        SQLite::Statement& old = statement(delete_old_runs_sql);
        old.bind(1, now_ms - keep_ended_ms);
        old.exec();
        SQLite::Statement& many = statement(delete_many_runs_sql);
        many.bind(1, keep_ended_most);
        many.exec();
    }
};

Database::Database(std::unique_ptr<Tables> tables) : tables_(std::move(tables)) {}
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
        SQLite::Statement row(tables_->file,
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

Result<size_t> Database::count(const std::string& agent) {
    return tables_->guarded([&] {
        SQLite::Statement& row = tables_->statement(count_sessions_sql);
        row.bind(1, agent);
        row.executeStep();
        return static_cast<size_t>(row.getColumn(0).getInt64());
    });
}

Done Database::save(const Session& session) {
    return tables_->guarded([&] { tables_->put_session(session, true); });
}

Done Database::accept_run(const RunRecord& run, const Session* changed) {
    return tables_->guarded([&] {
        SQLite::Transaction transaction(tables_->file);
        tables_->prune(run.accepted_ms);
        tables_->put_run(run);
        if (changed) tables_->put_session(*changed, true);
        transaction.commit();
    });
}

Done Database::end_run(const RunRecord& run, const Session* changed) {
    return tables_->guarded([&] {
        SQLite::Transaction transaction(tables_->file);
        tables_->put_run(run);
        if (changed) tables_->put_session(*changed, true);
        transaction.commit();
    });
}

Result<std::optional<RunRecord>> Database::find_run(const std::string& method,
                                                    const std::string& run_id) {
    return tables_->guarded([&]() -> std::optional<RunRecord> {
        SQLite::Statement& row = tables_->statement(find_run_sql);
        row.bind(1, method);
        row.bind(2, run_id);
        if (!row.executeStep()) return std::nullopt;
        return Tables::run_in(row);
    });
}

Result<std::vector<RunRecord>> Database::unfinished_runs() {
    return tables_->guarded([&] {
        SQLite::Statement& row = tables_->statement(unfinished_runs_sql);
        std::vector<RunRecord> runs;
        while (row.executeStep()) runs.push_back(Tables::run_in(row));
        return runs;
    });
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

Done Database::visit_texts(const std::string& agent, const EntryWriter& writer) {
    return tables_->guarded([&] {
        SQLite::Statement& row = tables_->statement(session_texts_sql);
        row.bind(1, agent);
        while (row.executeStep())
            writer(row.getColumn(0).getString(), row.getColumn(1).getString());
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
                     const std::vector<Session>& changed, const std::vector<std::string>& removed) {
    return tables_->guarded([&] {
        SQLite::Transaction transaction(tables_->file);
        for (const Session& session : changed) tables_->put_session(session, false);
        for (const std::string& key : removed) {
            SQLite::Statement& remove = tables_->statement(delete_session_sql);
            remove.bind(1, agent);
            remove.bind(2, key);
            remove.exec();
        }
        tables_->put_stamp(agent, stamp);
        transaction.commit();
    });
}

Done Database::exported(const std::string& agent, const FileStamp& stamp) {
    return tables_->guarded([&] {
        SQLite::Transaction transaction(tables_->file);
        SQLite::Statement& clean = tables_->statement(clean_sessions_sql);
        clean.bind(1, agent);
        clean.exec();
        tables_->put_stamp(agent, stamp);
        transaction.commit();
    });
}

void Database::release_memory() {
    tables_->prepared.clear();  // prepared again when next used
    sqlite3_db_release_memory(tables_->file.getHandle());
}

}  // namespace agent
