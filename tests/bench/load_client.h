// Many WebSocket clients in one thread, each with one request open at a time: what a load generator
// needs, and no more. Connected and admitted through GatewayClient first, so it only reads frame
// headers and never parses JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

struct LoadResult {
    double per_second = 0;
    double p50_ms = 0;
    double p99_ms = 0;
    uint64_t answered = 0;
};

// Sends `request` (the text of a frame) again and again on every descriptor, the next as soon as an
// answer has come, until `answers` came in all. Ends the program with a message when a connection
// ends or an answer says "ok":false.
LoadResult load(const std::vector<int>& descriptors, const std::string& request, uint64_t answers);

// Reads from all of them until `count` text frames came in on each; how many came.
uint64_t drain(const std::vector<int>& descriptors, uint64_t count);
