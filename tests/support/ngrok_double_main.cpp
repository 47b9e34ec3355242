// A stand-in for the agent of ngrok, version 3: prints the lines that it prints, serves its local
// API, and misbehaves as the control file says. Forwards nothing: its upstream is in the record.
//
//   url            the address it is given (default: what --url asks for)
//   never_ready    looks for its connection for ever
//   lost           has lost its connection: the list is empty until this is gone
//   refused        {"code": 108, "text": "…"}: what it hears while it tries to get that back
//   quiet          says of a connection that is back nothing but that
//   also_http      opens the same tunnel without encryption, too, as older ones do
//   fail           {"code": 108, "text": "…"}: says so and ends
//   end            ends with that code, as it is
//   ignores_sigterm

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include "tests/support/agent_double.h"

using agent_double::Json;

namespace {

struct Flags {
    std::string upstream;
    std::string config;
    std::string url;
};

Flags read_flags(int count, char** arguments) {
    Flags flags;
    for (int index = 1; index < count; ++index) {
        const std::string word = arguments[index];
        const std::string next = index + 1 < count ? arguments[index + 1] : "";
        if (word == "--config") flags.config = next;
        if (word == "--url") flags.url = next;
        if (word.starts_with("http://")) flags.upstream = word;
    }
    return flags;
}

void say(Json line) {
    line["t"] = "2026-01-29T12:00:00.000000000Z";
    if (!line.contains("lvl")) line["lvl"] = "info";
    std::cout << line.dump() << std::endl;
}

// "127.0.0.1:4041" of the settings; empty when the API is off.
std::string api_address(const std::string& config) {
    std::ifstream file(config);
    for (std::string line; std::getline(file, line);)
        if (const size_t at = line.find("web_addr: "); at != std::string::npos)
            return line.substr(at + 10) == "false" ? "" : line.substr(at + 10);
    return "127.0.0.1:4040";
}

// The next free one when it is taken, as the agent does.
int listen_on(std::string& address) {
    const size_t colon = address.find(':');
    auto port = static_cast<uint16_t>(std::stoi(address.substr(colon + 1)));
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    for (int tries = 0; tries < 100; ++tries, ++port) {
        sockaddr_in where{};
        where.sin_family = AF_INET;
        where.sin_port = htons(port);
        inet_pton(AF_INET, address.substr(0, colon).c_str(), &where.sin_addr);
        if (bind(listener, reinterpret_cast<sockaddr*>(&where), sizeof where) == 0 &&
            listen(listener, 8) == 0)
            break;
    }
    address = address.substr(0, colon + 1) + std::to_string(port);
    return listener;
}

void answer(int listener, const Json& tunnels) {
    const int connection = accept(listener, nullptr, nullptr);
    if (connection < 0) return;
    char request[4096];
    if (recv(connection, request, sizeof request, 0) > 0) {
        const std::string body = Json{{"tunnels", tunnels}, {"uri", "/api/tunnels"}}.dump();
        const std::string text = "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + body;
        (void)!send(connection, text.data(), text.size(), MSG_NOSIGNAL);
    }
    close(connection);
}

std::string name_of(const Json& fault) {
    return "ERR_NGROK_" + std::to_string(fault.value("code", 0));
}

std::string error_text(const Json& fault) {
    return fault.value("text", "it does not work") + "\r\n\r\n" + name_of(fault) + "\r\n";
}

int fail(const Json& fault) {
    const std::string text = fault.value("text", "it does not work");
    say({{"lvl", "crit"}, {"msg", "command failed"}, {"err", error_text(fault)}});
    std::cerr << "ERROR:  " << text << "\nERROR:  \nERROR:  " << name_of(fault)
              << "\nERROR:  " << std::endl;
    return 1;
}

}  // namespace

int main(int count, char** arguments, char** environment) {
    agent_double::record_start(count, arguments, environment);
    const Flags flags = read_flags(count, arguments);
    Json control = agent_double::control();
    agent_double::end_on_sigterm(control.value("ignores_sigterm", false));
    if (!std::getenv("NGROK_AUTHTOKEN"))
        return fail({{"code", 4018}, {"text", "Usage of ngrok requires a verified account"}});
    std::string address = api_address(flags.config);
    int listener = -1;
    if (!address.empty()) {
        listener = listen_on(address);
        say({{"msg", "starting web service"}, {"obj", "web"}, {"addr", address}});
    }
    std::string shown;  // the address that was said to be up; empty while there is none
    bool was_up = false;
    bool was_refused = false;
    while (!agent_double::is_asked_to_end) {
        control = agent_double::control(control);
        if (control.contains("fail")) return fail(control["fail"]);
        if (was_up && control.contains("end")) return control["end"].get<int>();
        const std::string asked = flags.url.empty() ? "https://one.ngrok.app" : flags.url;
        const std::string url = control.value("url", asked);
        const bool connected =
            !control.value("lost", false) && !control.value("never_ready", false);
        if (!connected && control.contains("refused") && !was_refused) {
            was_refused = true;
            say({{"lvl", "eror"},
                 {"msg", "failed to reconnect session"},
                 {"obj", "tunnels.session"},
                 {"err", error_text(control["refused"])}});
        }
        if (connected && was_up && shown.empty() && control.value("quiet", false)) {
            say({{"msg", "client session established"}, {"obj", "tunnels.session"}});
            shown = url;
        } else if (connected && shown != url) {
            if (!was_up) say({{"msg", "client session established"}, {"obj", "tunnels.session"}});
            say({{"msg", "tunnel session started"}, {"obj", "tunnels.session"}});
            say({{"msg", "started tunnel"},
                 {"obj", "tunnels"},
                 {"name", "command_line"},
                 {"addr", flags.upstream},
                 {"url", url}});
            if (control.value("also_http", false))
                say({{"msg", "started tunnel"},
                     {"obj", "tunnels"},
                     {"name", "command_line (http)"},
                     {"addr", flags.upstream},
                     {"url", "http" + url.substr(5)}});
            shown = url;
            was_up = true;
        } else if (!connected && !shown.empty()) {
            say({{"lvl", "eror"},
                 {"msg", "session closed, starting reconnect loop"},
                 {"obj", "tunnels.session"},
                 {"err", "read EOF from remote peer"}});
            shown.clear();
        }
        pollfd waiting{listener, POLLIN, 0};
        if (poll(&waiting, listener < 0 ? 0 : 1, 20) <= 0) continue;
        Json tunnels = Json::array();
        if (!shown.empty())
            tunnels.push_back({{"name", "command_line"},
                               {"public_url", shown},
                               {"proto", "https"},
                               {"config", {{"addr", flags.upstream}, {"inspect", false}}}});
        answer(listener, tunnels);
    }
    return 0;
}
