#include "workers/agent/channels/channel_tables.h"

#include "workers/agent/database_tables.h"

namespace agent {

namespace {

constexpr const char* put_inbound_sql =
    "INSERT OR IGNORE INTO inbound(worker, key, received_ms, done_ms, message) VALUES(?,?,?,0,?)";
constexpr const char* open_inbound_sql =
    "SELECT worker, key, received_ms, message, tries FROM inbound WHERE done_ms=0 "
    "ORDER BY received_ms, rowid";
constexpr const char* put_tries_sql = "UPDATE inbound SET tries=? WHERE worker=? AND key=?";
// The message is in the transcript by then.
constexpr const char* settle_inbound_sql =
    "UPDATE inbound SET done_ms=?, message=x'' WHERE worker=? AND key=?";

#define OUTBOUND_COLUMNS                                                             \
    "id, worker, chat, agent, session, origin, created_ms, next_try_ms, settled_ms," \
    " attempts, part, parts, part_begun, state, platform_id, reason, message, is_change"
// Replaced in place: a delivery keeps its row, and by that its order.
constexpr const char* put_outbound_sql =
    "INSERT INTO outbound(" OUTBOUND_COLUMNS
    ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET "
    "next_try_ms=excluded.next_try_ms, settled_ms=excluded.settled_ms, "
    "attempts=excluded.attempts, part=excluded.part, parts=excluded.parts, "
    "part_begun=excluded.part_begun, state=excluded.state, platform_id=excluded.platform_id, "
    "reason=excluded.reason, message=excluded.message";
constexpr const char* open_outbound_sql =
    "SELECT " OUTBOUND_COLUMNS " FROM outbound WHERE state=0 ORDER BY created_ms, rowid";
constexpr const char* find_outbound_sql =
    "SELECT " OUTBOUND_COLUMNS " FROM outbound WHERE origin=? ORDER BY rowid DESC LIMIT 1";
#undef OUTBOUND_COLUMNS
// A range of the index, which LIKE would not use.
constexpr const char* outbound_origins_sql =
    "SELECT origin FROM outbound WHERE origin>=?1 AND origin<?2 ORDER BY rowid";

// What was settled before a time; and the oldest beyond a number.
constexpr const char* prune_sql[] = {
    "DELETE FROM inbound WHERE done_ms > 0 AND done_ms < ?1",
    "DELETE FROM outbound WHERE state > 0 AND settled_ms < ?1",
    "DELETE FROM inbound WHERE done_ms > 0 AND done_ms <= (SELECT done_ms FROM inbound "
    "WHERE done_ms > 0 ORDER BY done_ms DESC LIMIT 1 OFFSET ?1)",
    "DELETE FROM outbound WHERE state > 0 AND settled_ms <= (SELECT settled_ms FROM outbound "
    "WHERE state > 0 ORDER BY settled_ms DESC LIMIT 1 OFFSET ?1)",
};

void bind_bytes(SQLite::Statement& statement, int column, const std::string& bytes) {
    statement.bind(column, bytes.data(), static_cast<int>(bytes.size()));
}

std::string bytes_in(SQLite::Statement& row, int column) {
    const SQLite::Column value = row.getColumn(column);
    return {static_cast<const char*>(value.getBlob()), static_cast<size_t>(value.getBytes())};
}

OutboundRow outbound_in(SQLite::Statement& row) {
    OutboundRow found;
    int column = 0;
    for (std::string* text :
         {&found.id, &found.worker, &found.chat, &found.agent, &found.session, &found.origin})
        *text = row.getColumn(column++).getString();
    for (int64_t* time : {&found.created_ms, &found.next_try_ms, &found.settled_ms})
        *time = row.getColumn(column++).getInt64();
    found.attempts = row.getColumn(column++).getInt();
    found.part = row.getColumn(column++).getUInt();
    found.parts = row.getColumn(column++).getUInt();
    found.part_begun = row.getColumn(column++).getInt() != 0;
    found.state = static_cast<OutboundRow::State>(row.getColumn(column++).getInt());
    found.platform_id = row.getColumn(column++).getString();
    found.reason = row.getColumn(column++).getString();
    found.message = bytes_in(row, column++);
    found.is_change = row.getColumn(column).getInt() != 0;
    return found;
}

}  // namespace

const char* state_name(OutboundRow::State state) {
    switch (state) {
        case OutboundRow::State::open:
            return "queued";
        case OutboundRow::State::sent:
            return "sent";
        case OutboundRow::State::refused:
            return "refused";
        case OutboundRow::State::unknown:
            return "unknown";
        case OutboundRow::State::expired:
            return "expired";
    }
    return "unknown";
}

Result<std::vector<bool>> ChannelTables::put_inbound(const std::vector<InboundRow>& rows) {
    return tables_.guarded([&] {
        SQLite::Transaction transaction(tables_.file());
        std::vector<bool> is_new;
        for (const InboundRow& row : rows) {
            SQLite::Statement& put = tables_.statement(put_inbound_sql);
            put.bind(1, row.worker);
            put.bind(2, row.key);
            put.bind(3, row.received_ms);
            bind_bytes(put, 4, row.message);
            is_new.push_back(put.exec() > 0);
        }
        transaction.commit();
        return is_new;
    });
}

Result<std::vector<InboundRow>> ChannelTables::open_inbound() {
    return tables_.guarded([&] {
        SQLite::Statement& row = tables_.statement(open_inbound_sql);
        std::vector<InboundRow> rows;
        while (row.executeStep())
            rows.push_back({row.getColumn(0).getString(), row.getColumn(1).getString(),
                            row.getColumn(2).getInt64(), bytes_in(row, 3),
                            row.getColumn(4).getInt()});
        return rows;
    });
}

Done ChannelTables::put_tries(const InboundRow& row) {
    return tables_.guarded([&] {
        SQLite::Transaction transaction(tables_.file());
        SQLite::Statement& put = tables_.statement(put_tries_sql);
        put.bind(1, row.tries);
        put.bind(2, row.worker);
        put.bind(3, row.key);
        put.exec();
        transaction.commit();
    });
}

void ChannelTables::write(const OutboundRow& row) {
    SQLite::Statement& put = tables_.statement(put_outbound_sql);
    int column = 0;
    for (const std::string* text :
         {&row.id, &row.worker, &row.chat, &row.agent, &row.session, &row.origin})
        put.bind(++column, *text);
    for (const int64_t time : {row.created_ms, row.next_try_ms, row.settled_ms})
        put.bind(++column, time);
    put.bind(++column, row.attempts);
    put.bind(++column, row.part);
    put.bind(++column, row.parts);
    put.bind(++column, row.part_begun ? 1 : 0);
    put.bind(++column, static_cast<int>(row.state));
    put.bind(++column, row.platform_id);
    put.bind(++column, row.reason);
    bind_bytes(put, ++column, row.is_settled() ? std::string() : row.message);
    put.bind(++column, row.is_change ? 1 : 0);
    put.exec();
}

Done ChannelTables::settle_inbound(const std::vector<const InboundRow*>& handled,
                                   const std::vector<const OutboundRow*>& replies, int64_t now_ms) {
    return tables_.guarded([&] {
        SQLite::Transaction transaction(tables_.file());
        for (const InboundRow* row : handled) {
            SQLite::Statement& settle = tables_.statement(settle_inbound_sql);
            settle.bind(1, now_ms);
            settle.bind(2, row->worker);
            settle.bind(3, row->key);
            settle.exec();
        }
        for (const OutboundRow* row : replies) write(*row);
        transaction.commit();
    });
}

Done ChannelTables::put_outbound(const std::vector<const OutboundRow*>& rows) {
    return tables_.guarded([&] {
        SQLite::Transaction transaction(tables_.file());
        for (const OutboundRow* row : rows) write(*row);
        transaction.commit();
    });
}

Result<std::vector<OutboundRow>> ChannelTables::open_outbound() {
    return tables_.guarded([&] {
        SQLite::Statement& row = tables_.statement(open_outbound_sql);
        std::vector<OutboundRow> rows;
        while (row.executeStep()) rows.push_back(outbound_in(row));
        return rows;
    });
}

Result<std::optional<OutboundRow>> ChannelTables::find_outbound(const std::string& origin) {
    return tables_.guarded([&]() -> std::optional<OutboundRow> {
        SQLite::Statement& row = tables_.statement(find_outbound_sql);
        row.bind(1, origin);
        if (!row.executeStep()) return std::nullopt;
        return outbound_in(row);
    });
}

Result<std::vector<std::string>> ChannelTables::outbound_origins(const std::string& prefix) {
    return tables_.guarded([&] {
        std::string after = prefix;
        ++after.back();
        SQLite::Statement& row = tables_.statement(outbound_origins_sql);
        row.bind(1, prefix);
        row.bind(2, after);
        std::vector<std::string> origins;
        while (row.executeStep()) origins.push_back(row.getColumn(0).getString());
        return origins;
    });
}

Done ChannelTables::prune(int64_t now_ms) {
    return tables_.guarded([&] {
        SQLite::Transaction transaction(tables_.file());
        for (size_t index = 0; index < std::size(prune_sql); ++index) {
            SQLite::Statement& forget = tables_.statement(prune_sql[index]);
            forget.bind(1, index < 2 ? now_ms - keep_ms : keep_most);
            forget.exec();
        }
        transaction.commit();
    });
}

}  // namespace agent
