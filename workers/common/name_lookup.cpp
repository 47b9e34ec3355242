#include "workers/common/name_lookup.h"

#include <netdb.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>

#include "workers/common/base/fd.h"

struct NameLookup::Shared {
    std::string host;
    Fd done{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    // Written by the thread before it sets `done`, read by the loop after.
    int fault = 0;
    std::vector<std::string> addresses;
    Handler handler;  // the loop's alone
};

namespace {

std::string numeric(const sockaddr* address, socklen_t size) {
    char text[NI_MAXHOST];
    if (getnameinfo(address, size, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) return {};
    return text;
}

int look_up(const std::string& host, std::vector<std::string>& addresses) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    int fault = getaddrinfo(host.c_str(), nullptr, &hints, &found);
    if (fault == EAI_NONAME || fault == EAI_ADDRFAMILY) {
        // AI_ADDRCONFIG does not count loopback: without a network there is no localhost with it.
        hints.ai_flags = 0;
        fault = getaddrinfo(host.c_str(), nullptr, &hints, &found);
    }
    for (const addrinfo* entry = found; fault == 0 && entry; entry = entry->ai_next) {
        std::string text = numeric(entry->ai_addr, entry->ai_addrlen);
        if (!text.empty() && std::find(addresses.begin(), addresses.end(), text) == addresses.end())
            addresses.push_back(std::move(text));
    }
    if (found) freeaddrinfo(found);
    return fault;
}

}  // namespace

NameLookup::NameLookup(Loop& loop, const std::string& host, Handler handler)
    : shared_(std::make_shared<Shared>()) {
    shared_->host = host;
    shared_->handler = std::move(handler);
    const auto shared = shared_;
    watch_ = loop.watch(shared_->done.get(), Loop::readable, [this, shared](unsigned) {
        watch_.reset();
        const Handler call = std::move(shared->handler);
        if (shared->addresses.empty())
            call(Error{Fault::unreachable, "cannot find the address of " + shared->host + ": " +
                                               gai_strerror(shared->fault)});
        else
            call(shared->addresses);
    });
    try {
        std::thread([shared] {
            shared->fault = look_up(shared->host, shared->addresses);
            eventfd_write(shared->done.get(), 1);
        }).detach();
    } catch (const std::system_error&) {
        shared->fault = EAI_MEMORY;
        eventfd_write(shared->done.get(), 1);
    }
}

NameLookup::~NameLookup() = default;
