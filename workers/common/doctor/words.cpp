#include "workers/common/doctor/words.h"

#include <algorithm>
#include <cstdio>

namespace doctor {

namespace {

using hardshell::proto::WorkerStatus;

// "over_memory" as a person says it.
std::string in_words(std::string cause) {
    std::replace(cause.begin(), cause.end(), '_', ' ');
    return printable(cause);
}

}  // namespace

std::string_view state_name(WorkerStatus::State state) {
    switch (state) {
        case WorkerStatus::STARTING:
            return "starting";
        case WorkerStatus::READY:
            return "ready";
        case WorkerStatus::STOPPING:
            return "stopping";
        case WorkerStatus::WAITING:
            return "waiting";
        case WorkerStatus::HELD:
            return "held";
        case WorkerStatus::STOPPED:
            return "stopped";
        default:
            return "unknown";
    }
}

std::string_view tunnel_state_name(hardshell::proto::PublicUrl::State state) {
    switch (state) {
        case hardshell::proto::PublicUrl::UP:
            return "up";
        case hardshell::proto::PublicUrl::DEGRADED:
            return "degraded";
        default:
            return "down";
    }
}

std::string_view volume_level_name(hardshell::proto::VolumeState::Level level) {
    using hardshell::proto::VolumeState;
    switch (level) {
        case VolumeState::ROOM:
            return "ok";
        case VolumeState::FILLING:
            return "filling";
        case VolumeState::FULL:
            return "full";
        case VolumeState::READ_ONLY:
            return "read-only";
        default:
            return "unknown";
    }
}

int used_percent(const hardshell::proto::VolumeState& volume) {
    if (volume.total_bytes() == 0 || volume.free_bytes() > volume.total_bytes()) return 0;
    return static_cast<int>(100 * static_cast<double>(volume.total_bytes() - volume.free_bytes()) /
                            static_cast<double>(volume.total_bytes()));
}

std::string tunnel_in_words(const hardshell::proto::PublicUrl& url) {
    using hardshell::proto::PublicUrl;
    std::string text = url.state() == PublicUrl::UP ? printable(url.url())
                                                    : std::string(tunnel_state_name(url.state()));
    if (!url.provider().empty()) text += " (" + printable(url.provider()) + ")";
    if (!url.problem().empty()) text += ": " + printable(url.problem());
    return text;
}

std::string last_error(const WorkerStatus& worker) {
    const std::string cause = in_words(worker.last_cause());
    const std::string text = printable(worker.last_end());
    if (text.empty() || cause.empty()) return cause + text;
    return text.find(cause) == std::string::npos ? cause + ": " + text : text;
}

std::string memory_of_limit(const WorkerStatus& worker) {
    if (worker.memory_bytes() == 0) return "-";
    if (worker.memory_limit_bytes() == 0) return size(worker.memory_bytes());
    constexpr double mib = 1024 * 1024;
    char text[64];
    std::snprintf(text, sizeof text, "%.1f of %.0f MiB",
                  static_cast<double>(worker.memory_bytes()) / mib,
                  static_cast<double>(worker.memory_limit_bytes()) / mib);
    return text;
}

std::string size(uint64_t bytes) {
    char text[32];
    const double kib = static_cast<double>(bytes) / 1024;
    if (kib < 1024)
        std::snprintf(text, sizeof text, "%.0f KiB", kib);
    else if (kib < 1024.0 * 1024)
        std::snprintf(text, sizeof text, "%.1f MiB", kib / 1024);
    else
        std::snprintf(text, sizeof text, "%.1f GiB", kib / 1024 / 1024);
    return text;
}

std::string printable(std::string_view text, bool keep_breaks) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte >= 0x20 && byte != 0x7f) || (keep_breaks && (c == '\n' || c == '\t'))) {
            out += c;
            continue;
        }
        char escaped[5];
        std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
        out += escaped;
    }
    return out;
}

}  // namespace doctor
