// The two clocks. Durations and deadlines use the monotonic one; the wall clock is for people.
#pragma once

#include <cstdint>
#include <string>

// Milliseconds since the epoch.
int64_t wall_ms();
// Milliseconds on CLOCK_MONOTONIC.
int64_t monotonic_ms();
// Milliseconds on CLOCK_BOOTTIME: runs on while the machine is suspended.
int64_t boottime_ms();
// "2026-01-30T10:00:00.000Z"
std::string iso_time(int64_t wall_milliseconds);
