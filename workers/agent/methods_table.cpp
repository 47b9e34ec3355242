// TABLE of the methods served here and of their parameters.

#include "workers/agent/methods.h"

namespace agent {

namespace {

using Kind = Field::Kind;

constexpr int64_t any = std::numeric_limits<int64_t>::min();
// An idempotency key is repeated in every event of its run.
constexpr int64_t longest_run_id = 512;

// Until the configuration changes, which is a new process.
constexpr std::chrono::hours for_good{24};
// Tells the time, or what a stock tool may change in a file: as long as nobody can tell.
constexpr std::chrono::milliseconds a_moment{10};

// name, kind, required, least, most
constexpr Field chat_send_fields[] = {
    {"sessionKey", Kind::text, true, 1},
    {"message", Kind::text, true},
    {"idempotencyKey", Kind::text, true, 1, longest_run_id},
    {"thinking", Kind::text},
    {"deliver", Kind::boolean},
    {"attachments", Kind::array},
    {"timeoutMs", Kind::integer, false, 0},
};
constexpr Field chat_history_fields[] = {
    {"sessionKey", Kind::text, true, 1},
    {"limit", Kind::integer, false, 1, 1000},
};
constexpr Field older_history_fields[] = {
    {"sessionKey", Kind::text, true, 1},
    {"skip", Kind::integer, true, 0, 10'000},  // each is passed on the way
    {"limit", Kind::integer, false, 1, 1000},
};
constexpr Field chat_abort_fields[] = {
    {"sessionKey", Kind::text, true, 1},
    {"runId", Kind::text, false, 1},
};
constexpr Field agent_fields[] = {
    {"message", Kind::text, true, 1},
    {"idempotencyKey", Kind::text, true, 1, longest_run_id},
    {"agentId", Kind::text, false, 1},
    {"to", Kind::text},
    {"replyTo", Kind::text},
    {"sessionId", Kind::text},
    {"sessionKey", Kind::text},
    {"thinking", Kind::text},
    {"deliver", Kind::boolean},
    {"attachments", Kind::array},
    {"channel", Kind::text},
    {"replyChannel", Kind::text},
    {"accountId", Kind::text},
    {"replyAccountId", Kind::text},
    {"threadId", Kind::text},
    {"groupId", Kind::text},
    {"groupChannel", Kind::text},
    {"groupSpace", Kind::text},
    {"timeout", Kind::integer, false, 0},
    {"lane", Kind::text},
    {"extraSystemPrompt", Kind::text},
    {"label", Kind::text, false, 1, 64},
    {"spawnedBy", Kind::text},
    {"clientTools", Kind::array},  // functions that the caller runs
    {"continues", Kind::boolean},  // its session must be there
    {"spawnedFor", Kind::text},    // who asked for it in a group, where that decides what it may do
};
constexpr Field agent_wait_fields[] = {
    {"runId", Kind::text, true, 1},
    {"timeoutMs", Kind::integer, false, 0},
};
constexpr Field agent_identity_fields[] = {
    {"agentId", Kind::text, false, 1},
    {"sessionKey", Kind::text},
};
constexpr Field sessions_list_fields[] = {
    {"limit", Kind::integer, false, 1},      {"activeMinutes", Kind::integer, false, 1},
    {"includeGlobal", Kind::boolean},        {"includeUnknown", Kind::boolean},
    {"includeDerivedTitles", Kind::boolean}, {"includeLastMessage", Kind::boolean},
    {"label", Kind::text, false, 1, 64},     {"spawnedBy", Kind::text, false, 1},
    {"agentId", Kind::text, false, 1},       {"search", Kind::text},
};
constexpr Field sessions_preview_fields[] = {
    {"keys", Kind::text_list, true, 1},
    {"limit", Kind::integer, false, 1},
    {"maxChars", Kind::integer, false, 20},
};
constexpr Field sessions_resolve_fields[] = {
    {"key", Kind::text, false, 1},       {"sessionId", Kind::text, false, 1},
    {"label", Kind::text, false, 1, 64}, {"agentId", Kind::text, false, 1},
    {"spawnedBy", Kind::text, false, 1}, {"includeGlobal", Kind::boolean},
    {"includeUnknown", Kind::boolean},
};
constexpr Field sessions_patch_fields[] = {
    {"key", Kind::text, true, 1},
    {"label", Kind::text_or_null, false, 1, 64},
    {"thinkingLevel", Kind::text_or_null, false, 1},
    {"verboseLevel", Kind::text_or_null, false, 1},
    {"reasoningLevel", Kind::text_or_null, false, 1},
    {"responseUsage", Kind::text_or_null, false, 1},
    {"elevatedLevel", Kind::text_or_null, false, 1},
    {"execHost", Kind::text_or_null, false, 1},
    {"execSecurity", Kind::text_or_null, false, 1},
    {"execAsk", Kind::text_or_null, false, 1},
    {"execNode", Kind::text_or_null, false, 1},
    {"model", Kind::text_or_null, false, 1},
    {"spawnedBy", Kind::text_or_null, false, 1},
    {"sendPolicy", Kind::text_or_null, false, 1},
    {"groupActivation", Kind::text_or_null, false, 1},
};
constexpr Field sessions_reset_fields[] = {{"key", Kind::text, true, 1}};
constexpr Field sessions_delete_fields[] = {
    {"key", Kind::text, true, 1},
    {"deleteTranscript", Kind::boolean},
};
constexpr Field sessions_compact_fields[] = {
    {"key", Kind::text, true, 1},
    {"maxLines", Kind::integer, false, 1},
};
constexpr Field chat_inject_fields[] = {
    {"sessionKey", Kind::text, true, 1},
    {"message", Kind::text, true, 1},
    {"label", Kind::text, false, 0, 100},
};
constexpr Field usage_cost_fields[] = {{"days", Kind::any, false, any}};
constexpr Field wake_fields[] = {
    {"mode", Kind::text, true, 1},
    {"text", Kind::text, true, 1},
    {"agentId", Kind::text},  // ours; the default agent without it
};
constexpr Field set_heartbeats_fields[] = {{"enabled", Kind::boolean, true}};
constexpr Field cron_list_fields[] = {{"includeDisabled", Kind::boolean}};
// What these say is checked further where jobs are made.
constexpr Field cron_add_fields[] = {
    {"name", Kind::any, true},     {"schedule", Kind::any, true}, {"payload", Kind::any, true},
    {"description", Kind::any},    {"agentId", Kind::any},        {"enabled", Kind::any},
    {"deleteAfterRun", Kind::any}, {"sessionTarget", Kind::any},  {"wakeMode", Kind::any},
    {"isolation", Kind::any},
};
constexpr Field cron_update_fields[] = {
    {"id", Kind::text, false, 1},
    {"jobId", Kind::text, false, 1},
    {"patch", Kind::any, true},
};
constexpr Field cron_remove_fields[] = {
    {"id", Kind::text, false, 1},
    {"jobId", Kind::text, false, 1},
};
constexpr Field cron_run_fields[] = {
    {"id", Kind::text, false, 1},
    {"jobId", Kind::text, false, 1},
    {"mode", Kind::text},
};
constexpr Field cron_runs_fields[] = {
    {"id", Kind::text, false, 1},
    {"jobId", Kind::text, false, 1},
    {"limit", Kind::integer, false, 1, 5000},
};
constexpr Field system_event_fields[] = {{"text", Kind::text, true, 1}};
constexpr Field skills_status_fields[] = {{"agentId", Kind::text, false, 1}};
constexpr Field tool_fields[] = {
    {"tool", Kind::text, true, 1}, {"args", Kind::any, false, any},
    {"action", Kind::text},        {"sessionKey", Kind::text, false, 1},
    {"channel", Kind::text},       {"accountId", Kind::text},
};
constexpr Field session_status_fields[] = {{"sessionKey", Kind::text, true, 1}};
constexpr Field fetch_fields[] = {
    {"url", Kind::text, true, 1},
    {"maxBytes", Kind::integer, true, 1},
    {"maxRedirects", Kind::integer, true, 0},
    {"timeoutMs", Kind::integer, true, 1},
};
constexpr Field avatar_fields[] = {{"agentId", Kind::text}, {"content", Kind::boolean}};
constexpr Field send_fields[] = {
    {"to", Kind::text, true, 1},
    {"message", Kind::text, true, 1},
    {"idempotencyKey", Kind::text, true, 1, longest_run_id},
    {"mediaUrl", Kind::text},
    {"mediaUrls", Kind::text_list},
    {"gifPlayback", Kind::boolean},
    {"channel", Kind::text},
    {"accountId", Kind::text},
    {"sessionKey", Kind::text},
};
constexpr Field channels_fields[] = {{"probe", Kind::boolean},
                                     {"timeoutMs", Kind::integer, false, 0}};
constexpr Field deliver_fields[] = {
    {"message", Kind::text, true, 1},
    {"origin", Kind::text, true, 1},
    {"channel", Kind::text},
    {"to", Kind::text},
};
constexpr Field channel_logout_fields[] = {
    {"channel", Kind::text, true, 1},
    {"accountId", Kind::text, false, 1},
};
constexpr Field pairing_fields[] = {
    {"channel", Kind::text, true, 1, 64},
    {"code", Kind::text, true, 1, 32},
};
constexpr Field voice_initiate_fields[] = {
    {"message", Kind::text, true, 1},
    {"to", Kind::text},
    {"mode", Kind::text},
};
constexpr Field voice_start_fields[] = {
    {"to", Kind::text, true, 1},
    {"message", Kind::text},
};
constexpr Field voice_message_fields[] = {
    {"callId", Kind::text, true, 1},
    {"message", Kind::text, true, 1},
};
constexpr Field voice_end_fields[] = {{"callId", Kind::text, true, 1}};
constexpr Field voice_status_fields[] = {{"callId", Kind::text}, {"sid", Kind::text}};
constexpr Field voice_tool_fields[] = {
    {"action", Kind::text}, {"message", Kind::text}, {"to", Kind::text},
    {"mode", Kind::text},   {"callId", Kind::text},  {"sid", Kind::text},
};
constexpr Field probe_fields[] = {{"probe", Kind::any, false, any}};

}  // namespace

std::span<const Methods::Row> Methods::table() {
    static constexpr Row rows[] = {
        // name, parameters, handler, how long its answer may be given again
        {"chat.send", chat_send_fields, &Methods::chat_send},
        {"chat.history", chat_history_fields, &Methods::chat_history},
        {"chat.abort", chat_abort_fields, &Methods::chat_abort},
        {"chat.inject", chat_inject_fields, &Methods::chat_inject},
        {"agent", agent_fields, &Methods::agent},
        {"agent.wait", agent_wait_fields, &Methods::agent_wait},
        {"agents.list", {}, &Methods::agents_list, for_good},
        {"agent.identity.get", agent_identity_fields, &Methods::agent_identity},
        {"sessions.list", sessions_list_fields, &Methods::sessions_list, a_moment},
        {"sessions.preview", sessions_preview_fields, &Methods::sessions_preview},
        {"sessions.resolve", sessions_resolve_fields, &Methods::sessions_resolve},
        {"sessions.patch", sessions_patch_fields, &Methods::sessions_patch},
        {"sessions.reset", sessions_reset_fields, &Methods::sessions_reset},
        {"sessions.delete", sessions_delete_fields, &Methods::sessions_delete},
        {"sessions.compact", sessions_compact_fields, &Methods::sessions_compact},
        {"usage.status", {}, &Methods::usage_status},
        {"usage.cost", usage_cost_fields, &Methods::usage_cost},
        {"wake", wake_fields, &Methods::wake},
        {"last-heartbeat", {}, &Methods::last_heartbeat},
        {"set-heartbeats", set_heartbeats_fields, &Methods::set_heartbeats},
        {"cron.list", cron_list_fields, &Methods::cron_list},
        {"cron.status", {}, &Methods::cron_status},
        {"cron.add", cron_add_fields, &Methods::cron_add},
        {"cron.update", cron_update_fields, &Methods::cron_update},
        {"cron.remove", cron_remove_fields, &Methods::cron_remove},
        {"cron.run", cron_run_fields, &Methods::cron_run},
        {"cron.runs", cron_runs_fields, &Methods::cron_runs},
        {"models.list", {}, &Methods::models_list, for_good},
        {"skills.status", skills_status_fields, &Methods::skills_status},
        {"skills.bins", {}, &Methods::skills_bins},
        {"send", send_fields, &Methods::send},
        {"hardshell.chat.history", older_history_fields, &Methods::chat_history},
        {"hardshell.pairing.list", {}, &Methods::pairing_list},
        {"hardshell.pairing.approve", pairing_fields, &Methods::pairing_approve},
        {"hardshell.pairing.reject", pairing_fields, &Methods::pairing_reject},
        // Asked by the gateway itself, never for a client.
        {"internal.health", probe_fields, &Methods::health},
        {"voicecall.initiate", voice_initiate_fields, &Methods::voice_initiate},
        {"voicecall.start", voice_start_fields, &Methods::voice_start},
        {"voicecall.continue", voice_message_fields, &Methods::voice_continue},
        {"voicecall.speak", voice_message_fields, &Methods::voice_speak},
        {"voicecall.end", voice_end_fields, &Methods::voice_end},
        {"voicecall.status", voice_status_fields, &Methods::voice_status},
        {"internal.voice-tool", voice_tool_fields, &Methods::voice_tool},
        {"internal.system-event", system_event_fields, &Methods::system_event},
        {"internal.status", {}, &Methods::status, a_moment},
        {"internal.tool", tool_fields, &Methods::tool},
        {"internal.session-status", session_status_fields, &Methods::session_status},
        {"internal.fetch", fetch_fields, &Methods::fetch},
        {"internal.avatar", avatar_fields, &Methods::avatar},
        {"internal.channels", channels_fields, &Methods::channels_report},
        {"internal.deliver", deliver_fields, &Methods::deliver},
        {"internal.channel-logout", channel_logout_fields, &Methods::channel_logout},
    };
    return rows;
}

}  // namespace agent
