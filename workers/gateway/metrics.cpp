// Debian's prometheus-cpp has a serializer, but only as a shared library that formats through
// iostreams: another mapped library in a process that is to stay small, for one loop over tables.

#include "workers/gateway/metrics.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace gateway {

namespace {

using Value = std::optional<double>;  // nothing: not known, so not said

struct WorkerFacts {
    const WorkerState& status;
    const BoardPage* page;
    int64_t now_ms;
};

bool is_up(const WorkerFacts& worker) {
    return worker.status.pid() > 0;
}
Value number(uint64_t value) {
    return static_cast<double>(value);
}
// 0 stands for "not known" and for "none".
Value unless_zero(uint64_t value) {
    return value == 0 ? Value{} : number(value);
}
Value seconds(int64_t milliseconds) {
    return static_cast<double>(milliseconds) / 1000;
}

Value heartbeat_age(const WorkerFacts& worker) {
    const int64_t beat = worker.page && is_up(worker) ? worker.page->last_beat() : 0;
    // A page is the worker's to write: a stamp from the future is its problem.
    return beat <= 0 ? Value{} : seconds(std::max<int64_t>(worker.now_ms - beat, 0));
}

struct WorkerMetric {
    const char* name;
    const char* type;
    const char* help;
    Value (*value)(const WorkerFacts& worker);
};

// clang-format off
constexpr WorkerMetric worker_metrics[] = {
    {"hardshell_worker_up", "gauge", "Whether the worker has a process now.",
     [](const WorkerFacts& w) { return number(is_up(w) ? 1 : 0); }},
    {"hardshell_worker_restarts_total", "counter", "Starts of the worker after its first.",
     [](const WorkerFacts& w) { return number(w.status.restarts()); }},
    {"hardshell_worker_start_time_seconds", "gauge", "When its process was started, since the epoch.",
     [](const WorkerFacts& w) { return is_up(w) && w.status.started_ms() > 0 ? seconds(w.status.started_ms()) : Value{}; }},
    {"hardshell_worker_memory_soft_limit_bytes", "gauge", "Memory beyond which it sheds, and is replaced if that does not help.",
     [](const WorkerFacts& w) { return unless_zero(w.status.memory_soft_bytes()); }},
    {"hardshell_worker_memory_limit_bytes", "gauge", "Memory beyond which it is killed.",
     [](const WorkerFacts& w) { return unless_zero(w.status.memory_limit_bytes()); }},
    {"hardshell_worker_heartbeat_age_seconds", "gauge", "Time since its main loop last turned.",
     heartbeat_age},
    {"hardshell_worker_log_lines_suppressed_total", "counter", "Log lines not passed on because there were too many.",
     [](const WorkerFacts& w) { return number(w.status.log_lines_suppressed()); }},
};

struct CounterMetric {
    Counter counter;
    const char* name;
    const char* type;
    const char* help;
    // The kind that counts it; empty: every one.
    std::string_view kind;
    double parts = 1;              // of the metric's unit, which the board counts
    bool zero_is_unknown = false;  // a time that never was, a size nobody measured
};

// In the order of the enumeration. A counter begins anew with each life of its worker.
constexpr CounterMetric counter_metrics[] = {
    {Counter::turns_started, "hardshell_turns_started_total", "counter", "Agent turns begun.", "agent"},
    {Counter::turns_failed, "hardshell_turns_failed_total", "counter", "Agent turns that ended with an error.", "agent"},
    {Counter::turns_interrupted, "hardshell_turns_interrupted_total", "counter", "Agent turns that were aborted, or cut off by a restart.", "agent"},
    {Counter::model_calls, "hardshell_model_calls_total", "counter", "Requests to a model.", "agent"},
    {Counter::clients_connected, "hardshell_clients_connected", "gauge", "Clients admitted now.", "gateway"},
    {Counter::clients_refused, "hardshell_clients_refused_total", "counter", "Clients not admitted.", "gateway"},
    {Counter::link_frames_dropped, "hardshell_link_frames_dropped_total", "counter", "Frames between workers that were dropped: malformed, of an earlier life, or refused by a full queue.", ""},
    {Counter::link_queue, "hardshell_link_queue_frames", "gauge", "Frames that wait for another worker.", ""},
    {Counter::messages_in, "hardshell_messages_received_total", "counter", "Requests from clients.", "gateway"},
    {Counter::messages_out, "hardshell_messages_sent_total", "counter", "Answers to clients.", "gateway"},
    {Counter::memory_bytes, "hardshell_worker_memory_bytes", "gauge", "Memory of its own that the worker uses.", ""},
    {Counter::memory_peak_bytes, "hardshell_worker_memory_peak_bytes", "gauge", "The most memory that it used in this life.", ""},
    {Counter::descriptors, "hardshell_worker_open_descriptors", "gauge", "Open file descriptors.", ""},
    {Counter::model_failures, "hardshell_model_failures_total", "counter", "Requests to a model that failed; another model may have answered.", "agent"},
    {Counter::model_cost_microdollars, "hardshell_model_cost_dollars_total", "counter", "What the models' answers cost, where the price is known.", "agent", 1e6},
    {Counter::messages_waiting, "hardshell_messages_waiting", "gauge", "Messages of people and jobs that are not answered yet.", "agent"},
    {Counter::oldest_message_ms, "hardshell_oldest_message_time_seconds", "gauge", "When the longest waiting of them came, since the epoch; missing while none waits.", "agent", 1e3, true},
    {Counter::deliveries_waiting, "hardshell_deliveries_waiting", "gauge", "Messages to people on channels that are not delivered yet.", "agent"},
    {Counter::oldest_delivery_ms, "hardshell_oldest_delivery_time_seconds", "gauge", "When the longest waiting of them was written, since the epoch; missing while none waits.", "agent", 1e3, true},
    {Counter::deliveries_failed, "hardshell_deliveries_failed_total", "counter", "Messages to people on channels that were refused, given up, or of which nobody knows.", "agent"},
    {Counter::volume_bytes, "hardshell_volume_bytes", "gauge", "Size of the file system that holds the state.", "agent", 1, true},
    {Counter::volume_free_bytes, "hardshell_volume_free_bytes", "gauge", "What is left of it.", "agent"},
    {Counter::volume_transcripts_bytes, "hardshell_volume_transcripts_bytes", "gauge", "What conversations take on it.", "agent"},
    {Counter::volume_copies_bytes, "hardshell_volume_copies_bytes", "gauge", "What archived and damaged copies take.", "agent"},
    {Counter::volume_media_bytes, "hardshell_volume_media_bytes", "gauge", "What files on their way to people take.", "agent"},
    {Counter::volume_logs_bytes, "hardshell_volume_logs_bytes", "gauge", "What the logs of jobs take.", "agent"},
    {Counter::volume_leftovers_bytes, "hardshell_volume_leftovers_bytes", "gauge", "What unfinished files take that a crash left.", "agent"},
    {Counter::volume_database_bytes, "hardshell_volume_database_bytes", "gauge", "What the journal takes.", "agent"},
    {Counter::volume_workspace_bytes, "hardshell_volume_workspace_bytes", "gauge", "What the workspace takes.", "agent"},
    {Counter::volume_pruned_files, "hardshell_volume_pruned_files_total", "counter", "Files that housekeeping removed.", "agent"},
    {Counter::volume_pruned_bytes, "hardshell_volume_pruned_bytes_total", "counter", "What they took.", "agent"},
};
// clang-format on

constexpr bool covers_all_counters() {
    size_t index = 0;
    for (const CounterMetric& row : counter_metrics)
        if (row.counter != static_cast<Counter>(index++)) return false;
    return index == static_cast<size_t>(Counter::count_);
}
static_assert(covers_all_counters(), "every counter of the board needs a name and a help text");

constexpr WorkerState::State states[] = {
    WorkerState::STARTING, WorkerState::READY, WorkerState::STOPPING,
    WorkerState::WAITING,  WorkerState::HELD,  WorkerState::STOPPED,
};

struct Label {
    std::string_view name;
    std::string_view value;
};

class Writer {
  public:
    void family(std::string_view name, std::string_view type, std::string_view help) {
        name_ = name;
        text_.append("# HELP ").append(name).append(" ").append(help);
        text_.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
    }

    void sample(std::initializer_list<Label> labels, double value) {
        text_.append(name_);
        char before = '{';
        for (const Label& label : labels) {
            text_ += before;
            text_.append(label.name).append("=\"");
            append_escaped(label.value);
            text_ += '"';
            before = ',';
        }
        if (labels.size() > 0) text_ += '}';
        text_ += ' ';
        char digits[400];  // the largest number in full; none is longer
        const auto written =
            std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed);
        text_.append(digits, written.ptr) += '\n';
    }

    std::string take() { return std::move(text_); }

  private:
    void append_escaped(std::string_view value) {
        for (const char byte : value) {
            if (byte == '\\' || byte == '"') text_ += '\\';
            if (byte == '\n')
                text_ += "\\n";
            else
                text_ += byte;
        }
    }

    std::string text_;
    std::string_view name_;
};

void write_whole(Writer& out, const MetricsFacts& facts) {
    out.family("hardshell_build_info", "gauge", "The version that runs; always 1.");
    out.sample({{"version", facts.version}, {"commit", facts.commit}}, 1);
    out.family("hardshell_ready", "gauge",
               "Whether every critical worker serves, none is held and the volume has room, as "
               "/readyz says.");
    out.sample({}, facts.readiness.ready ? 1 : 0);
    out.family(
        "hardshell_volume_alarm", "gauge",
        "0: the volume has room; 1: it is at least 85 % full; 2: it takes nothing any more.");
    out.sample({}, facts.volume_alarm);
    out.family("hardshell_degraded", "gauge",
               "Whether the configuration could not be used and an earlier one, or none, serves.");
    out.sample({}, facts.degraded ? 1 : 0);
}

void write_tunnel(Writer& out, const MetricsFacts& facts) {
    if (!facts.tunnel || facts.tunnel->provider().empty()) return;
    out.family("hardshell_tunnel_up", "gauge",
               "Whether requests from the internet come through the tunnel.");
    out.sample({{"provider", facts.tunnel->provider()}},
               facts.tunnel->state() == hardshell::proto::PublicUrl::UP ? 1 : 0);
    out.family("hardshell_tunnel_address_changes_total", "counter",
               "How often the tunnel's address became another one.");
    out.sample({{"provider", facts.tunnel->provider()}},
               static_cast<double>(facts.tunnel->changes()));
}

void write_door(Writer& out, const MetricsFacts& facts) {
    if (!facts.door) return;
    out.family("hardshell_public_requests_total", "counter",
               "Requests for public paths on the gateway's port, by what became of them.");
    out.sample({{"outcome", "handed_on"}}, static_cast<double>(facts.door->handed_on));
    out.sample({{"outcome", "refused"}}, static_cast<double>(facts.door->refused));
    out.sample({{"outcome", "unanswered"}}, static_cast<double>(facts.door->unanswered));
}

void write_states(Writer& out, const MetricsFacts& facts) {
    out.family("hardshell_worker_state", "gauge",
               "The state of the worker: 1 for the one it is in.");
    for (const WorkerState& worker : facts.workers)
        for (const WorkerState::State state : states)
            out.sample({{"worker", worker.name()}, {"state", state_name(state)}},
                       worker.state() == state ? 1 : 0);
}

// Said before the first one too: a series that begins at 1 has not increased.
constexpr std::string_view ends_to_watch[] = {"oom", "machine_oom"};

void write_ends(Writer& out, const MetricsFacts& facts) {
    if (facts.workers.empty()) return;
    out.family("hardshell_worker_ends_total", "counter", "Ends of the worker, by what ended it.");
    for (const WorkerState& worker : facts.workers) {
        for (const auto& end : worker.ends())
            out.sample({{"worker", worker.name()}, {"cause", end.cause()}},
                       static_cast<double>(end.count()));
        for (const std::string_view cause : ends_to_watch)
            if (std::none_of(worker.ends().begin(), worker.ends().end(),
                             [&](const auto& end) { return end.cause() == cause; }))
                out.sample({{"worker", worker.name()}, {"cause", cause}}, 0);
    }
}

void write_worker_metrics(Writer& out, const MetricsFacts& facts) {
    for (const WorkerMetric& metric : worker_metrics) {
        bool any = false;
        for (const WorkerState& worker : facts.workers) {
            const Value value = metric.value({worker, facts.page(worker.name()), facts.now_ms});
            if (!value) continue;
            if (!any) out.family(metric.name, metric.type, metric.help);
            any = true;
            out.sample({{"worker", worker.name()}}, *value);
        }
    }
}

void write_counters(Writer& out, const MetricsFacts& facts) {
    for (const CounterMetric& metric : counter_metrics) {
        bool any = false;
        for (const WorkerState& worker : facts.workers) {
            const BoardPage* page = facts.page(worker.name());
            if (!page || (!metric.kind.empty() && metric.kind != worker.kind())) continue;
            const int64_t counted = page->get(metric.counter);
            if (counted == 0 && metric.zero_is_unknown) continue;
            if (!any) out.family(metric.name, metric.type, metric.help);
            any = true;
            out.sample({{"worker", worker.name()}}, static_cast<double>(counted) / metric.parts);
        }
    }
}

struct AccountMetric {
    const char* name;
    const char* help;
    Value (*value)(const Json& live);
};

constexpr AccountMetric account_metrics[] = {
    {"hardshell_channel_connected", "Whether the account is connected to its service.",
     [](const Json& live) {
         // What a process said that is gone says nothing of now.
         return number(bool_member(live, "connected") && bool_member(live, "linked", true) ? 1 : 0);
     }},
    {"hardshell_channel_last_inbound_time_seconds",
     "When somebody last wrote to the account, since the epoch; missing before the first time.",
     [](const Json& live) {
         const int64_t at = int_member(live, "lastInboundAt");
         return at > 0 ? seconds(at) : Value{};
     }},
};

// Of each account that has a process and has said something of itself.
void write_account_metrics(Writer& out, const MetricsFacts& facts) {
    for (const AccountMetric& metric : account_metrics) {
        bool any = false;
        for (const auto& [channel, summary] : facts.channels.items())
            for (const auto& [account, entry] : member(summary, "accounts").items()) {
                const Json& live = member(entry, "live");
                const Value value = live.is_object() ? metric.value(live) : Value{};
                if (!value) continue;
                if (!any) out.family(metric.name, "gauge", metric.help);
                any = true;
                out.sample({{"channel", channel}, {"account", account}}, *value);
            }
    }
}

}  // namespace

std::string metrics_text(const MetricsFacts& facts) {
    Writer out;
    write_whole(out, facts);
    write_tunnel(out, facts);
    write_door(out, facts);
    write_states(out, facts);
    write_ends(out, facts);
    write_worker_metrics(out, facts);
    write_counters(out, facts);
    write_account_metrics(out, facts);
    return out.take();
}

}  // namespace gateway
