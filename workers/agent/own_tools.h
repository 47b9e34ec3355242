// TABLE of the tools that the agent serves itself: what it knows of sessions, agents and jobs. Each
// row is a method that clients have too; a few need more than one, see own_tools.cpp and
// cron_tool.cpp.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "workers/agent/methods.h"
#include "workers/agent/tool_box.h"
#include "workers/common/base/loop.h"

namespace agent {

struct ToolArgument {
    const char* name;
    const char* parameter;  // of the method
};

struct OwnTool {
    std::string_view name;
    const char* description;
    const char* parameters;  // JSON Schema
    // The method and what it is given; null: a tool with steps of its own.
    const char* method;
    std::span<const ToolArgument> arguments;
    // The parameter that takes the session: argument `sessionKey`, else the caller's own.
    const char* session;
    // Also for programs over HTTP: it only tells something.
    bool over_http;
    // Only where the owner has telephone calls.
    bool needs_voice = false;
};
std::span<const OwnTool> own_tools();
const OwnTool* find_own_tool(std::string_view name);
// The method's parameters; an error names the argument that is not taken.
Result<Json> params_for(const OwnTool& tool, const Json& arguments, const std::string& own_session);
// What the model is shown of a method's payload.
std::string shown_text(const std::string& payload_json, const Json& payload);

class MessageTool;

class OwnTools {
  public:
    explicit OwnTools(Loop& loop) : loop_(loop) {}
    ~OwnTools() { *alive_ = false; }
    // Until then every call ends with an error. Without a store the results of spawned tasks are
    // told by this process only.
    void serve(Methods& methods, MessageTool* messages = nullptr, SessionStore* store = nullptr) {
        methods_ = &methods;
        messages_ = messages;
        store_ = store;
    }
    // Tells the results of tasks that an earlier process began; the runs have recovered.
    Done recover();
    void stop_serving() {
        methods_ = nullptr;
        messages_ = nullptr;
        store_ = nullptr;
    }
    // Whether there is any use in it here.
    bool offers(const OwnTool& tool) const;

    std::unique_ptr<ToolCall> start(const OwnTool& tool, const ToolOrder& order,
                                    ToolListener& listener);

  private:
    using Ended = std::function<void(ToolOutcome)>;
    void run(const OwnTool& tool, const ToolOrder& order, const Ended& ended);
    void call(const char* method, const Json& params, const Ended& ended);
    Result<SessionKey> reachable(const std::string& spelling, const ToolCaller& caller) const;
    void list_sessions(Json params, const ToolOrder& order, const Ended& ended);
    void cron(const ToolOrder& order, const Ended& ended);
    std::string cron_refusal(const Json& job, const ToolCaller& caller) const;
    void with_own_job(const ToolOrder& order, const Ended& ended, std::function<void()> then);
    void list_jobs(const Json& params, const ToolOrder& order, const Ended& ended);
    void send(const ToolOrder& order, const Ended& ended);
    void spawn(const ToolOrder& order, const Ended& ended);
    // A task in a session of its own, and whom its result is told.
    struct Spawned {
        std::string run_id;
        std::string parent;
        std::string label;
        std::string child;  // its session
        bool is_deleted;    // once the result is told
    };
    void begin(const Spawned& task, const Json& params, const Ended& ended);
    void follow(const Spawned& task);
    void ended_before(const Spawned& task, const RunRecord& run);
    void announce(const Spawned& task, bool ok, const std::string& result);
    void tell(const Json& params, const Spawned& task);
    void close(const Spawned& task);

    Loop& loop_;
    Methods* methods_ = nullptr;
    MessageTool* messages_ = nullptr;
    SessionStore* store_ = nullptr;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with calls under way
};

// A call that ends with this when the loop is next free.
std::unique_ptr<ToolCall> ended_tool(Loop& loop, ToolOutcome outcome, ToolListener& listener);

}  // namespace agent
