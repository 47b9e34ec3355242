// What the module with the time zones offers: plain C, no exception leaves it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace agent {

struct ZoneModule {
    // Null when there is none of that name; `why` then says what happened.
    const void* (*find)(const char* name, char* why, size_t size);
    // Seconds east of Greenwich.
    int64_t (*offset)(const void* zone, int64_t utc_seconds);
};

}  // namespace agent

extern "C" const agent::ZoneModule hardshell_zone_module;
