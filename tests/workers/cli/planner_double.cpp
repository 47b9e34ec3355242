// Stands in for the planner, as a process of its own: the configuration file is a list of lines
// "token T", "password P", "key PROVIDER K", "port N", "address IP", "remote URL TOKEN",
// "refuse TEXT", "silent".
// Without a file it makes a token of its own in the state directory, as the planner does.

#include <filesystem>
#include <fstream>
#include <sstream>

#include "proto/plan.pb.h"
#include "workers/common/base/frame_stream.h"
#include "workers/common/base/paths.h"

namespace {

using namespace hardshell::proto;

void add_secret(WorkerPlan& worker, const std::string& name, const std::string& value,
                const std::string& source) {
    auto& secret = *worker.add_secrets();
    secret.set_name(name);
    secret.set_value(value);
    secret.set_source(source);
}

PlanReply answer(const PlanRequest& request) {
    PlanReply reply;
    Plan& plan = *reply.mutable_plan();
    WorkerPlan& gateway = *plan.add_workers();
    WorkerPlan& agent = *plan.add_workers();
    gateway.set_name("gateway");
    gateway.set_kind("gateway");
    agent.set_name("agent");
    agent.set_kind("agent");
    Listener& listener = *plan.add_listeners();
    listener.set_name("http");
    std::ifstream file(request.config_path());
    plan.set_source(file ? "file" : "none");
    if (!file) {
        std::ofstream(paths::generated_token_file(request.state_dir())) << "made-by-the-planner";
        add_secret(gateway, "gateway.auth.token", "made-by-the-planner", "generated");
        plan.add_notices()->set_text("kept in " + paths::generated_token_file(request.state_dir()));
    }
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string verb, first, second;
        words >> verb >> first >> second;
        if (verb == "token") add_secret(gateway, "gateway.auth.token", first, "the file");
        if (verb == "password") add_secret(gateway, "gateway.auth.password", first, "the file");
        if (verb == "key")
            add_secret(agent, "models.providers." + first + ".apiKey", second, "the file");
        if (verb == "port") gateway.mutable_settings()->set_port(std::stoul(first));
        if (verb == "config") gateway.mutable_settings()->set_config_json(line.substr(7));
        if (verb == "address") listener.add_addresses()->set_ip(first);
        if (verb == "remote") {
            plan.mutable_remote()->set_url(first);
            plan.mutable_remote()->set_token(second);
        }
        if (verb == "silent") std::exit(3);
        if (verb == "refuse") {
            reply.set_refused(line.substr(7));
            return reply;
        }
    }
    return reply;
}

}  // namespace

int main() {
    Result<std::string> frame = read_one_frame(3, 5000);
    PlanRequest request;
    if (!frame || !request.ParseFromString(*frame)) return 2;
    return write_one_frame(3, answer(request), 5000) ? 0 : 2;
}
