#include "workers/agent/database_tables.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "workers/common/base/fd.h"

namespace agent {

namespace {

constexpr int64_t keep_ended_ms = 600'000;  // agent.wait answers for ten minutes
constexpr int64_t keep_ended_most = 1000;
constexpr int64_t prune_every_ms = 60'000;

// What makes each version of the tables from the one before. Only ever added to.
constexpr const char* versions[] = {
    R"(
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
)",
    // Sessions that were deleted here and may still be in sessions.json.
    R"(
CREATE TABLE deletions(
  agent TEXT NOT NULL, key TEXT NOT NULL, deleted_ms INTEGER NOT NULL, PRIMARY KEY(agent, key));
)",
    // How often a run was begun, and how it is to be answered. What is in the older journal may
    // have been begun.
    R"(
ALTER TABLE runs ADD COLUMN attempts INTEGER NOT NULL DEFAULT 1;
ALTER TABLE runs ADD COLUMN wishes TEXT NOT NULL DEFAULT '{}';
)",
    // What is remembered beside sessions and runs: which jobs were begun, when a heart last beat.
    R"(
CREATE TABLE notes(name TEXT PRIMARY KEY, value TEXT NOT NULL);
)",
    // What people wrote on channels until it is answered, and what they are to be told until they
    // have it; both stay known for a while, so that repetitions are recognised.
    R"(
CREATE TABLE inbound(
  worker TEXT NOT NULL, key TEXT NOT NULL, received_ms INTEGER NOT NULL, done_ms INTEGER NOT NULL,
  message BLOB NOT NULL, UNIQUE(worker, key));
CREATE INDEX inbound_open ON inbound(received_ms) WHERE done_ms=0;
CREATE INDEX inbound_done ON inbound(done_ms);
CREATE TABLE outbound(
  id TEXT NOT NULL UNIQUE, worker TEXT NOT NULL, chat TEXT NOT NULL, agent TEXT NOT NULL,
  session TEXT NOT NULL, origin TEXT NOT NULL, created_ms INTEGER NOT NULL,
  next_try_ms INTEGER NOT NULL, settled_ms INTEGER NOT NULL, attempts INTEGER NOT NULL,
  part INTEGER NOT NULL, parts INTEGER NOT NULL, part_begun INTEGER NOT NULL,
  state INTEGER NOT NULL, platform_id TEXT NOT NULL, reason TEXT NOT NULL, message BLOB NOT NULL,
  is_change INTEGER NOT NULL);
CREATE INDEX outbound_open ON outbound(created_ms) WHERE state=0;
CREATE INDEX outbound_by_origin ON outbound(origin);
CREATE INDEX outbound_settled ON outbound(settled_ms);
)",
    // How many processes began to handle a message that has no run yet.
    R"(
ALTER TABLE inbound ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
)",
};
constexpr int present_version = static_cast<int>(std::size(versions));

// Made where they are missing, without a version of their own: a program of the same version that
// knows nothing of them still opens the file.
constexpr const char* additions = R"(
CREATE INDEX IF NOT EXISTS sessions_by_agent ON sessions(agent);
-- Few among very many: those that sessions.json does not have as they are, and those whose group is
-- answered as it was chosen there.
CREATE INDEX IF NOT EXISTS sessions_unexported ON sessions(agent) WHERE dirty > 0;
CREATE INDEX IF NOT EXISTS sessions_with_activation ON sessions(agent)
  WHERE instr(entry, '"groupActivation"') > 0;
-- Of runs that have not ended: apart from them, for they are many times larger.
CREATE TABLE IF NOT EXISTS documents(
  method TEXT NOT NULL, run_id TEXT NOT NULL, blocks TEXT NOT NULL, PRIMARY KEY(method, run_id));
)";

// A small cache: the whole working set of a turn is a handful of pages.
constexpr const char* settings =
    "PRAGMA synchronous=FULL; PRAGMA cache_size=-128;"
    "PRAGMA wal_autocheckpoint=512; PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=4194304;";

constexpr const char* put_session_sql =
    "INSERT INTO sessions(agent, key, updated_at, dirty, entry) VALUES(?,?,?,?,?) "
    "ON CONFLICT(agent, key) DO UPDATE SET updated_at=excluded.updated_at, "
    "dirty=excluded.dirty, entry=excluded.entry";
constexpr const char* forget_deletion_sql = "DELETE FROM deletions WHERE agent=? AND key=?";

#define RUN_COLUMNS                                                                        \
    "method, run_id, agent, key, spelling, session_id, accepted_ms, started_ms, ended_ms," \
    " message, entry_id, answer_id, status, summary, payload, attempts, wishes"
// Replaced in place: a run keeps its row, and by that its order among those of one millisecond.
constexpr const char* put_run_sql =
    "INSERT INTO runs(" RUN_COLUMNS
    ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) "
    "ON CONFLICT(method, run_id) DO UPDATE SET agent=excluded.agent, key=excluded.key, "
    "spelling=excluded.spelling, session_id=excluded.session_id, "
    "accepted_ms=excluded.accepted_ms, started_ms=excluded.started_ms, "
    "ended_ms=excluded.ended_ms, message=excluded.message, entry_id=excluded.entry_id, "
    "answer_id=excluded.answer_id, status=excluded.status, summary=excluded.summary, "
    "payload=excluded.payload, attempts=excluded.attempts, wishes=excluded.wishes";
// Not those that a message of a channel, or a promise to tell of them, has not been settled by yet.
#define IS_NOT_WANTED                                                                             \
    " AND run_id NOT IN (SELECT 'channel:' || worker || ':' || key FROM inbound WHERE done_ms=0)" \
    " AND run_id NOT IN (SELECT substr(name, instr(name, '/') + 1) FROM notes"                    \
    " WHERE substr(name, 1, instr(name, '/')) IN ('deliver/', 'beat/', 'announce/'))"
constexpr const char* delete_old_runs_sql =
    "DELETE FROM runs WHERE ended_ms > 0 AND ended_ms < ?" IS_NOT_WANTED;
constexpr const char* delete_many_runs_sql =
    "DELETE FROM runs WHERE ended_ms > 0 AND ended_ms <= (SELECT ended_ms FROM runs "
    "WHERE ended_ms > 0 ORDER BY ended_ms DESC LIMIT 1 OFFSET ?)" IS_NOT_WANTED;
#undef IS_NOT_WANTED
constexpr const char* put_documents_sql = "INSERT OR REPLACE INTO documents VALUES(?,?,?)";
constexpr const char* find_documents_sql =
    "SELECT blocks FROM documents WHERE method=? AND run_id=?";
constexpr const char* delete_documents_sql = "DELETE FROM documents WHERE method=? AND run_id=?";
// A program that knows nothing of documents ends runs without them.
constexpr const char* delete_old_documents_sql =
    "DELETE FROM documents WHERE NOT EXISTS (SELECT 1 FROM runs WHERE"
    " runs.method=documents.method AND runs.run_id=documents.run_id AND runs.ended_ms=0)";

constexpr const char* put_note_sql = "INSERT OR REPLACE INTO notes VALUES(?,?)";
constexpr const char* delete_note_sql = "DELETE FROM notes WHERE name=?";
constexpr const char* put_stamp_sql = "INSERT OR REPLACE INTO exchanges VALUES(?,?,?)";

Json json_in(const std::string& text) {
    Result<Json> value = parse_json(text);
    return value ? std::move(*value) : Json();
}

void put_waits(const RunRecord& run, Json& wishes) {
    if (!run.route.empty()) wishes["route"] = run.route;
    if (run.gather == Gather::join) wishes["gather"] = "join";
    if (run.gather == Gather::collect) wishes["gather"] = "collect";
    if (run.steers) wishes["steers"] = true;
    if (!run.joined.empty()) wishes["joined"] = run.joined;
    if (run.dropped.count > 0)
        wishes["dropped"] = {{"count", run.dropped.count}, {"lines", run.dropped.lines}};
}

std::vector<std::string> texts_in(const Json& list) {
    std::vector<std::string> texts;
    if (list.is_array())
        for (const Json& one : list)
            if (one.is_string()) texts.push_back(one.get<std::string>());
    return texts;
}

void take_waits(const Json& wishes, RunRecord& run) {
    run.route = text_member(wishes, "route");
    const std::string gather = text_member(wishes, "gather");
    if (gather == "join") run.gather = Gather::join;
    if (gather == "collect") run.gather = Gather::collect;
    run.steers = bool_member(wishes, "steers");
    run.joined = texts_in(member(wishes, "joined"));
    const Json& dropped = member(wishes, "dropped");
    run.dropped.count = static_cast<size_t>(std::max<int64_t>(0, int_member(dropped, "count")));
    run.dropped.lines = texts_in(member(dropped, "lines"));
}

std::string wishes_of(const RunRecord& run) {
    Json wishes = Json::object();
    if (!run.thinking.empty()) wishes["thinking"] = run.thinking;
    if (run.timeout_ms != 0) wishes["timeoutMs"] = run.timeout_ms;
    if (!run.extra_system.empty()) wishes["extraSystem"] = run.extra_system;
    if (run.fresh_session) wishes["freshSession"] = true;
    if (!run.model.empty()) wishes["model"] = run.model;
    if (run.heartbeat != RunRecord::Heartbeat::no)
        wishes["heartbeat"] =
            run.heartbeat == RunRecord::Heartbeat::with_events ? "events" : "plain";
    if (!run.turn.is_null()) wishes["turn"] = run.turn;
    if (!run.client_tools.is_null()) wishes["clientTools"] = run.client_tools;
    if (run.document_bytes > 0 && !run.has_ended()) wishes["documentBytes"] = run.document_bytes;
    if (run.continues) wishes["continues"] = true;
    put_waits(run, wishes);
    return print_json(wishes);
}

void take_wishes(const Json& wishes, RunRecord& run) {
    run.thinking = text_member(wishes, "thinking");
    run.timeout_ms = int_member(wishes, "timeoutMs");
    run.extra_system = text_member(wishes, "extraSystem");
    run.fresh_session = bool_member(wishes, "freshSession");
    run.model = text_member(wishes, "model");
    const std::string heartbeat = text_member(wishes, "heartbeat");
    if (heartbeat == "events") run.heartbeat = RunRecord::Heartbeat::with_events;
    if (heartbeat == "plain") run.heartbeat = RunRecord::Heartbeat::plain;
    run.turn = member(wishes, "turn");
    run.client_tools = member(wishes, "clientTools");
    run.document_bytes =
        static_cast<size_t>(std::max<int64_t>(0, int_member(wishes, "documentBytes")));
    run.continues = bool_member(wishes, "continues");
    take_waits(wishes, run);
}

}  // namespace

const char* const Tables::find_run_sql =
    "SELECT " RUN_COLUMNS " FROM runs WHERE method=?1 AND run_id=?2";
// From one method to the next in the index, of which there are few: looking through all runs took
// longer with each one that is kept.
const char* const Tables::find_run_of_any_method_sql =
    "WITH RECURSIVE methods(name) AS (SELECT min(method) FROM runs UNION ALL"
    " SELECT (SELECT min(method) FROM runs WHERE method>name) FROM methods WHERE name IS NOT NULL)"
    " SELECT " RUN_COLUMNS " FROM runs WHERE method IN (SELECT name FROM methods) AND run_id=?1";
const char* const Tables::unfinished_runs_sql =
    "SELECT " RUN_COLUMNS " FROM runs WHERE ended_ms=0 ORDER BY accepted_ms, rowid";
#undef RUN_COLUMNS

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

Tables::Tables(const std::string& path)
    : path_(path),
      file_(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX, 5000) {
    // No small-object pool: it would be resident whether used or not.
    sqlite3_db_config(file_.getHandle(), SQLITE_DBCONFIG_LOOKASIDE, nullptr, 0, 0);
    const int version = file_.execAndGet("PRAGMA user_version").getInt();
    if (version > present_version)
        throw SQLite::Exception("was written by a newer version of this program");
    if (version == 0) create();
    file_.exec(settings);
    if (version != 0 && version < present_version) upgrade(version);
    if (version != 0) file_.exec(additions);
}

// Nothing is accepted before the file is on the disk as a whole: SQLite's own way to create it
// waits for the disk seven times. One torn by a power failure is set aside at the next start.
void Tables::create() {
    file_.exec("PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY;");
    upgrade(0);
    file_.exec("PRAGMA journal_mode=WAL;");
    synchronise();
}

void Tables::upgrade(int version) {
    SQLite::Transaction transaction(file_);
    for (int next = version; next < present_version; ++next) file_.exec(versions[next]);
    if (version == 0) file_.exec(additions);
    file_.exec("PRAGMA user_version=" + std::to_string(present_version));
    transaction.commit();
}

void Tables::synchronise() {
    // Through SQLite's descriptor: closing one of our own would drop its locks.
    sqlite3_file* opened = nullptr;
    sqlite3_file_control(file_.getHandle(), "main", SQLITE_FCNTL_FILE_POINTER, &opened);
    const Fd folder(::open(path_.substr(0, path_.rfind('/')).c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened || opened->pMethods->xSync(opened, SQLITE_SYNC_FULL) != SQLITE_OK ||
        ::fsync(folder.get()) != 0)
        throw SQLite::Exception("cannot be written to the disk");
}

SQLite::Statement& Tables::statement(const char* sql) {
    for (auto& [known, ready] : prepared_) {
        if (known != sql) continue;
        ready->tryReset();
        ready->clearBindings();
        return *ready;
    }
    prepared_.emplace_back(sql, std::make_unique<SQLite::Statement>(file_, sql));
    return *prepared_.back().second;
}

void Tables::reset() {
    for (auto& [sql, ready] : prepared_) ready->tryReset();
}

void Tables::put_session(const Session& session, bool dirty) {
    SQLite::Statement& put = statement(put_session_sql);
    put.bind(1, session.key.agent);
    put.bind(2, session.key.key);
    put.bind(3, session.updated_at());
    put.bind(4, dirty ? 1 : 0);
    put.bind(5, print_json(session.entry));
    put.exec();
    SQLite::Statement& back = statement(forget_deletion_sql);
    back.bind(1, session.key.agent);
    back.bind(2, session.key.key);
    back.exec();
}

void Tables::put_run(const RunRecord& run) {
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
    put.bind(++column, run.attempts);
    put.bind(++column, wishes_of(run));
    put.exec();
    put_documents(run);
}

// Written once: they are not in the record afterwards.
void Tables::put_documents(const RunRecord& run) {
    if (run.document_bytes == 0 || (run.documents.is_null() && !run.has_ended())) return;
    SQLite::Statement& change =
        statement(run.has_ended() ? delete_documents_sql : put_documents_sql);
    const std::string blocks = run.has_ended() ? std::string() : print_json(run.documents);
    change.bind(1, run.method);
    change.bind(2, run.run_id);
    if (!run.has_ended()) change.bindNoCopy(3, blocks);
    change.exec();
}

Json Tables::documents_of(const RunRecord& run) {
    SQLite::Statement& row = statement(find_documents_sql);
    row.bind(1, run.method);
    row.bind(2, run.run_id);
    if (!row.executeStep()) return nullptr;
    const SQLite::Column blocks = row.getColumn(0);
    const char* text = blocks.getText();
    Result<Json> value = parse_json({text, static_cast<size_t>(blocks.getBytes())});
    return value ? std::move(*value) : Json();
}

RunRecord Tables::run_in(SQLite::Statement& row) {
    RunRecord run;
    run.method = row.getColumn(0).getString();
    run.run_id = row.getColumn(1).getString();
    run.session = {row.getColumn(2).getString(), row.getColumn(3).getString()};
    run.spelling = row.getColumn(4).getString();
    run.session_id = row.getColumn(5).getString();
    run.accepted_ms = row.getColumn(6).getInt64();
    run.started_ms = row.getColumn(7).getInt64();
    run.ended_ms = row.getColumn(8).getInt64();
    run.message = json_in(row.getColumn(9).getString());
    run.entry_id = row.getColumn(10).getString();
    run.answer_id = row.getColumn(11).getString();
    run.status = row.getColumn(12).getString();
    run.summary = row.getColumn(13).getString();
    run.payload = json_in(row.getColumn(14).getString());
    run.attempts = row.getColumn(15).getInt();
    take_wishes(json_in(row.getColumn(16).getString()), run);
    return run;
}

void Tables::put_notes(const std::vector<SessionStore::Note>& notes) {
    for (const SessionStore::Note& note : notes) {
        SQLite::Statement& put = statement(note.value.empty() ? delete_note_sql : put_note_sql);
        put.bind(1, note.name);
        if (!note.value.empty()) put.bind(2, note.value);
        put.exec();
    }
}

void Tables::put_stamp(const std::string& agent, const FileStamp& stamp) {
    SQLite::Statement& put = statement(put_stamp_sql);
    put.bind(1, agent);
    put.bind(2, stamp.modified_ns);
    put.bind(3, stamp.size);
    put.exec();
}

void Tables::prune_runs(int64_t now_ms) {
    if (now_ms - last_prune_ms_ < prune_every_ms) return;
    last_prune_ms_ = now_ms;
    SQLite::Statement& old = statement(delete_old_runs_sql);
    old.bind(1, now_ms - keep_ended_ms);
    old.exec();
    SQLite::Statement& many = statement(delete_many_runs_sql);
    many.bind(1, keep_ended_most);
    many.exec();
    statement(delete_old_documents_sql).exec();
}

}  // namespace agent
