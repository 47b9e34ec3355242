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
    follow_streams();
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
    const WorkerPlan* binder = planned(link.binder());
    const WorkerPlan* connector = planned(link.connector());
    if (!binder || !connector) return;
    const std::string socket = directory_of(link.name()) + "/socket";
    if (socket.size() > longest_socket_path) log_.say("error", too_long(socket).what);
    const Done made = prepare_link_dir(directory_of(link.name()), user_for_(binder->kind()),
                                       user_for_(connector->kind()));
    if (!made) log_.say("error", made.error().what);
}

const WorkerPlan* Wiring::planned(const std::string& worker) const {
    for (const WorkerPlan& candidate : plan_.workers())
        if (candidate.name() == worker) return &candidate;
    return nullptr;
}

void Wiring::follow_streams() {
    std::vector<Stream> next;
    for (const WorkerPlan& owner : plan_.workers())
        for (const std::string& door : owner.settings().doors()) {
            const WorkerPlan* keeper = planned(door);
            if (!keeper) continue;
            Stream stream;
            for (Stream& old : streams_)
                if (old.owner == owner.name() && old.door == door) stream = std::move(old);
            stream.owner = owner.name();
            stream.door = door;
            stream.path = directory_of(door + "-" + owner.name() + "-paths") + "/socket";
            if (!stream.socket)
                if (const Done opened = open_stream(stream, owner.kind(), keeper->kind()); !opened)
                    log_.say("error", opened.error().what);
            next.push_back(std::move(stream));
        }
    streams_ = std::move(next);
}

Done Wiring::open_stream(Stream& stream, const std::string& owner_kind,
                         const std::string& door_kind) {
    const std::optional<unsigned> owner = user_for_(owner_kind);
    const std::optional<unsigned> door = user_for_(door_kind);
    const std::string directory = stream.path.substr(0, stream.path.rfind('/'));
    if (Done made = prepare_link_dir(directory, owner, door); !made) return made;
    Result<Fd> socket = bind_stream(stream.path, owner, door);
    if (!socket) return socket.error();
    stream.socket = std::move(*socket);
    return {};
}

std::vector<hardshell::proto::StreamEnd> Wiring::streams_of(const std::string& worker) const {
    std::vector<hardshell::proto::StreamEnd> ends;
    for (const Stream& stream : streams_) {
        if (stream.door != worker || !stream.socket) continue;
        hardshell::proto::StreamEnd end;
        end.set_peer(stream.owner);
        end.set_path(stream.path);
        ends.push_back(std::move(end));
    }
    return ends;
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
    for (const Stream& stream : streams_)
        if (stream.owner == worker && stream.socket)
            handles.emplace_back("listener:routes", stream.socket.get());
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
