#include "workers/agent/housekeeping.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "proto/channel_agent.pb.h"
#include "workers/common/base/volume_size.h"
#include "workers/common/log.h"

namespace agent {

namespace {

constexpr int64_t ms_per_day = 24 * 3'600'000LL;

Volume volume_at(const std::string& directory) {
    struct statvfs space {};
    if (::statvfs(directory.c_str(), &space) != 0) return {};
    return {usable_bytes(space), free_bytes(space)};
}

std::string in_mebibytes(uint64_t bytes) {
    return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

int64_t modified_ms_of(const struct stat& facts) {
    return static_cast<int64_t>(facts.st_mtim.tv_sec) * 1000 + facts.st_mtim.tv_nsec / 1'000'000;
}

std::string file_name_in(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

}  // namespace

Housekeeping::Housekeeping(Services services) : services_(std::move(services)) {
    if (!services_.volume)
        services_.volume = [directory = services_.state_dir] { return volume_at(directory); };
    timer_ = services_.loop.after(first_look, [this] { begin(); });
}

void Housekeeping::begin() {
    for (Taken& one : taken_) one = {};
    // The last is looked at first: what is pruned must not wait for the agents' own files.
    std::vector<std::string> folders = services_.workspaces;
    folders.insert(folders.end(), {"cron", "hardshell/agent", "agents"});
    walk_ = std::make_unique<VolumeWalk>(
        services_.state_dir, std::move(folders),
        [this](const std::string& path, const struct stat& facts) { see(path, facts); });
    go_on();
}

void Housekeeping::go_on() {
    if (walk_->step(slice))
        timer_ = services_.loop.after(pause, [this] { go_on(); });
    else
        finish();
}

DataKind Housekeeping::kind_of(const std::string& path) const {
    for (const std::string& workspace : services_.workspaces)
        if (path.starts_with(workspace + "/")) return DataKind::workspace;
    return kind_of_file(path);
}

void Housekeeping::see(const std::string& path, const struct stat& facts) {
    const DataKind kind = kind_of(path);
    if (kind == DataKind::none) return;
    Taken& sum = taken(kind);
    const auto bytes = static_cast<uint64_t>(facts.st_size);
    sum.bytes += bytes;
    const DataQuota& quota = quota_of(kind);
    const int64_t modified = modified_ms_of(facts);
    if (!quota.prunes || services_.now_ms() - modified < quota.spared_ms) return;
    sum.candidates.push_back({path, bytes, modified});
    if (sum.candidates.size() < 2 * most_candidates) return;
    const auto middle = sum.candidates.begin() + most_candidates;
    std::nth_element(sum.candidates.begin(), middle, sum.candidates.end(),
                     [](const DataFile& one, const DataFile& other) {
                         return one.modified_ms < other.modified_ms;
                     });
    sum.candidates.erase(middle, sum.candidates.end());
}

void Housekeeping::finish() {
    if (walk_->is_cut_short())
        log_debug("housekeeping looked at the first {} files only", VolumeWalk::most_entries);
    walk_.reset();
    volume_ = services_.volume();
    bool is_done = true;
    for (size_t index = 0; index < taken_.size(); ++index) {
        const auto kind = static_cast<DataKind>(index);
        is_done = prune(kind) && is_done;
        services_.board.set(quota_of(kind).shown, static_cast<int64_t>(taken(kind).bytes));
        taken(kind).candidates = {};
    }
    timer_ = services_.loop.after(!is_done               ? first_look
                                  : volume_.is_filling() ? period_when_filling
                                                         : period,
                                  [this] { begin(); });
}

bool Housekeeping::prune(DataKind kind) {
    const DataQuota& quota = quota_of(kind);
    const uint64_t most = most_bytes_of(quota, volume_);
    Taken& sum = taken(kind);
    if (sum.bytes <= most) {
        said_.erase(kind);
        return true;
    }
    if (sum.candidates.empty()) {
        say_too_much(kind, most);
        return true;
    }
    const Result<std::set<std::string>> names = needed(kind);
    if (!names) {
        log_warn("housekeeping removes none of {}: {}", quota.name, names.error().what);
        return true;
    }
    std::vector<DataFile> gone = files_to_prune(
        std::move(sum.candidates), quota, sum.bytes, most, services_.now_ms(),
        [&](const DataFile& file) { return names->contains(file_name_in(file.path)); });
    const bool is_done = gone.size() <= most_at_once;
    if (!is_done) gone.resize(most_at_once);
    const std::string why = fmt::format("{} take {}, {} is their share of the volume", quota.name,
                                        in_mebibytes(sum.bytes), in_mebibytes(most));
    for (const DataFile& file : gone)
        if (remove(file, why)) sum.bytes -= std::min(sum.bytes, file.bytes);
    if (is_done && sum.bytes > most) say_too_much(kind, most);
    return is_done;
}

// It is looked at once more: whoever wrote to it since needs it.
bool Housekeeping::remove(const DataFile& file, const std::string& why) {
    const std::string path = services_.state_dir + "/" + file.path;
    struct stat facts {};
    if (::lstat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode) ||
        modified_ms_of(facts) != file.modified_ms)
        return false;
    if (::unlink(path.c_str()) != 0) {
        log_warn("housekeeping could not remove {}: {}", file.path, std::strerror(errno));
        return false;
    }
    services_.board.add(Counter::volume_pruned_files, 1);
    services_.board.add(Counter::volume_pruned_bytes, static_cast<int64_t>(file.bytes));
    log_info("housekeeping removed {} ({}, {} days old): {}", file.path, in_mebibytes(file.bytes),
             (services_.now_ms() - file.modified_ms) / ms_per_day, why);
    return true;
}

Result<std::set<std::string>> Housekeeping::needed(DataKind kind) const {
    std::set<std::string> names;
    if (kind == DataKind::media) {
        const Result<std::vector<OutboundRow>> open = services_.channels.open_outbound();
        if (!open) return open.error();
        for (const OutboundRow& row : *open) {
            hardshell::proto::DeliverMessage message;
            if (row.is_change || !message.ParseFromString(row.message)) continue;
            for (const auto& file : message.attachments()) names.insert(file_name_in(file.path()));
        }
    }
    return names;
}

void Housekeeping::say_too_much(DataKind kind, uint64_t most) {
    if (!said_.insert(kind).second) return;
    if (taken(kind).bytes == 0 || kind == DataKind::leftovers) return;
    log_warn("{} take {} of the volume, more than {}; none of it can be removed without its owner",
             quota_of(kind).name, in_mebibytes(taken(kind).bytes), in_mebibytes(most));
}

}  // namespace agent
