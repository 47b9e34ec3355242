// A planner that reads its answer from a script in place of openclaw.json, one word at a time:
//
//   worker NAME KIND [VARIABLE=value …]     without blanks in a value: '+' stands for one
//   secret WORKER NAME VALUE
//   link NAME BINDER CONNECTOR
//   listener NAME WORKER IP PORT
//   memory TOTAL_BYTES
//   wish WORKER SOFT_BYTES LIMIT_BYTES
//   log FORMAT LINES_PER_SECOND
//   degraded TEXT, refuse TEXT, notice TEXT
//   silent, die, garbage, oversized         in place of an answer

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "proto/plan.pb.h"
#include "workers/common/base/frame_stream.h"

namespace {

using hardshell::proto::Notice;
using hardshell::proto::Plan;
using hardshell::proto::PlanReply;
using hardshell::proto::PlanRequest;

constexpr int supervisor_descriptor = 3;
constexpr int patience_ms = 10'000;

std::string rest_of(std::istream& line) {
    std::string text;
    std::getline(line >> std::ws, text);
    return text;
}

void add_worker(Plan& plan, std::istream& line, const std::string& state_dir) {
    auto& worker = *plan.add_workers();
    line >> *worker.mutable_name() >> *worker.mutable_kind();
    auto& environment = *worker.mutable_settings()->mutable_environment();
    const char* id = std::getenv("FAULT_ID");
    environment["FAULT_ID"] = id ? id : "";
    environment["STUB_NAME"] = worker.name();
    environment["STUB_KIND"] = worker.kind();
    worker.mutable_settings()->set_state_dir(state_dir);
    for (std::string pair; line >> pair;) {
        const size_t equals = pair.find('=');
        if (equals == std::string::npos) continue;
        std::string value = pair.substr(equals + 1);
        std::replace(value.begin(), value.end(), '+', ' ');
        environment[pair.substr(0, equals)] = value;
    }
}

void add_secret(Plan& plan, std::istream& line) {
    std::string owner;
    line >> owner;
    for (auto& worker : *plan.mutable_workers()) {
        if (worker.name() != owner) continue;
        auto& secret = *worker.add_secrets();
        line >> *secret.mutable_name() >> *secret.mutable_value();
    }
}

void add_listener(Plan& plan, std::istream& line) {
    auto& listener = *plan.add_listeners();
    auto& address = *listener.add_addresses();
    uint32_t port = 0;
    line >> *listener.mutable_name() >> *listener.mutable_worker() >> *address.mutable_ip() >> port;
    address.set_port(port);
}

void add_wish(Plan& plan, std::istream& line) {
    auto& wish = *plan.mutable_supervisor()->add_memory();
    uint64_t soft = 0;
    uint64_t limit = 0;
    line >> *wish.mutable_worker() >> soft >> limit;
    wish.set_soft_bytes(soft);
    wish.set_limit_bytes(limit);
}

// False: there is to be no answer of the usual kind.
bool take(const std::string& word, std::istream& line, PlanReply& reply, const std::string& state) {
    Plan& plan = *reply.mutable_plan();
    if (word == "worker") {
        add_worker(plan, line, state);
    } else if (word == "secret") {
        add_secret(plan, line);
    } else if (word == "link") {
        auto& link = *plan.add_links();
        line >> *link.mutable_name() >> *link.mutable_binder() >> *link.mutable_connector();
    } else if (word == "listener") {
        add_listener(plan, line);
    } else if (word == "memory") {
        uint64_t total = 0;
        line >> total;
        plan.mutable_supervisor()->set_memory_total_bytes(total);
    } else if (word == "wish") {
        add_wish(plan, line);
    } else if (word == "log") {
        uint32_t rate = 0;
        line >> *plan.mutable_supervisor()->mutable_log_format() >> rate;
        plan.mutable_supervisor()->set_log_lines_per_second(rate);
    } else if (word == "degraded") {
        plan.set_degraded(rest_of(line));
    } else if (word == "notice") {
        auto& notice = *plan.add_notices();
        notice.set_severity(Notice::WARNING);
        notice.set_text(rest_of(line));
    } else if (word == "refuse") {
        reply.set_refused(rest_of(line));
        return true;
    } else if (word == "silent") {
        pause();
    } else if (word == "die") {
        _exit(3);
    } else if (word == "garbage") {
        (void)!write(supervisor_descriptor, "\0\0\0\4\377\377\377\377", 8);
        return false;
    } else if (word == "oversized") {
        (void)!write(supervisor_descriptor, "\177\377\377\377", 4);
        return false;
    }
    return true;
}

}  // namespace

int main() {
    const Result<std::string> frame = read_one_frame(supervisor_descriptor, patience_ms);
    PlanRequest request;
    if (!frame || !request.ParseFromString(*frame)) return 1;
    std::ifstream script(request.config_path());
    PlanReply reply;
    reply.mutable_plan()->set_source("file");
    for (std::string text; std::getline(script, text);) {
        std::istringstream line(text);
        std::string word;
        if (line >> word && !take(word, line, reply, request.state_dir())) return 0;
        if (reply.has_refused()) break;
    }
    return write_one_frame(supervisor_descriptor, reply, patience_ms) ? 0 : 1;
}
