#include "supervisor/wiring.h"

#include <algorithm>
#include <chrono>

#include "supervisor/directories.h"
#include "supervisor/listeners.h"

namespace supervisor {

namespace {

using hardshell::proto::LinkEnd;
using hardshell::proto::LinkPlan;
using hardshell::proto::Listener;
using hardshell::proto::WorkerPlan;

constexpr std::chrono::milliseconds listener_retry{1'000};

}  // namespace

void Wiring::follow(const hardshell::proto::Plan& plan) {
    plan_ = plan;
    std::vector<Bound> next;
    for (const Listener& wanted : plan_.listeners()) {
        Bound bound;
        const std::string key = wanted.SerializeAsString();
        for (Bound& old : listeners_)
            if (old.plan.SerializeAsString() == key) bound = std::move(old);
        bound.plan = wanted;
        next.push_back(std::move(bound));
    }
    listeners_ = std::move(next);  // closes what the plan no longer has, before others are bound
    bind_all();
    for (const LinkPlan& link : plan_.links()) prepare(link);
}

Done Wiring::bind(Bound& listener) {
    Result<std::vector<Fd>> sockets = bind_listener(listener.plan);
    if (!sockets) return sockets.error();
    listener.sockets = std::move(*sockets);
    return {};
}

void Wiring::bind_all() {
    bool is_missing = false;
    for (Bound& listener : listeners_) {
        if (!listener.sockets.empty() || is_optional(listener.plan)) continue;
        const Done bound = bind(listener);
        if (bound) continue;
        is_missing = true;
        if (listener.last_error != bound.error().what)
            log_.say("error", bound.error().what + "; trying again every second");
        listener.last_error = bound.error().what;
    }
    retry_.reset();
    if (is_missing) retry_ = loop_.after(listener_retry, [this] { bind_again(); });
}

void Wiring::bind_optional(const std::string& worker) {
    for (Bound& listener : listeners_) {
        if (listener.plan.worker() != worker || !is_optional(listener.plan) ||
            !listener.sockets.empty())
            continue;
        const Done bound = bind(listener);
        if (bound) continue;
        const std::string what = worker + " goes without " + listener.plan.name() +
                                 " until its next start: " + bound.error().what;
        if (listener.last_error != what) log_.say("warn", what);
        listener.last_error = what;
    }
}

void Wiring::bind_again() {
    bind_all();
    on_bound_();
}

void Wiring::prepare(const LinkPlan& link) {
    const WorkerPlan* binder = nullptr;
    const WorkerPlan* connector = nullptr;
    for (const WorkerPlan& worker : plan_.workers()) {
        if (worker.name() == link.binder()) binder = &worker;
        if (worker.name() == link.connector()) connector = &worker;
    }
    if (!binder || !connector) return;
    const std::string socket = directory_of(link.name()) + "/socket";
    if (socket.size() > longest_socket_path) log_.say("error", too_long(socket).what);
    const Done made = prepare_link_dir(directory_of(link.name()), user_for_(binder->kind()),
                                       user_for_(connector->kind()));
    if (!made) log_.say("error", made.error().what);
}

std::vector<LinkEnd> Wiring::links_of(const std::string& worker) const {
    std::vector<LinkEnd> ends;
    for (const LinkPlan& link : plan_.links()) {
        if (link.binder() != worker && link.connector() != worker) continue;
        LinkEnd end;
        end.set_name(link.name());
        end.set_binds(link.binder() == worker);
        end.set_peer(end.binds() ? link.connector() : link.binder());
        end.set_endpoint("ipc://" + directory_of(link.name()) + "/socket");
        ends.push_back(std::move(end));
    }
    return ends;
}

std::vector<std::pair<std::string, int>> Wiring::listeners_for_start_of(const std::string& worker) {
    bind_optional(worker);
    std::vector<std::pair<std::string, int>> handles;
    for (const Bound& listener : listeners_)
        if (listener.plan.worker() == worker)
            for (const Fd& socket : listener.sockets)
                handles.emplace_back("listener:" + listener.plan.name(), socket.get());
    return handles;
}

bool Wiring::has_listeners(const std::string& worker) const {
    return std::any_of(listeners_.begin(), listeners_.end(), [&](const Bound& listener) {
        return listener.plan.worker() == worker && !listener.sockets.empty();
    });
}

bool Wiring::may_start(const std::string& worker) const {
    bool waits = false;
    for (const Bound& listener : listeners_) {
        if (listener.plan.worker() != worker || is_optional(listener.plan)) continue;
        if (!listener.sockets.empty()) return true;
        waits = true;
    }
    return !waits;
}

std::vector<std::string> Wiring::missing() const {
    std::vector<std::string> reasons;
    for (const Bound& listener : listeners_)
        if (listener.sockets.empty()) reasons.push_back(listener.last_error);
    return reasons;
}

}  // namespace supervisor
