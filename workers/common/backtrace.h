// The last words of a worker that crashes, or that the supervisor aborts because its loop stands
// still: what it was doing, a line per call, with the names of functions; on standard error, which
// is its log.
//
// Dies of the same signal afterwards. Async-signal-safe: takes no lock that the program can hold,
// allocates nothing, and gives up after a second rather than hang.
#pragma once

#include <cstddef>
#include <string_view>

// SIGABRT, and unless a sanitizer reports them better SIGSEGV, SIGBUS, SIGFPE and SIGILL. Once per
// process, early: the program's own file is opened here, for the names in its symbol table.
void install_backtrace();

// "_ZN5agent4Runs6acceptE…" as "agent::Runs::accept", written into `room`; what is more than
// namespaces, classes and a function stays as it is. Never allocates.
std::string_view readable_symbol(std::string_view mangled, char* room, size_t size);
