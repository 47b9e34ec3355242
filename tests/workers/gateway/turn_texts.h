// How turns end, and what a stream of them says, for tests of what is written to clients.
#pragma once

#include <string>
#include <vector>

#include "workers/gateway/turn_stream.h"

namespace gateway {

inline TurnEnd answered(const std::string& text) {
    TurnEnd end;
    end.how = TurnEnd::How::answered;
    end.text = text;
    end.usage = {12, 4, 7};
    return end;
}
inline TurnEnd ended(TurnEnd::How how, const std::string& why) {
    TurnEnd end;
    end.how = how;
    end.why = why;
    return end;
}

// Everything the stream gives until it is silent.
inline std::string drained(TurnStream& stream) {
    std::string all;
    for (std::string piece = stream.next(); !piece.empty(); piece = stream.next()) all += piece;
    return all;
}
// The JSON of each event, "[DONE]" as a text.
inline std::vector<Json> events(const std::string& text) {
    std::vector<Json> found;
    size_t place = 0;
    while ((place = text.find("data: ", place)) != std::string::npos) {
        const size_t end = text.find("\n\n", place);
        const std::string data = text.substr(place + 6, end - place - 6);
        found.push_back(data == "[DONE]" ? Json(data) : *parse_json(data));
        place = end;
    }
    return found;
}

inline hardshell::proto::RpcResult result(bool ok, const std::string& text) {
    hardshell::proto::RpcResult made;
    made.set_ok(ok);
    if (ok) {
        made.set_payload_json(text);
    } else {
        made.set_error_code("UNAVAILABLE");
        made.set_error_message(text);
    }
    return made;
}

}  // namespace gateway
