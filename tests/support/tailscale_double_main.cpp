// A stand-in for `tailscaled` and `tailscale` of 1.52 and later, by the name it is started under:
// the daemon keeps the node's state and what is served, the command line asks it over its socket.
// A configuration in the foreground is the daemon's only as long as the command's connection lives.
// What is served is in served.json, in HOME, after each change.
//
//   host           DNSName of the node (default "box.tail1234.ts.net.")
//   backend        what BackendState is once it is logged in (default "Running")
//   logged_in      the node was logged in before
//   good_key       the only key that `up` takes (default: any)
//   peers          how many other nodes `status` tells of, a kilobyte each, unless it is not to
//   never_ready    the daemon stays in Starting
//   not_enabled    `funnel` says that it is not enabled, and waits
//   gives_up       …and ends
//   serves_nothing it drops what is served
//   older          a configuration in the background is there from before
//   keeps          what is served in the foreground stays when its command has ended
//   ignores_sigterm

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <iostream>
#include <list>
#include <string>
#include <vector>

#include "tests/support/agent_double.h"

using agent_double::Json;

namespace {

std::string flag(const std::vector<std::string>& words, const std::string& name) {
    for (const std::string& word : words)
        if (word.starts_with(name + "=")) return word.substr(name.size() + 1);
    return {};
}

bool has(const std::vector<std::string>& words, const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    return address;
}

void put(int socket, const Json& message) {
    const std::string text = message.dump() + "\n";
    (void)!send(socket, text.data(), text.size(), MSG_NOSIGNAL);
}

// A line; empty when the other side is gone.
std::string take(int socket) {
    std::string line;
    char byte = 0;
    while (recv(socket, &byte, 1, 0) == 1 && byte != '\n') line += byte;
    return line;
}

// --- The daemon
// -----------------------------------------------------------------------------------

class Daemon {
  public:
    int run(const std::vector<std::string>& words) {
        const std::string path = flag(words, "--socket");
        unlink(path.c_str());
        const sockaddr_un address = address_of(path);
        const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
        if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
            listen(listener, 8) != 0) {
            std::cerr << "cannot listen on " << path << std::endl;
            return 1;
        }
        logged_in_ = std::ifstream(agent_double::home() + "/logged-in").good();
        control_ = agent_double::control();
        if (control_.value("older", false)) background_ = site_for("http://127.0.0.1:9999", true);
        while (!agent_double::is_asked_to_end) {
            control_ = agent_double::control(control_);
            std::vector<pollfd> waiting = {{listener, POLLIN, 0}};
            for (const auto& session : sessions_) waiting.push_back({session.socket, POLLIN, 0});
            if (poll(waiting.data(), waiting.size(), 20) <= 0) continue;
            // What came of those that were there, before another joins.
            for (size_t index = 1; index < waiting.size(); ++index)
                if (waiting[index].revents != 0) end_session(waiting[index].fd);
            if (waiting[0].revents != 0) serve(accept(listener, nullptr, nullptr));
            std::ofstream(agent_double::home() + "/served.json") << served().dump();
        }
        return 0;
    }

  private:
    struct Session {
        int socket;
        std::string id;
        Json config;
    };

    Json site_for(const std::string& target, bool funnel) const {
        const std::string endpoint = host() + ":443";
        Json site = {{"TCP", {{"443", {{"HTTPS", true}}}}},
                     {"Web", {{endpoint, {{"Handlers", {{"/", {{"Proxy", target}}}}}}}}}};
        if (funnel) site["AllowFunnel"] = {{endpoint, true}};
        return site;
    }
    std::string host() const {
        std::string name = control_.value("host", "box.tail1234.ts.net.");
        if (name.ends_with('.')) name.pop_back();
        return name;
    }
    std::string backend() const {
        if (control_.value("never_ready", false)) return "Starting";
        if (!logged_in_ && !control_.value("logged_in", false)) return "NeedsLogin";
        return control_.value("backend", "Running");
    }

    Json status() const {
        const bool runs = backend() == "Running";
        return {{"BackendState", backend()},
                {"AuthURL", runs ? "" : "https://login.tailscale.com/a/1234"},
                {"Self", {{"ID", "n1"}, {"DNSName", runs ? host() + "." : ""}}},
                {"CertDomains", runs ? Json::array({host()}) : Json()}};
    }
    Json served() const {
        if (control_.value("serves_nothing", false)) return Json::object();
        Json all = background_.is_null() ? Json::object() : background_;
        for (const Session& session : sessions_) all["Foreground"][session.id] = session.config;
        return all;
    }

    void serve(int connection) {
        const Json ask = Json::parse(take(connection), nullptr, false);
        const std::string verb = ask.is_object() ? ask.value("verb", "") : "";
        if (verb == "up") {
            const std::string good = control_.value("good_key", "");
            const bool ok = good.empty() || good == ask.value("key", "");
            if (ok) {
                logged_in_ = true;
                std::ofstream(agent_double::home() + "/logged-in") << "1";
            }
            put(connection, {{"ok", ok}});
        } else if (verb == "status") {
            put(connection, status());
        } else if (verb == "served") {
            put(connection, served());
        } else if (verb == "off") {
            background_ = Json();
            sessions_.clear();
            put(connection, Json::object());
        } else if (verb == "publish") {
            if (!background_.is_null()) {
                put(connection, {{"refused", true}});
            } else {
                put(connection, {{"host", host()}});
                sessions_.push_back(
                    {connection, "s" + std::to_string(++count_),
                     site_for(ask.value("target", ""), ask.value("funnel", false))});
                return;
            }
        }
        close(connection);
    }

    void end_session(int socket) {
        for (auto session = sessions_.begin(); session != sessions_.end(); ++session) {
            if (session->socket != socket) continue;
            close(socket);
            if (control_.value("keeps", false)) background_ = session->config;
            sessions_.erase(session);
            return;
        }
    }

    Json control_;
    bool logged_in_ = false;
    Json background_;
    std::list<Session> sessions_;
    int count_ = 0;
};

// --- The command line
// -----------------------------------------------------------------------------

int to_daemon(const std::vector<std::string>& words) {
    const sockaddr_un address = address_of(flag(words, "--socket"));
    const int connection = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        std::cerr << "failed to connect to local tailscaled; it doesn't appear to be running"
                  << std::endl;
        return -1;
    }
    return connection;
}

Json ask(int connection, const Json& question) {
    put(connection, question);
    return Json::parse(take(connection), nullptr, false);
}

int up(int connection, const std::vector<std::string>& words) {
    std::string key = flag(words, "--auth-key");
    if (key.starts_with("file:")) {
        std::ifstream file(key.substr(5));
        std::getline(file, key);
    }
    if (ask(connection, {{"verb", "up"}, {"key", key}}).value("ok", false)) return 0;
    std::cerr << "backend error: invalid key: API key does not exist" << std::endl;
    return 1;
}

int publish(int connection, const std::vector<std::string>& words) {
    const bool funnel = has(words, "funnel");
    while (funnel && agent_double::control().value("not_enabled", false)) {
        static bool said = false;
        if (!said)
            std::cerr << "\nFunnel is not enabled on your tailnet.\nTo enable, visit:\n\n\t"
                         "https://login.tailscale.com/f/funnel?node=n1\n"
                      << std::endl;
        said = true;
        if (agent_double::is_asked_to_end || agent_double::control().value("gives_up", false))
            return 1;
        usleep(20'000);
    }
    const Json answer =
        ask(connection, {{"verb", "publish"}, {"funnel", funnel}, {"target", words.back()}});
    if (!answer.is_object() || answer.contains("refused")) {
        std::cerr << "error: background configuration already exists, use `tailscale "
                  << (funnel ? "funnel" : "serve") << " --https=443 off` to remove the existing"
                  << " configuration" << std::endl;
        return 1;
    }
    std::cout << "Available on the internet:\n\nhttps://" << answer.value("host", "")
              << "/\n|-- proxy " << words.back() << "\n\nPress Ctrl+C to exit." << std::endl;
    while (!agent_double::is_asked_to_end) {
        pollfd gone{connection, POLLIN, 0};
        if (poll(&gone, 1, 20) > 0) return 1;
    }
    return 0;
}

int command(const std::vector<std::string>& words) {
    const int connection = to_daemon(words);
    if (connection < 0) return 1;
    if (has(words, "up")) return up(connection, words);
    if (has(words, "off")) {
        ask(connection, {{"verb", "off"}});
        return 0;
    }
    if (has(words, "status")) {
        const bool of_served = has(words, "serve") || has(words, "funnel");
        Json answer = ask(connection, {{"verb", of_served ? "served" : "status"}});
        const int peers = of_served || has(words, "--peers=false")
                              ? 0
                              : agent_double::control().value("peers", 0);
        for (int number = 0; number < peers; ++number)
            answer["Peer"]["nodekey:" + std::to_string(number)] = {
                {"HostName", std::string(1'000, 'x')}};
        std::cout << answer.dump(2) << std::endl;
        return 0;
    }
    return publish(connection, words);
}

}  // namespace

int main(int count, char** arguments, char** environment) {
    agent_double::record_start(count, arguments, environment);
    agent_double::end_on_sigterm(agent_double::control().value("ignores_sigterm", false));
    const std::vector<std::string> words(arguments + 1, arguments + count);
    const std::string name = arguments[0];
    return name.ends_with("tailscaled") ? Daemon().run(words) : command(words);
}
