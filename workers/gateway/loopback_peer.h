// Whose process is at the other end of a TCP connection within this machine.
#pragma once

#include <istream>
#include <optional>
#include <string>

namespace gateway {

struct TcpEnd {
    std::string address;  // as plain_address() writes it
    unsigned port = 0;
};

// The user of the socket whose own end is `own` and whose other end is `other`, from a table in the
// form of /proc/net/tcp or tcp6.
std::optional<unsigned> user_in_table(std::istream& table, const TcpEnd& own, const TcpEnd& other);

// The user of the process that the accepted connection comes from; nothing when it comes from
// another machine, or cannot be found.
std::optional<unsigned> user_at_other_end(int descriptor);

}  // namespace gateway
