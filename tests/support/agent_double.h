// What the doubles of tunnel agents share: a control file that a test writes, at any time, and a
// record of how each was started.
//
// The control file is double.json in the program's HOME; the record started.jsonl beside it, a
// line per start: {"program", "pid", "arguments", "environment"}.
#pragma once

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

namespace agent_double {

using Json = nlohmann::json;

inline std::string home() {
    const char* set = std::getenv("HOME");
    return set ? set : ".";
}

// Half written, it is what it was.
inline Json control(const Json& before = Json::object()) {
    std::ifstream file(home() + "/double.json");
    std::stringstream text;
    text << file.rdbuf();
    Json read = Json::parse(text.str(), nullptr, false);
    return read.is_object() ? read : before;
}

inline void record_start(int count, char** arguments, char** environment) {
    Json record = {{"program", arguments[0]},
                   {"pid", getpid()},
                   {"arguments", Json::array()},
                   {"environment", Json::array()}};
    for (int index = 1; index < count; ++index) record["arguments"].push_back(arguments[index]);
    for (char** pair = environment; *pair; ++pair) record["environment"].push_back(*pair);
    std::ofstream(home() + "/started.jsonl", std::ios::app) << record.dump() + "\n";
}

inline volatile std::sig_atomic_t is_asked_to_end = 0;

inline void end_on_sigterm(bool ignores) {
    std::signal(
        SIGTERM, ignores ? SIG_IGN : +[](int) { is_asked_to_end = 1; });
    std::signal(
        SIGINT, ignores ? SIG_IGN : +[](int) { is_asked_to_end = 1; });
    std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace agent_double
