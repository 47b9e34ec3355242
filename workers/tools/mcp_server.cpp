#include "workers/tools/mcp_server.h"

#include <algorithm>

#include "workers/common/log.h"

namespace tools {

namespace {

constexpr const char* protocol = "2024-11-05";
constexpr int64_t stable_ms = 60'000;

std::string problem_of(const Json& message) {
    const Json& error = member(message, "error");
    return error.is_object() ? text_member(error, "message", "an error without a text")
                             : std::string();
}

}  // namespace

std::string mcp_tool_name(const std::string& server, const std::string& tool) {
    std::string name = server + "__" + tool;
    for (char& c : name) {
        const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!allowed) c = '_';
    }
    return name.substr(0, 64);
}

Outcome mcp_outcome(const Json& result) {
    Outcome outcome;
    outcome.is_error = bool_member(result, "isError");
    for (const Json& block : member(result, "content")) {
        const std::string_view type = text_view(block, "type");
        if (type == "text")
            outcome.content.push_back(Json{{"type", "text"}, {"text", text_member(block, "text")}});
        else if (type == "image")
            outcome.content.push_back(Json{{"type", "image"},
                                           {"data", text_member(block, "data")},
                                           {"mimeType", text_member(block, "mimeType")}});
        else
            outcome.content.push_back(Json{{"type", "text"}, {"text", print_json(block)}});
    }
    if (outcome.content.empty())
        outcome.content.push_back(Json{{"type", "text"}, {"text", "(no output)"}});
    if (const Json& structured = member(result, "structuredContent"); !structured.is_null())
        outcome.details = structured;
    return outcome;
}

McpServer::McpServer(Services services, std::string name, hardshell::proto::StartCell cell)
    : services_(std::move(services)), name_(std::move(name)), cell_(std::move(cell)) {}

McpServer::~McpServer() = default;

void McpServer::start() {
    line_.clear();
    pages_ = 0;
    started_ms_ = services_.now_ms();
    command_ = std::make_unique<Command>(services_.loop, services_.cells);
    command_->live_on();
    command_->on_output([this](std::string_view bytes) { take(bytes); });
    command_->on_end([this] { server_ended(); });
    if (const Done done = command_->start(cell_, {}); !done) {
        log_warn("the MCP server {} was not started: {}", name_, done.error().what);
        return server_ended();
    }
    const Json params{{"protocolVersion", protocol},
                      {"capabilities", Json::object()},
                      {"clientInfo", {{"name", "hardshell"}, {"version", HARDSHELL_VERSION}}}};
    ask(0, "initialize", params, start_limit, [this](const Json& message) {
        if (const std::string problem = problem_of(message); !problem.empty())
            return end("it refused to begin: " + problem);
        tell(Json{{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}});
        list_tools({});
    });
}

void McpServer::list_tools(const std::string& cursor) {
    if (cursor.empty()) {
        listing_.clear();
        pages_ = 0;
        is_outdated_ = false;
    }
    ++pages_;
    Json params = Json::object();
    if (!cursor.empty()) params["cursor"] = cursor;
    ask(0, "tools/list", params, start_limit, [this](const Json& message) { take_tools(message); });
}

void McpServer::take_tools(const Json& message) {
    if (const std::string problem = problem_of(message); !problem.empty())
        return end("it does not list its tools: " + problem);
    const Json& result = member(message, "result");
    for (const Json& tool : member(result, "tools")) {
        const std::string remote = text_member(tool, "name");
        const std::string shown = mcp_tool_name(name_, remote);
        // Two of one name would have providers refuse the whole request.
        const bool is_taken = std::any_of(listing_.begin(), listing_.end(),
                                          [&](const Tool& other) { return other.name == shown; });
        if (remote.empty() || is_taken || listing_.size() >= most_tools) continue;
        const Json& schema = member(tool, "inputSchema");
        listing_.push_back({shown, remote, text_member(tool, "description"),
                            print_json(schema.is_object() ? schema : Json{{"type", "object"}})});
    }
    const std::string next = text_member(result, "nextCursor");
    if (!next.empty() && listing_.size() < most_tools && pages_ < most_pages)
        return list_tools(next);
    pages_ = 0;
    tools_ = std::exchange(listing_, {});
    log_info("MCP server {} is there with {} tools", name_, tools_.size());
    services_.tools_changed();
    if (is_outdated_) list_tools({});
}

const McpServer::Tool* McpServer::find(std::string_view name) const {
    for (const Tool& tool : tools_)
        if (tool.name == name) return &tool;
    return nullptr;
}

void McpServer::call(uint64_t call, const Tool& tool, const Json& arguments, Ended ended) {
    ask(call, "tools/call", {{"name", tool.remote_name}, {"arguments", arguments}}, call_limit,
        [ended](const Json& message) {
            const std::string problem = problem_of(message);
            ended(problem.empty() ? mcp_outcome(member(message, "result"))
                                  : error_outcome(problem));
        });
}

void McpServer::cancel(uint64_t call) {
    for (auto asked = asked_.begin(); asked != asked_.end(); ++asked) {
        if (asked->second.call != call) continue;
        tell(Json{{"jsonrpc", "2.0"},
                  {"method", "notifications/cancelled"},
                  {"params", {{"requestId", asked->first}}}});
        asked_.erase(asked);
        return;
    }
}

void McpServer::ask(uint64_t call, const char* method, const Json& params,
                    std::chrono::milliseconds limit, std::function<void(const Json&)> answered) {
    const uint64_t id = next_id_++;
    asked_[id] = {call, std::move(answered), services_.loop.after(limit, [this, id] {
                      give_up(id, "the MCP server " + name_ + " did not answer in time");
                  })};
    tell(Json{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}});
}

void McpServer::tell(const Json& message) {
    if (!command_) return;
    if (const Done done = command_->write(print_json(message) + "\n"); !done)
        log_debug("the MCP server {} takes no message: {}", name_, done.error().what);
}

void McpServer::give_up(uint64_t id, const std::string& why) {
    auto asked = asked_.extract(id);
    if (!asked.empty()) asked.mapped().answered(Json{{"error", {{"message", why}}}});
}

void McpServer::take(std::string_view bytes) {
    while (!bytes.empty()) {
        const size_t line_break = bytes.find('\n');
        line_ += bytes.substr(0, line_break);
        if (line_.size() > longest_line) {
            line_.clear();
            return end("it wrote a line of more than 4 MiB");
        }
        if (line_break == std::string_view::npos) return;
        bytes.remove_prefix(line_break + 1);
        take_line(std::exchange(line_, {}));
    }
}

void McpServer::take_line(const std::string& line) {
    const Result<Json> message = parse_json(line);
    if (!message || !message->is_object()) return;  // a program that also talks to people
    if (text_view(*message, "method") == "notifications/tools/list_changed") {
        // One list at a time, however often it says so.
        is_outdated_ = pages_ > 0;
        return is_outdated_ ? void() : list_tools({});
    }
    if (message->contains("method") && message->contains("id"))  // we offer it nothing
        return tell(Json{{"jsonrpc", "2.0"},
                         {"id", member(*message, "id")},
                         {"error", {{"code", -32601}, {"message", "not offered"}}}});
    const int64_t id = int_member(*message, "id", -1);
    if (id < 0) return;
    auto asked = asked_.extract(static_cast<uint64_t>(id));
    if (!asked.empty()) asked.mapped().answered(*message);
}

void McpServer::end(const std::string& why) {
    log_warn("the MCP server {} is ended: {}", name_, why);
    if (command_) command_->end();
}

// Its command has called us: it goes when the loop is next free.
void McpServer::server_ended() {
    const std::shared_ptr<Command> gone(std::move(command_));
    services_.loop.soon([gone] {});
    std::map<uint64_t, Asked> lost;
    lost.swap(asked_);
    const bool had_tools = !tools_.empty();
    tools_.clear();
    if (services_.now_ms() - started_ms_ > stable_ms) pause_ = first_pause;
    log_warn("the MCP server {} has ended{}; it is started again in {} s", name_,
             gone && gone->ended() ? " with code " + std::to_string(gone->ended()->code) : "",
             pause_.count() / 1000);
    again_ = services_.loop.after(pause_, [this] { start(); });
    pause_ = std::min(pause_ * 2, longest_pause);
    const Json why{
        {"error", {{"message", "the MCP server " + name_ + " ended before it had answered"}}}};
    for (auto& [id, asked] : lost)
        if (asked.call != 0) asked.answered(why);
    if (had_tools) services_.tools_changed();
}

}  // namespace tools
