#include "supervisor/control_verbs.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <string>

#include "supervisor/supervisor.h"

namespace supervisor {

namespace {

using hardshell::proto::ControlReply;
using hardshell::proto::ControlRequest;

constexpr size_t bytes_per_reply = 128u << 10;
constexpr size_t most_lines = 10'000;

std::string argument(const ControlRequest& request, int index) {
    return index < request.arguments_size() ? request.arguments(index) : "";
}

void done(ControlClient& client) {
    ControlReply reply;
    reply.set_last(true);
    client.reply(reply);
}

void status(Supervisor& supervisor, const ControlRequest&, ControlClient& client) {
    ControlReply reply;
    reply.set_last(true);
    *reply.mutable_status() = supervisor.report();
    client.reply(reply);
}

void add_line(ControlReply& reply, const std::string& worker, const LogRecord& record) {
    auto& line = *reply.add_lines();
    line.set_sequence(record.sequence);
    line.set_worker(worker);
    line.set_time_ms(record.time_ms);
    line.set_text(record.text);
}

// Where the last lines begin that have so many bytes together.
size_t first_within(const std::vector<std::pair<std::string, LogRecord>>& lines, size_t room) {
    size_t first = lines.size();
    while (first > 0 && lines[first - 1].second.text.size() <= room)
        room -= lines[--first].second.text.size();
    return first;
}

void logs(Supervisor& supervisor, const ControlRequest& request, ControlClient& client) {
    const std::string worker = argument(request, 0);
    size_t most = 200;
    const std::string count = argument(request, 1);
    std::from_chars(count.data(), count.data() + count.size(), most);
    const bool follow = argument(request, 2) == "follow";
    size_t room = SIZE_MAX;
    const std::string most_bytes = argument(request, 3);
    std::from_chars(most_bytes.data(), most_bytes.data() + most_bytes.size(), room);
    if (!worker.empty() && !supervisor.has_log_of(worker))
        return client.refuse("there is no worker called " + worker);
    const auto lines = supervisor.log().recent(worker, 0, std::min(most, most_lines));
    ControlReply reply;
    size_t bytes = 0;
    for (size_t index = first_within(lines, room); index < lines.size(); ++index) {
        const auto& [name, record] = lines[index];
        add_line(reply, name, record);
        bytes += record.text.size();
        if (bytes < bytes_per_reply) continue;
        client.reply(reply);
        reply.Clear();
        bytes = 0;
    }
    reply.set_last(!follow);
    client.reply(reply);
    if (!follow) return;
    // A reader that does not keep up misses lines; it sees that by their sequence numbers.
    client.feed = supervisor.log().listen(
        [worker, to = &client](const std::string& name, const LogRecord& record) {
            if ((!worker.empty() && worker != name) || !to->keeps_up()) return;
            ControlReply next;
            add_line(next, name, record);
            to->reply(next);
        });
}

void restart(Supervisor& supervisor, const ControlRequest& request, ControlClient& client) {
    const Done restarted = supervisor.restart_worker(argument(request, 0));
    return restarted ? done(client) : client.refuse(restarted.error().what);
}

void start(Supervisor& supervisor, const ControlRequest& request, ControlClient& client) {
    const Done started = supervisor.start_worker(argument(request, 0));
    return started ? done(client) : client.refuse(started.error().what);
}

void stop(Supervisor& supervisor, const ControlRequest& request, ControlClient& client) {
    if (request.arguments_size() == 0) {
        done(client);
        return supervisor.stop_all("the owner asked for it");
    }
    const Done stopped = supervisor.stop_worker(argument(request, 0));
    return stopped ? done(client) : client.refuse(stopped.error().what);
}

void reload(Supervisor& supervisor, const ControlRequest&, ControlClient& client) {
    const Done asked = supervisor.reload();
    return asked ? done(client) : client.refuse(asked.error().what);
}

void gateway_call(Supervisor& supervisor, const ControlRequest& request, ControlClient& client) {
    supervisor.call_gateway(argument(request, 0), argument(request, 1), client);
}

// A planner answers; the client may be gone by then.
void config(Supervisor& supervisor, const ControlRequest& request, ControlClient& client) {
    hardshell::proto::ConfigCall call;
    call.set_method(argument(request, 0));
    call.set_params_json(argument(request, 1));
    const auto is_there = std::make_shared<bool>(true);
    client.feed = Loop::Registration([is_there] { *is_there = false; });
    supervisor.configure(std::move(call), [is_there, to = &client](const auto& answer) {
        if (!*is_there) return;
        ControlReply reply;
        reply.set_last(true);
        *reply.mutable_config() = answer;
        to->reply(reply);
    });
}

constexpr ControlVerb verbs[] = {
    {"status", "", status},
    {"logs", "[worker [lines [follow [bytes]]]]", logs},
    {"restart", "worker", restart},
    {"start", "worker", start},
    {"stop", "[worker]", stop},
    {"reload", "", reload},
    {"gateway-call", "method params", gateway_call},
    {"config", "method parameters", config},
};

}  // namespace

void run_verb(Supervisor& supervisor, const ControlRequest& request, ControlClient& client) {
    std::string known;
    for (const ControlVerb& row : verbs) {
        if (row.verb == request.verb()) return row.handle(supervisor, request, client);
        known += (known.empty() ? "" : ", ") + std::string(row.verb);
    }
    client.refuse("unknown request " + request.verb() + "; there are " + known);
}

}  // namespace supervisor
