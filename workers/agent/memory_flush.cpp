#include "workers/agent/memory_flush.h"

#include <algorithm>
#include <utility>

namespace agent {

namespace {

constexpr int64_t usual_soft_tokens = 4'000;
constexpr std::string_view methods[] = {"chat", "channel", "agent"};

constexpr const char* usual_flush_prompt =
    "This conversation will be condensed soon. Write down now what should outlast it, in "
    "memory/<today's date>.md of the workspace. Answer with NO_REPLY when you have, or when there "
    "is nothing.";
constexpr const char* usual_instructions =
    "This turn is for your memory only: nobody sees your answer.";

Json user_message(const std::string& text, int64_t now_ms) {
    return Json{{"role", "user"},
                {"content", Json::array({{{"type", "text"}, {"text", text}}})},
                {"timestamp", now_ms}};
}

}  // namespace

std::optional<MemoryFlush> memory_flush_after(const RunRecord& run, const Session& session,
                                              const AgentConfig& config, int64_t window,
                                              int64_t now_ms) {
    const Json& settings = member_at(config.json(), "agents.defaults.compaction.memoryFlush");
    if (!bool_member(settings, "enabled", true) || run.status != "ok") return {};
    if (std::find(std::begin(methods), std::end(methods), run.method) == std::end(methods))
        return {};
    const int64_t soft =
        std::max<int64_t>(0, int_member(settings, "softThresholdTokens", usual_soft_tokens));
    const int64_t limit = window - std::min(config.reserve_tokens(), window / 2) - soft;
    if (limit <= 0 || int_member(session.entry, "totalTokens") < limit) return {};
    const int64_t compactions = int_member(session.entry, "compactionCount");
    const Json& done = member(session.entry, "memoryFlushCompactionCount");
    if (done.is_number() && done.get<int64_t>() == compactions) return {};
    MemoryFlush flush{{}, session};
    flush.session.entry["memoryFlushAt"] = now_ms;
    flush.session.entry["memoryFlushCompactionCount"] = compactions;
    RunRecord& record = flush.order.record;
    record.method = memory_flush_method;
    record.run_id = std::string(memory_flush_method) + ":" + new_entry_id() + new_entry_id();
    record.session = session.key;
    record.spelling = session.key.key;
    record.message = user_message(text_member(settings, "prompt", usual_flush_prompt), now_ms);
    record.extra_system = text_member(settings, "systemPrompt", usual_instructions);
    return flush;
}

}  // namespace agent
