// How a worker ends on purpose. The supervisor's restart policy reads these; everything else is a
// crash. 75 and 78 are EX_TEMPFAIL and EX_CONFIG of sysexits.h, as OpenClaw uses them.
#pragma once

#include "workers/common/base/result.h"

namespace exit_code {

inline constexpr int requested = 0;
inline constexpr int failed = 70;           // cannot work, reason unknown to the policy
inline constexpr int retry = 75;            // unreachable, timed out, busy: try again
inline constexpr int bad_credentials = 77;  // only a new secret can help
inline constexpr int bad_config = 78;       // only an edit can help
inline constexpr int out_of_memory = 79;
inline constexpr int taken = 80;  // another program uses the same account: only the owner can help
inline constexpr int no_storage = 81;  // the volume takes nothing: full, read-only or broken

inline int of(Fault fault) {
    switch (fault) {
        case Fault::bad_config:
            return bad_config;
        case Fault::bad_credentials:
            return bad_credentials;
        case Fault::taken:
            return taken;
        case Fault::unreachable:
        case Fault::timed_out:
        case Fault::busy:
            return retry;
        case Fault::out_of_memory:
            return out_of_memory;
        case Fault::no_storage:
            return no_storage;
        case Fault::out_of_room:
        case Fault::bad_message:
        case Fault::system:
            return failed;
    }
    return failed;
}

}  // namespace exit_code
