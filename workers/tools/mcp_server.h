// One MCP server that the owner has configured: a program that offers tools over its standard input
// and output, kept in a cell as every command is, and started again when it ends.
//
// Promises one outcome for each call, and that no process outlives it. Takes any bytes: a line that
// is no message is dropped, one that does not end ends the server.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "workers/tools/command.h"
#include "workers/tools/outcome.h"

namespace tools {

class McpServer {
  public:
    static constexpr size_t longest_line = 4u << 20;
    static constexpr size_t most_tools = 128;
    static constexpr int most_pages = 64;  // of a list of tools
    static constexpr std::chrono::milliseconds call_limit{120'000};
    static constexpr std::chrono::milliseconds start_limit{60'000};
    static constexpr std::chrono::milliseconds first_pause{1'000};  // doubled up to …
    static constexpr std::chrono::milliseconds longest_pause{60'000};

    struct Tool {
        std::string name;  // for the model: "server__tool"
        std::string remote_name;
        std::string description;
        std::string parameters_json;
    };
    struct Services {
        Loop& loop;
        Cells& cells;
        std::function<int64_t()> now_ms;
        std::function<void()> tools_changed;
    };

    // `cell` has the program and its walls.
    McpServer(Services services, std::string name, hardshell::proto::StartCell cell);
    ~McpServer();

    void start();
    const std::string& name() const { return name_; }
    bool is_running() const { return command_ != nullptr; }
    const std::vector<Tool>& tools() const { return tools_; }
    const Tool* find(std::string_view name) const;
    using Ended = std::function<void(const Outcome& outcome)>;
    void call(uint64_t call, const Tool& tool, const Json& arguments, Ended ended);
    void cancel(uint64_t call);

  private:
    struct Asked {
        uint64_t call = 0;
        std::function<void(const Json& message)> answered;
        Loop::Registration deadline;
    };
    void take(std::string_view bytes);
    void take_line(const std::string& line);
    void ask(uint64_t call, const char* method, const Json& params, std::chrono::milliseconds limit,
             std::function<void(const Json&)> answered);
    void tell(const Json& message);
    void list_tools(const std::string& cursor);
    void take_tools(const Json& message);
    void give_up(uint64_t id, const std::string& why);
    void end(const std::string& why);
    void server_ended();

    Services services_;
    const std::string name_;
    const hardshell::proto::StartCell cell_;
    std::unique_ptr<Command> command_;
    std::string line_;
    std::vector<Tool> tools_;
    std::vector<Tool> listing_;  // pages that have come so far
    int pages_ = 0;              // asked for; 0: none is under way
    bool is_outdated_ = false;   // the tools changed while they were listed
    std::map<uint64_t, Asked> asked_;
    uint64_t next_id_ = 1;
    int64_t started_ms_ = 0;
    std::chrono::milliseconds pause_ = first_pause;
    Loop::Registration again_;
};

// "server__tool" in the letters that every provider takes, at most 64.
std::string mcp_tool_name(const std::string& server, const std::string& tool);
// The outcome of a tools/call's result; pure.
Outcome mcp_outcome(const Json& result);

}  // namespace tools
