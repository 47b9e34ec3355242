// A reply as the messages it is sent as. Pure: the same reply gives the same parts each time, so
// that one half sent goes on where it stopped.
#pragma once

#include <string>
#include <vector>

#include "proto/channel_agent.pb.h"
#include "workers/common/base/json.h"
#include "workers/telegram/settings.h"

namespace telegram {

struct Part {
    std::string markdown;  // the message, or what stands under the file
    int attachment = -1;   // of the delivery; -1: none
};

// At least one.
std::vector<Part> parts_of(const hardshell::proto::DeliverMessage& message,
                           const Settings& settings);

// The method that sends such a file, and the field it goes into.
struct FileMethod {
    const char* method;
    const char* field;
};
FileMethod method_for(const std::string& mime_type, bool as_voice);
bool wants_voice(const hardshell::proto::DeliverMessage& message);

// Everything of a request but the message itself: chat, topic, what it replies to.
Json frame_of(const hardshell::proto::DeliverMessage& message, uint32_t part,
              const std::string& chat_id, const Settings& settings);
// A chat's id as the API takes it: a number where it is one. Prefixes are taken off.
Json chat_of(std::string chat_id);
// Null for no topic, and for the General one, which messages must not name.
Json thread_of(const hardshell::proto::Place& place);

}  // namespace telegram
