#include "workers/common/base/result.h"

#include <cstring>

namespace {

struct FaultName {
    Fault fault;
    const char* name;
};

constexpr FaultName fault_names[] = {
    {Fault::bad_config, "bad_config"},
    {Fault::bad_credentials, "bad_credentials"},
    {Fault::bad_message, "bad_message"},
    {Fault::unreachable, "unreachable"},
    {Fault::timed_out, "timed_out"},
    {Fault::busy, "busy"},
    {Fault::out_of_room, "out_of_room"},
    {Fault::out_of_memory, "out_of_memory"},
    {Fault::no_storage, "no_storage"},
    {Fault::system, "system"},
    {Fault::taken, "taken"},
};

}  // namespace

const char* fault_name(Fault fault) {
    for (const FaultName& row : fault_names)
        if (row.fault == fault) return row.name;
    return "system";
}

Fault fault_from_name(const std::string& name) {
    for (const FaultName& row : fault_names)
        if (name == row.name) return row.fault;
    return Fault::system;
}

Error system_error(std::string what, int error_number) {
    char buffer[128];
    what += ": ";
    what += strerror_r(error_number, buffer, sizeof buffer);  // the GNU form, see _GNU_SOURCE
    return {Fault::system, std::move(what), error_number};
}
