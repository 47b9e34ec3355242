// The module: Debian's date library over the machine's tz database.

#include "workers/agent/cron/zone_module.h"

#include <date/tz.h>

#include <cstdio>
#include <exception>

namespace {

const void* find_zone(const char* name, char* why, size_t size) {
    try {
        return date::locate_zone(name);
    } catch (const std::exception& failure) {
        std::snprintf(why, size, "%s", failure.what());
        return nullptr;
    }
}

int64_t offset_of(const void* zone, int64_t utc_seconds) {
    try {
        const date::sys_seconds at{std::chrono::seconds(utc_seconds)};
        return static_cast<const date::time_zone*>(zone)->get_info(at).offset.count();
    } catch (const std::exception&) {
        return 0;  // a file of the database that cannot be read: UTC
    }
}

}  // namespace

const agent::ZoneModule hardshell_zone_module{find_zone, offset_of};
