// The tables of the SQLite file: their form, how an older form becomes the present one, and the
// statements that fill them. A part of Database; SQLite is seen nowhere else.
//
// Promises that a file of an older version keeps its content, and that no exception leaves
// guarded().
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "workers/agent/session_store.h"
#include "workers/agent/sessions_json.h"

namespace agent {

Error database_error(const std::string& path, const SQLite::Exception& failure);
bool is_damage(const SQLite::Exception& failure);

class Tables {
  public:
    // Creates them, or brings them to the present form; throws SQLite::Exception.
    explicit Tables(const std::string& path);

    SQLite::Database& file() { return file_; }
    // A statement is compiled once; the address of its text is its name.
    SQLite::Statement& statement(const char* sql);
    void forget_statements() { prepared_.clear(); }

    // Every use of SQLite goes through here. A statement left in the middle would hold its read
    // lock, so all are reset.
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
            return database_error(path_, failure);
        }
    }

    void put_session(const Session& session, bool dirty);
    void put_run(const RunRecord& run);
    // Null: none.
    Json documents_of(const RunRecord& run);
    void put_notes(const std::vector<SessionStore::Note>& notes);
    void put_stamp(const std::string& agent, const FileStamp& stamp);
    // Forgets runs that ended long ago.
    void prune_runs(int64_t now_ms);

    // One of these selects the columns that run_in() reads.
    static const char* const find_run_sql;
    static const char* const find_run_of_any_method_sql;
    static const char* const unfinished_runs_sql;
    static RunRecord run_in(SQLite::Statement& row);

  private:
    void create();
    void put_documents(const RunRecord& run);
    void upgrade(int version);
    void synchronise();
    void reset();

    std::string path_;
    SQLite::Database file_;
    int64_t last_prune_ms_ = 0;
    std::vector<std::pair<const char*, std::unique_ptr<SQLite::Statement>>> prepared_;
};

}  // namespace agent
