#include "workers/tools/tool_worker.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "workers/common/base/users.h"
#include "workers/common/log.h"
#include "workers/tools/files.h"
#include "workers/tools/patch.h"
#include "workers/tools/workspace_templates.h"

namespace tools {

using hardshell::proto::AgentToTools;
using hardshell::proto::ToolsToAgent;

namespace {

constexpr std::chrono::milliseconds approval_patience{130'000};  // the gateway's is 120 s
constexpr uint64_t largest_file = 1u << 30;
constexpr uint32_t no_processor_limit = 2'000'000'000;

// What a command is given of our environment; anything else could hold a secret or load code.
constexpr const char* environment_names[] = {"TZ", "LANG", "LC_ALL", "TERM"};
// What a model may not set: these load code into programs or change what is run.
constexpr std::string_view denied_names[] = {
    "LD_",          "DYLD_",     "GCONV_PATH", "BASH_ENV",      "ENV",        "PROMPT_COMMAND",
    "NODE_OPTIONS", "NODE_PATH", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME", "PERL5LIB",
    "PERL5OPT",     "RUBYOPT",   "RUBYLIB",    "PATH",          "IFS",        "GIT_",
    "SHELLOPTS",    "BASHOPTS",  "PS4"};

void add_environment(hardshell::proto::StartCell& cell, const std::string& home,
                     const Variable& variable) {
    cell.add_environment("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    cell.add_environment("HOME=" + home);
    cell.add_environment("TMPDIR=/tmp");
    for (const char* name : environment_names)
        if (const std::string value = variable(name); !value.empty())
            cell.add_environment(std::string(name) + "=" + value);
}

void send_result(const ToolWorker::Services& services, uint64_t call, const Outcome& outcome) {
    ToolsToAgent message;
    auto& result = *message.mutable_result();
    result.set_id(call);
    result.set_is_error(outcome.is_error);
    result.set_content_json(print_json(outcome.content));
    if (!outcome.details.is_null()) result.set_details_json(print_json(outcome.details));
    services.send(message);
}

Processes::Services services_of_processes(const ToolWorker::Services& services) {
    return {
        services.loop,
        services.cells,
        services.now_ms,
        [services](uint64_t call, std::string_view text) {
            ToolsToAgent message;
            message.mutable_output()->set_id(call);
            message.mutable_output()->set_text(std::string(text));
            services.send(message);
        },
        [services](uint64_t call, const Outcome& outcome) { send_result(services, call, outcome); },
        [services](const std::string& session, const std::string& process,
                   const std::string& summary) {
            ToolsToAgent message;
            message.mutable_process_ended()->set_session_key(session);
            message.mutable_process_ended()->set_process_id(process);
            message.mutable_process_ended()->set_summary(summary);
            services.send(message);
        }};
}

}  // namespace

bool may_set(std::string_view name) {
    if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string_view::npos)
        return false;
    return std::none_of(
        std::begin(denied_names), std::end(denied_names), [&](std::string_view denied) {
            return denied.ends_with('_') ? name.starts_with(denied) : name == denied;
        });
}

ToolWorker::ToolWorker(Services services)
    : services_(std::move(services)),
      processes_(services_of_processes(services_)),
      policy_(nullptr),
      web_fetch_(services_.loop, {services_.certificate_file}),
      media_fetch_(services_.loop, {services_.certificate_file}) {}

bool ToolWorker::offers_patch(const ToolWorker& worker) {
    return exec_settings(worker.services_.config, {}, worker.services_.variable).apply_patch;
}

bool ToolWorker::offers_fetch(const ToolWorker& worker) {
    return bool_member(member_at(worker.services_.config, "tools.web.fetch"), "enabled", true);
}

void ToolWorker::begin() {
    for (const auto& [name, server] : member_at(services_.config, "mcp.servers").items()) {
        servers_.push_back(std::make_unique<McpServer>(
            McpServer::Services{services_.loop, services_.cells, services_.now_ms,
                                [this] { announce(); }},
            name, cell_of_server(server)));
        servers_.back()->start();
    }
}

// What it says to people is not among its messages.
hardshell::proto::StartCell ToolWorker::cell_of_server(const Json& server) const {
    hardshell::proto::StartCell cell;
    const ExecSettings settings = exec_settings(services_.config, {}, services_.variable);
    for (const char* argument : {"/bin/sh", "-c", "exec \"$@\" 2>/dev/null", "sh"})
        cell.add_arguments(argument);
    cell.add_arguments(text_member(server, "command"));
    for (const Json& argument : member(server, "args"))
        if (argument.is_string()) cell.add_arguments(argument.get<std::string>());
    const std::string workspace = services_.state_dir + "/workspace";
    add_environment(cell, workspace, services_.variable);
    for (const auto& [name, value] : member(server, "env").items())
        if (value.is_string()) cell.add_environment(name + "=" + value.get<std::string>());
    cell.set_workspace(workspace);
    cell.set_directory(workspace);
    for (const std::string& path : services_.hidden) cell.add_hidden(path);
    cell.set_network(bool_member(server, "network"));
    cell.set_memory_bytes(settings.memory_bytes);
    cell.set_most_processes(settings.most_processes);
    cell.set_largest_file(largest_file);
    cell.set_processor_seconds(no_processor_limit);
    return cell;
}

bool ToolWorker::call_server(const std::string& tool, const Call& call) {
    for (const auto& server : servers_)
        if (const McpServer::Tool* found = server->find(tool)) {
            server->call(call.id, *found, call.arguments,
                         [this, id = call.id](const Outcome& outcome) { answer(id, outcome); });
            return true;
        }
    return false;
}

void ToolWorker::announce() {
    ToolsToAgent message;
    message.mutable_link_up();
    for (const Row& row : catalogue()) {
        if (!row.for_model || (row.is_offered && !row.is_offered(*this))) continue;
        auto& tool = *message.mutable_link_up()->add_tools();
        tool.set_name(std::string(row.name));
        tool.set_description(row.description);
        tool.set_parameters_json(row.parameters);
    }
    for (const auto& server : servers_)
        for (const McpServer::Tool& offered : server->tools()) {
            auto& tool = *message.mutable_link_up()->add_tools();
            tool.set_name(offered.name);
            tool.set_description(offered.description);
            tool.set_parameters_json(offered.parameters_json);
            tool.set_server(server->name());
        }
    services_.send(message);
}

void ToolWorker::answer(uint64_t call, const Outcome& outcome) {
    send_result(services_, call, outcome);
}

void ToolWorker::take(const AgentToTools& message) {
    if (message.has_link_up()) return announce();
    if (message.has_call()) return take_call(message.call());
    if (message.has_prepare()) return prepare(message.prepare());
    if (message.has_cancel()) {
        const uint64_t call = message.cancel().id();
        waiting_.erase(call);
        web_fetch_.cancel(call);
        media_fetch_.cancel(call);
        for (const auto& server : servers_) server->cancel(call);
        processes_.cancel(call);
    }
    if (message.has_approval())
        approval_answered(message.approval().call_id(), message.approval().decision());
    if (message.has_end_session()) processes_.end_session(message.end_session().session_key());
}

void ToolWorker::agent_gone() {
    waiting_.clear();
    web_fetch_.cancel_all();
    media_fetch_.cancel_all();
    processes_.end_calls();
}

// Those below the state directory are made by the supervisor; others where this user may, and by
// their owner where it may not.
void ToolWorker::prepare(const hardshell::proto::PrepareWorkspace& wanted) {
    const std::string& path = wanted.workspace();
    keys_[path] = wanted.setting();
    const std::string said = wanted.setting().empty() ? "" : wanted.setting() + ": ";
    const Done there = make_workspace(path, services_.state_dir);
    const Result<Workspace> workspace = there ? Workspace::open(path) : there.error();
    if (!workspace || !workspace->is_writable())
        return log_warn("{}{}", said,
                        workspace ? "nothing can be written in the workspace " + path +
                                        "; give it to the group " +
                                        std::to_string(workspace_group) + " with mode 2770"
                                  : workspace.error().what);
    if (wanted.bare()) return;
    const Furnished furnished = furnish(*workspace);
    if (!furnished.failed.empty())
        log_warn("{}the workspace {} lacks {} of its usual files: {}", said, path,
                 furnished.failed.size(), furnished.failed.front().what);
    if (!furnished.written.empty())
        log_info("the workspace {} has {} new files, {} first", path, furnished.written.size(),
                 furnished.written.front());
}

void ToolWorker::take_call(const hardshell::proto::CallTool& message) {
    Result<Json> arguments = parse_json(message.arguments_json());
    if (!arguments || !arguments->is_object())
        return answer(message.id(), error_outcome("The arguments are no JSON object."));
    const Call call{
        message.id(),        std::move(*arguments),
        message.agent_id(),  message.session_key(),
        message.workspace(), {message.exec_host(), message.exec_security(), message.exec_ask()}};
    for (const Row& row : catalogue())
        if (row.name == message.tool() && (!row.is_offered || row.is_offered(*this)))
            return (this->*row.handler)(call);
    if (!call_server(message.tool(), call))
        answer(call.id, error_outcome("There is no tool " + message.tool() + " here."));
}

Result<Workspace> ToolWorker::workspace_of(const Call& call) const {
    const auto key = keys_.find(call.workspace);
    return open_workspace(call.workspace, services_.state_dir,
                          key == keys_.end() ? "" : key->second);
}

void ToolWorker::in_workspace(const Call& call, Outcomes tool) {
    const Result<Workspace> workspace = workspace_of(call);
    answer(call.id,
           workspace ? tool(*workspace, call.arguments) : error_outcome(workspace.error().what));
}

void ToolWorker::read(const Call& call) {
    in_workspace(call, read_file);
}
void ToolWorker::write(const Call& call) {
    in_workspace(call, write_file);
}
void ToolWorker::edit(const Call& call) {
    in_workspace(call, edit_file);
}
void ToolWorker::patch(const Call& call) {
    in_workspace(call, apply_patch);
}
void ToolWorker::memory_search(const Call& call) {
    in_workspace(call, search_memory);
}
void ToolWorker::memory_get(const Call& call) {
    in_workspace(call, get_memory);
}
void ToolWorker::process(const Call& call) {
    answer(call.id, processes_.speak(call.session, call.arguments));
}

void ToolWorker::fetch(const Call& call) {
    web_fetch_.start(call.id, call.arguments,
                     [this](uint64_t id, const Outcome& outcome) { answer(id, outcome); });
}

void ToolWorker::fetch_media(const Call& call) {
    media_fetch_.start(call.id, call.arguments,
                       [this](uint64_t id, const Outcome& outcome) { answer(id, outcome); });
}

void ToolWorker::exec(const Call& call) {
    ExecSettings settings = exec_settings(services_.config, call.agent, services_.variable);
    choose(call.exec, settings);
    Result<Processes::Order> order = order_for(call, settings);
    if (!order) return answer(call.id, error_outcome(order.error().what));
    const Decision decision = policy_.decide(settings, call.agent, order->text);
    if (decision.verdict == Verdict::deny)
        return answer(call.id, error_outcome("The command was not run: " + decision.why));
    if (!decision.arguments.empty()) {
        order->cell.clear_arguments();
        for (const std::string& argument : decision.arguments) order->cell.add_arguments(argument);
    }
    if (decision.verdict == Verdict::ask) return ask(call, std::move(*order), decision);
    processes_.run(std::move(*order));
}

Result<Processes::Order> ToolWorker::order_for(const Call& call,
                                               const ExecSettings& settings) const {
    const Result<Workspace> workspace = workspace_of(call);
    if (!workspace) return workspace.error();
    const std::string workdir = text_member(call.arguments, "workdir");
    const Result<std::string> directory = workspace->directory(workdir.empty() ? "." : workdir);
    if (!directory) return directory.error();
    Processes::Order order;
    order.call = call.id;
    order.session = call.session;
    order.text = text_member(call.arguments, "command");
    order.timeout = std::min<std::chrono::milliseconds>(
        settings.timeout,
        std::chrono::seconds(std::clamp<int64_t>(
            int_member(call.arguments, "timeout", settings.timeout.count() / 1000), 1, 86'400)));
    order.yield =
        bool_member(call.arguments, "background")
            ? std::chrono::milliseconds(0)
            : std::chrono::milliseconds(std::clamp<int64_t>(
                  int_member(call.arguments, "yieldMs", settings.yield.count()), 10, 120'000));
    auto& cell = order.cell;
    for (const char* argument : {"/bin/sh", "-c"}) cell.add_arguments(argument);
    cell.add_arguments(order.text);
    add_environment(cell, call.workspace, services_.variable);
    for (const auto& [name, value] : member(call.arguments, "env").items()) {
        if (!value.is_string()) continue;
        if (!may_set(name))
            return Error{Fault::bad_message, "the variable " + name + " cannot be set here"};
        cell.add_environment(name + "=" + value.get<std::string>());
    }
    cell.set_workspace(call.workspace);
    cell.set_directory(*directory);
    for (const std::string& path : services_.hidden) cell.add_hidden(path);
    cell.set_network(settings.network);
    cell.set_memory_bytes(settings.memory_bytes);
    cell.set_most_processes(settings.most_processes);
    cell.set_largest_file(largest_file);
    cell.set_processor_seconds(static_cast<uint32_t>(order.timeout.count() / 1000 + 60));
    return order;
}

void ToolWorker::ask(const Call& call, Processes::Order order, const Decision& decision) {
    ToolsToAgent message;
    auto& wanted = *message.mutable_approval_wanted();
    wanted.set_call_id(call.id);
    wanted.set_request_json(print_json(Json{{"command", order.text},
                                            {"cwd", order.cell.directory()},
                                            {"host", "gateway"},
                                            {"security", decision.security},
                                            {"ask", decision.ask},
                                            {"agentId", call.agent},
                                            {"resolvedPath", decision.resolved},
                                            {"sessionKey", call.session}}));
    Waiting& waits = waiting_[call.id];
    waits.order = std::move(order);
    waits.decision = decision;
    waits.agent = call.agent;
    waits.deadline = services_.loop.after(approval_patience,
                                          [this, id = call.id] { approval_answered(id, {}); });
    services_.send(message);
}

void ToolWorker::approval_answered(uint64_t call, const std::string& decision) {
    auto found = waiting_.extract(call);
    if (found.empty()) return;
    Waiting& waits = found.mapped();
    const bool fallback = decision.empty() && waits.decision.fallback_allows;
    if (decision == "allow-always") policy_.remember(waits.agent, waits.decision);
    if (decision == "allow-once" || decision == "allow-always" || fallback)
        return processes_.run(std::move(waits.order));
    answer(call,
           error_outcome(decision.empty() ? "The command was not run: nobody approved it in time."
                                          : "The command was not run: its owner denied it."));
}

}  // namespace tools
