#include "workers/common/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>

namespace {

spdlog::logger& logger() {
    // The level word stands in the text: info has none, as OpenClaw's console lines do.
    static const auto instance = [] {
        auto sink = std::make_shared<spdlog::sinks::stdout_sink_st>();
        auto made = std::make_unique<spdlog::logger>("worker", std::move(sink));
        made->set_pattern("%v");
        made->flush_on(spdlog::level::trace);
        return made;
    }();
    return *instance;
}

spdlog::level::level_enum to_spdlog(LogLevel level) {
    switch (level) {
        case LogLevel::trace:
            return spdlog::level::trace;
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warn:
            return spdlog::level::warn;
        case LogLevel::error:
            return spdlog::level::err;
    }
    return spdlog::level::info;
}

const char* word(LogLevel level) {
    switch (level) {
        case LogLevel::trace:
            return "trace: ";
        case LogLevel::debug:
            return "debug: ";
        case LogLevel::info:
            return "";
        case LogLevel::warn:
            return "warn: ";
        case LogLevel::error:
            return "error: ";
    }
    return "";
}

}  // namespace

void set_log_level(std::string_view level) {
    constexpr std::pair<std::string_view, LogLevel> names[] = {
        {"trace", LogLevel::trace}, {"debug", LogLevel::debug}, {"info", LogLevel::info},
        {"warn", LogLevel::warn},   {"error", LogLevel::error},
    };
    LogLevel chosen = LogLevel::info;
    for (const auto& [name, value] : names)
        if (name == level) chosen = value;
    logger().set_level(to_spdlog(chosen));
}

bool logs(LogLevel level) {
    return logger().should_log(to_spdlog(level));
}

void write_log(LogLevel level, std::string_view text) {
    std::string line = word(level);
    for (const char byte : text) {
        line += byte;
        if (byte == '\n') line += "    ";
    }
    logger().log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}
