#include "workers/agent/volume_quotas.h"

#include <algorithm>
#include <iterator>

#include "workers/agent/ids.h"

namespace agent {

namespace {

constexpr uint64_t quota_mib = 1u << 20;
constexpr int64_t quota_hour_ms = 3'600'000;
constexpr int64_t quota_day_ms = 24 * quota_hour_ms;

// OpenClaw has no key for any of these. A conversation is never removed unasked, whether a session
// names it or not.
constexpr DataQuota quotas[] = {
    // clang-format off
    // kind                name                             shown                              prunes  %  most              spared
    {DataKind::transcripts, "conversations",                 Counter::volume_transcripts_bytes, false, 40, 4096 * quota_mib, 0},
    {DataKind::copies,      "archived and damaged copies",     Counter::volume_copies_bytes,      true,  15, 1024 * quota_mib, 7 * quota_day_ms},
    {DataKind::media,       "files for people",                Counter::volume_media_bytes,       true,  10, 512 * quota_mib,  quota_hour_ms},
    {DataKind::logs,        "logs of jobs",                    Counter::volume_logs_bytes,        true,  5,  128 * quota_mib,  31 * quota_day_ms},
    // Whoever writes one renames it within seconds.
    {DataKind::leftovers,   "unfinished files",                Counter::volume_leftovers_bytes,   true,  0,  0,                quota_day_ms},
    {DataKind::database,    "the journal",                     Counter::volume_database_bytes,    false, 20, 1024 * quota_mib, 0},
    // Its owner's and the assistant's work: told, never touched.
    {DataKind::workspace,   "the workspace",                   Counter::volume_workspace_bytes,   false, 50, 16384 * quota_mib, 0},
    // clang-format on
};

constexpr bool has_a_row_for_each_kind() {
    size_t index = 0;
    for (const DataQuota& row : quotas)
        if (row.kind != static_cast<DataKind>(index++)) return false;
    return index == static_cast<size_t>(DataKind::count_);
}
static_assert(has_a_row_for_each_kind(), "in the order of the enumeration, none left out");

struct FilePattern {
    std::string_view folder;  // begins so
    std::string_view part;    // of the rest
    bool at_end;              // the rest ends with it
    DataKind kind;
};
// Read from the top; the first row that fits decides.
constexpr FilePattern file_patterns[] = {
    {"workspace/", "", false, DataKind::workspace},
    {"agents/", ".hardshell-new", true, DataKind::leftovers},
    {"cron/", ".hardshell-new", true, DataKind::leftovers},
    {"agents/", "/sessions/sessions.json.unreadable-", false, DataKind::copies},
    {"agents/", ".jsonl.deleted.", false, DataKind::copies},
    {"agents/", ".jsonl.bak.", false, DataKind::copies},
    {"agents/", ".jsonl.reset.", false, DataKind::copies},  // later versions of OpenClaw make those
    {"agents/", ".jsonl.torn-", false, DataKind::copies},
    {"agents/", ".jsonl", true, DataKind::transcripts},
    {"hardshell/agent/out/", "", false, DataKind::media},
    {"hardshell/agent/", "state.sqlite.damaged-", false, DataKind::copies},
    {"hardshell/agent/", "state.sqlite", false, DataKind::database},
    {"cron/jobs.json.damaged.", "", false, DataKind::copies},
    {"cron/runs/", ".jsonl", true, DataKind::logs},
};

// "<agent>/sessions/<file>": an agent's other files, and copies of its folder, are no kind.
bool is_in_sessions(std::string_view rest) {
    constexpr std::string_view folder = "/sessions/";
    const size_t end = std::min(rest.find('/'), rest.size());
    return is_agent_id(rest.substr(0, end)) && rest.substr(end).starts_with(folder) &&
           rest.find('/', end + folder.size()) == std::string_view::npos;
}

}  // namespace

const DataQuota& quota_of(DataKind kind) {
    return quotas[static_cast<size_t>(kind)];
}

DataKind kind_of_file(std::string_view path) {
    for (const FilePattern& row : file_patterns) {
        if (!path.starts_with(row.folder)) continue;
        const std::string_view rest = path.substr(row.folder.size());
        if (row.folder == "agents/" && !is_in_sessions(rest)) continue;
        if (row.at_end ? rest.ends_with(row.part) : rest.find(row.part) != std::string_view::npos)
            return row.kind;
    }
    return DataKind::none;
}

uint64_t most_bytes_of(const DataQuota& quota, const Volume& volume) {
    const uint64_t share = volume.total_bytes / 100 * quota.percent;
    const uint64_t most =
        volume.total_bytes == 0 ? quota.most_bytes : std::min(quota.most_bytes, share);
    return volume.is_filling() ? most / 2 : most;
}

std::vector<DataFile> files_to_prune(std::vector<DataFile> candidates, const DataQuota& quota,
                                     uint64_t taken, uint64_t most, int64_t now_ms,
                                     const std::function<bool(const DataFile&)>& is_needed) {
    std::vector<DataFile> gone;
    if (!quota.prunes || taken <= most) return gone;
    std::sort(candidates.begin(), candidates.end(), [](const DataFile& one, const DataFile& other) {
        return one.modified_ms < other.modified_ms;
    });
    for (DataFile& file : candidates) {
        if (taken <= most || now_ms - file.modified_ms < quota.spared_ms) break;
        if (is_needed(file)) continue;
        taken -= std::min(taken, file.bytes);
        gone.push_back(std::move(file));
    }
    return gone;
}

}  // namespace agent
