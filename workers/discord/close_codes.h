// What to do when the gateway closes a connection, by its code. Pure.
#pragma once

#include <iterator>

namespace discord {

enum class AfterClose {
    resume,           // the session goes on
    identify,         // the session is gone
    bad_credentials,  // only another token can help
    bad_config,       // only a change by the owner can help
    broken,           // we do something wrong: no use to repeat it at once
};

struct CloseCode {
    int code;
    AfterClose then;
    const char* meaning;
};

constexpr CloseCode close_codes[] = {
    // code, then,                        meaning
    {1000, AfterClose::identify, "closed normally"},
    {1001, AfterClose::identify, "going away"},
    {4000, AfterClose::resume, "unknown error"},
    {4001, AfterClose::resume, "unknown opcode"},
    {4002, AfterClose::resume, "decode error"},
    {4003, AfterClose::identify, "not authenticated"},
    {4004, AfterClose::bad_credentials, "authentication failed"},
    {4005, AfterClose::resume, "already authenticated"},
    {4007, AfterClose::identify, "invalid sequence"},
    {4008, AfterClose::resume, "rate limited"},
    {4009, AfterClose::identify, "session timed out"},
    {4010, AfterClose::broken, "invalid shard"},
    {4011, AfterClose::bad_config, "sharding required"},
    {4012, AfterClose::broken, "invalid API version"},
    {4013, AfterClose::bad_config, "invalid intents"},
    {4014, AfterClose::bad_config, "disallowed intents"},
};

// A code that is not in the table, or none at all, is the network's: resume.
constexpr CloseCode after_close(int code) {
    for (const CloseCode& row : close_codes)
        if (row.code == code) return row;
    return {code, AfterClose::resume, "connection lost"};
}

}  // namespace discord
