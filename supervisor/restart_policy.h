// What happens after a worker's end: stay down, hold, or start again after a while.
#pragma once

#include <chrono>

namespace supervisor {

// How a worker ended, as far as the policy cares.
enum class Ended {
    on_request,
    bad_config,
    bad_credentials,
    taken,            // somebody else uses its token
    unasked_success,  // exit 0 that nobody asked for: a crash like any other
    crashed,
    drained,                // replaced in order, because of its memory
    out_of_memory,          // its own limit
    machine_out_of_memory,  // the kernel chose it when the machine was full
    killed,                 // by a SIGKILL that neither we nor the kernel's memory guard sent
    never_ready,            // its start deadline passed
    hung,                   // its loop stopped beating
    not_started,            // it could not be executed
    no_storage,             // the volume takes nothing
    broke_protocol,         // what it sent, or did with its link, is not allowed
    any,
};

enum class Then { stay_down, hold, restart };

struct Verdict {
    Then then;
    std::chrono::milliseconds wait;
};

// `failures`: ends without a stable life between them, this one included. `was_ready`: it served
// before it ended. `luck` in [0, 1) spreads the wait by a fifth either way.
Verdict after(Ended how, int failures, bool was_ready, double luck);

// A life this long in READY wipes the failures out.
inline constexpr std::chrono::milliseconds stable_life{60'000};
// A critical worker that failed so often gets its neighbours started anew with it, once.
inline constexpr int failures_to_restart_group = 5;
// A critical worker that failed so often without a stable life is escalated, but not before the
// supervisor is this old: ten exits in five minutes would park a Fly machine for good.
inline constexpr int failures_to_escalate = 8;
inline constexpr std::chrono::milliseconds escalate_not_before{40'000};

}  // namespace supervisor
