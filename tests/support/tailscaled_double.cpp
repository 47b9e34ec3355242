#include "tests/support/tailscaled_double.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "workers/common/base/fd.h"
#include "workers/common/base/json.h"

namespace {

std::string http(const char* status, const std::string& type, const std::string& body) {
    return std::string("HTTP/1.0 ") + status + "\r\nContent-Type: " + type +
           "\r\nTailscale-Cap: 125\r\nTailscale-Version: 1.92.3\r\n\r\n" + body;
}

std::string whois(const std::string& address, const std::string& login) {
    const Json answer = {
        {"Node",
         {{"ID", 7},
          {"StableID", "nTEST"},
          {"Name", "laptop.tail0001.ts.net."},
          {"User", 41},
          {"Addresses", {address + "/32"}},
          {"Online", true}}},
        {"UserProfile",
         {{"ID", 41}, {"LoginName", login}, {"DisplayName", "A Person"}, {"ProfilePicURL", ""}}},
        {"CapMap", Json::object()}};
    return http("200 OK", "application/json", print_json(answer) + "\n");
}

}  // namespace

TailscaledDouble::TailscaledDouble(std::string socket_path) : socket_path_(std::move(socket_path)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_path_.size() >= sizeof address.sun_path) std::abort();
    std::memcpy(address.sun_path, socket_path_.c_str(), socket_path_.size() + 1);
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener_, 16) != 0)
        std::abort();
    thread_ = std::thread([this] { serve(); });
}

TailscaledDouble::~TailscaledDouble() {
    stopped_ = true;
    thread_.join();
    ::close(listener_);
    unlink(socket_path_.c_str());
}

void TailscaledDouble::knows(const std::string& address, const std::string& login) {
    const std::lock_guard<std::mutex> lock(mutex_);
    logins_[address] = login;
}

std::vector<std::string> TailscaledDouble::asked() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return asked_;
}

std::string TailscaledDouble::answer_to(const std::string& request) {
    const std::string begin = "GET /localapi/v0/whois?addr=";
    if (request.compare(0, begin.size(), begin) != 0)
        return http("404 Not Found", "text/plain", "404 page not found\n");
    // Against web pages that found a way to the socket.
    if (request.find("\r\nHost: local-tailscaled.sock\r\n") == std::string::npos)
        return http("403 Forbidden", "text/plain", "invalid localapi request\n");
    const std::string address =
        request.substr(begin.size(), request.find(' ', begin.size()) - begin.size());
    const std::lock_guard<std::mutex> lock(mutex_);
    asked_.push_back(address);
    const auto found = logins_.find(address);
    if (found == logins_.end())
        return http("404 Not Found", "text/plain", "no match for IP:port\n");
    return whois(address, found->second);
}

void TailscaledDouble::serve() {
    std::vector<Fd> left_waiting;
    while (!stopped_) {
        pollfd entry{listener_, POLLIN, 0};
        if (poll(&entry, 1, 10) <= 0) continue;
        Fd client(accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
        std::string request;
        char buffer[1024];
        while (request.find("\r\n\r\n") == std::string::npos) {
            const ssize_t count = ::read(client.get(), buffer, sizeof buffer);
            if (count <= 0) break;
            request.append(buffer, static_cast<size_t>(count));
        }
        if (hangs_) {
            left_waiting.push_back(std::move(client));
            continue;
        }
        const std::string answer = answer_to(request);
        // Whoever asks may have hung up already.
        (void)!::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    }
}
