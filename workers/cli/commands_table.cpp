#include "workers/cli/commands_table.h"

#include <algorithm>
#include <cstring>

#include "workers/cli/output.h"

namespace cli {

namespace {

constexpr Option globals[] = {
    {"--profile", "NAME", "use the state directory ~/.openclaw-NAME"},
    {"--dev", nullptr, "the profile \"dev\", with port 19001"},
    {"--no-color", nullptr, "no colour in the output"},
    {"-V,--version", nullptr, "print the version"},
    {"-h,--help", nullptr, "print this help, or that of a command"},
};

constexpr Option gateway_run[] = {
    {"--port", "N", "port of the page and the WebSocket (else OPENCLAW_GATEWAY_PORT, else 18789)"},
    {"--bind", "MODE", "loopback, lan, tailnet, auto or custom"},
    {"--token", "T", "shared token; handed on without appearing in the process list"},
    {"--auth", "MODE", "token or password"},
    {"--password", "P", "shared password; handed on like the token"},
    {"--tailscale", "MODE", "off, serve or funnel"},
    {"--tailscale-reset-on-exit", nullptr, "undo the Tailscale settings at the end"},
    {"--allow-unconfigured", nullptr, "start without a configuration file"},
    {"--dev", nullptr, "development settings when nothing is configured"},
    {"--reset", nullptr, "with --dev: start from fresh development settings"},
    {"--force", nullptr, "accepted; a stale lock is always taken over"},
    {"--verbose", nullptr, "more in the log"},
    {"--claude-cli-logs", nullptr, "accepted as OpenClaw does"},
    {"--ws-log", "MODE", "what the log says about requests: auto, full or compact"},
    {"--compact", nullptr, "the same as --ws-log compact"},
    {"--raw-stream", nullptr, "record the events of model streams to a file"},
    {"--raw-stream-path", "FILE", "where to"},
};

#define HARDSHELL_GATEWAY_OPTIONS                                                                  \
    {"--url", "URL", "ws:// or wss:// address of the gateway (else the one running here)"},        \
        {"--token", "T", "shared token (else OPENCLAW_GATEWAY_TOKEN, else the configured one)"}, { \
        "--password", "P",                                                                         \
            "shared password (else OPENCLAW_GATEWAY_PASSWORD, else the "                           \
            "configured one)"                                                                      \
    }

constexpr Option gateway_call[] = {
    {"--params", "JSON", "parameters, a JSON object"},
    {"--expect-final", nullptr, "wait for the last response (method agent)"},
    {"--json", nullptr, "print nothing but the payload, compact"},
    {"--timeout", "MS", "how long to wait (10000)"},
    HARDSHELL_GATEWAY_OPTIONS,
};

constexpr Option gateway_query[] = {
    {"--json", nullptr, "print the payload as JSON"},
    {"--timeout", "MS", "how long to wait (10000)"},
    HARDSHELL_GATEWAY_OPTIONS,
};

constexpr Option gateway_status[] = {
    {"--json", nullptr, "print JSON"},
    {"--timeout", "MS", "how long to wait (10000)"},
    {"--no-probe", nullptr, "accepted; the gateway is always asked"},
    {"--deep", nullptr, "accepted; there are no other services to look for"},
    HARDSHELL_GATEWAY_OPTIONS,
};

constexpr Option channels_list[] = {
    {"--json", nullptr, "print JSON"},
    {"--no-usage", nullptr, "accepted; usage is never asked for"},
    {"--timeout", "MS", "how long to wait (10000)"},
    HARDSHELL_GATEWAY_OPTIONS,
};

constexpr Option channels_status[] = {
    {"--probe", nullptr, "ask the services too; a channel's worker knows without"},
    {"--json", nullptr, "print the payload as JSON"},
    {"--timeout", "MS", "how long to wait (10000)"},
    HARDSHELL_GATEWAY_OPTIONS,
};

constexpr Option channels_add[] = {
    {"--channel", "NAME", "telegram or discord (required)"},
    {"--token", "T", "the bot's token (required); seen in the process list while this runs"},
    {"--account", "ID", "a further account of the channel (else the default one)"},
    {"--name", "TEXT", "what the account is called"},
};

constexpr Option channels_remove[] = {
    {"--channel", "NAME", "telegram or discord (required)"},
    {"--account", "ID", "which account of it (else the default one)"},
    {"--delete", nullptr, "remove its configuration, too, instead of turning it off"},
};

constexpr Option channels_login[] = {
    {"--channel", "NAME", "the channel"},
    {"--account", "ID", "accepted"},
    {"--verbose", nullptr, "accepted"},
};

constexpr Option channels_logout[] = {
    {"--channel", "NAME", "the channel (required)"},
    {"--account", "ID", "which account of it (else the default one)"},
    {"--json", nullptr, "print the payload as JSON"},
    {"--timeout", "MS", "how long to wait (10000)"},
    HARDSHELL_GATEWAY_OPTIONS,
};

constexpr Option sessions[] = {
    {"--json", nullptr, "print JSON"},
    {"--active", "MINUTES", "only those of the last so many minutes"},
    {"--store", "FILE", "read this sessions.json instead of asking the gateway"},
    {"--verbose", nullptr, "accepted"},
    {"--timeout", "MS", "how long to wait (10000)"},
    HARDSHELL_GATEWAY_OPTIONS,
};

constexpr Option models_list[] = {
    {"--json", nullptr, "print JSON"},
    {"--plain", nullptr, "one name per line"},
    {"--provider", "NAME", "only those of this provider"},
    {"--all", nullptr, "accepted; all are always listed"},
    {"--local", nullptr, "accepted"},
    {"--timeout", "MS", "how long to wait (10000)"},
    HARDSHELL_GATEWAY_OPTIONS,
};

constexpr Option health[] = {
    {"--json", nullptr, "print the payload as JSON"},
    {"--timeout", "MS", "how long to wait (10000)"},
    {"--verbose", nullptr, "accepted; all is always told"},
    {"--debug", nullptr, "the same as --verbose"},
    HARDSHELL_GATEWAY_OPTIONS,
};

constexpr Option gateway_probe[] = {
    {"--json", nullptr, "print JSON"},
    {"--timeout", "MS", "how long to wait (3000)"},
    HARDSHELL_GATEWAY_OPTIONS,
};

constexpr Option usage_cost[] = {
    {"--days", "N", "how many days (30)"},
    {"--json", nullptr, "print the payload as JSON"},
    {"--timeout", "MS", "how long to wait (10000)"},
    HARDSHELL_GATEWAY_OPTIONS,
};

constexpr Option message_send[] = {
    {"-t,--target", "WHO", "to whom: a number, a chat, channel:ID or user:ID (required)"},
    {"-m,--message", "TEXT", "what to say (required unless there is --media)"},
    {"--media", "URL", "a picture or file to send with it"},
    {"--channel", "NAME", "telegram, discord, slack … (else whatsapp, as OpenClaw has it)"},
    {"--account", "ID", "which account of the channel (else the default one)"},
    {"--gif-playback", nullptr, "play a video like a GIF"},
    {"--reply-to", "ID", "refused: the gateway's method send has no such thing"},
    {"--thread-id", "ID", "refused like --reply-to"},
    {"--silent", nullptr, "refused like --reply-to"},
    {"--dry-run", nullptr, "send nothing"},
    {"--json", nullptr, "print JSON"},
    {"--verbose", nullptr, "accepted"},
    {"--timeout", "MS", "how long to wait (10000)"},
    HARDSHELL_GATEWAY_OPTIONS,
};

constexpr Option voicecall_begin[] = {
    {"-t,--to", "NUMBER", "who is called, like +15550001234 (else toNumber of the configuration)"},
    {"-m,--message", "TEXT", "what is said first"},
    {"--mode", "MODE", "notify: say it and hang up; conversation: go on talking"},
    {"--timeout", "MS", "how long to wait (20000)"},
    HARDSHELL_GATEWAY_OPTIONS,
};

constexpr Option voicecall_words[] = {
    {"--call-id", "ID", "which call (required)"},
    {"-m,--message", "TEXT", "what is said (required)"},
    {"--timeout", "MS", "how long to wait"},
    HARDSHELL_GATEWAY_OPTIONS,
};

constexpr Option voicecall_which[] = {
    {"--call-id", "ID", "which call (required)"},
    {"--timeout", "MS", "how long to wait (20000)"},
    HARDSHELL_GATEWAY_OPTIONS,
};

constexpr Option voicecall_tail[] = {
    {"--file", "FILE", "another calls.jsonl (else that of the state directory)"},
    {"--since", "LINES", "how many lines to begin with (25)"},
    {"--poll", "MS", "how often to look (250)"},
};

constexpr Option voicecall_expose[] = {
    {"--mode", "MODE", "off, serve or funnel (funnel)"},
    {"--path", "PATH", "accepted; the path is serve.path of the configuration"},
    {"--port", "PORT", "accepted; a tunnel leads to a port of its own"},
    {"--serve-path", "PATH", "accepted like --path"},
};

constexpr Option pairing_list[] = {
    {"--channel", "NAME", "the same as the operand"},
    {"--json", nullptr, "print JSON"},
};

constexpr Option pairing_approve[] = {
    {"--channel", "NAME", "the channel, where only the code is an operand"},
    {"--notify", nullptr, "tell the sender"},
};

constexpr Option status[] = {
    {"--json", nullptr, "print JSON"},
    {"--all", nullptr, "accepted; all is always told"},
    {"--deep", nullptr, "accepted; see `hardshell doctor`"},
    {"--usage", nullptr, "accepted; see `hardshell gateway usage-cost`"},
    {"--verbose", nullptr, "accepted"},
    {"--debug", nullptr, "accepted"},
    {"--timeout", "MS", "accepted; the supervisor answers at once"},
};

constexpr Option agent[] = {
    {"-m,--message", "TEXT", "what to say (required)"},
    {"--agent", "ID", "which agent (else the default one)"},
    {"--session-id", "ID", "continue this session"},
    {"-t,--to", "WHO", "the session of this recipient"},
    {"--thinking", "LEVEL", "off, minimal, low, medium, high or xhigh"},
    {"--deliver", nullptr, "send the answer to the recipient as well"},
    {"--channel", "NAME", "the recipient's channel (else that of the session)"},
    {"--reply-to", "WHO", "with --deliver: the recipient, in place of --to"},
    {"--reply-channel", "NAME", "with --deliver: the channel, in place of --channel"},
    {"--reply-account", "ID", "with --deliver: which account of the channel sends it"},
    {"--local", nullptr, "accepted; the gateway's agent answers"},
    {"--verbose", "LEVEL", "accepted; /verbose in the session sets it"},
    {"--json", nullptr, "print the final payload as JSON"},
    {"--timeout", "S", "how long the answer may take, in seconds (600)"},
    HARDSHELL_GATEWAY_OPTIONS,
};

constexpr Option device_approve[] = {
    {"--latest", nullptr, "the request that came last"},
    {"--json", nullptr, "print the answer as JSON"},
    {"--timeout", "MS", "how long to wait (10000)"},
    HARDSHELL_GATEWAY_OPTIONS,
};

constexpr Option device_rotate[] = {
    {"--device", "ID", "the device (required)"},
    {"--role", "ROLE", "operator or node (required)"},
    {"--scope", "SCOPE...", "the new token's scopes (else those of the old one)"},
    {"--json", nullptr, "accepted; the answer is always JSON"},
    {"--timeout", "MS", "how long to wait (10000)"},
    HARDSHELL_GATEWAY_OPTIONS,
};

constexpr Option device_revoke[] = {
    {"--device", "ID", "the device (required)"},
    {"--role", "ROLE", "operator or node (required)"},
    {"--json", nullptr, "accepted; the answer is always JSON"},
    {"--timeout", "MS", "how long to wait (10000)"},
    HARDSHELL_GATEWAY_OPTIONS,
};

// What cron add and cron edit have in common.
#define HARDSHELL_JOB_OPTIONS                                                                     \
    {"--name", "NAME", "what the job is called"}, {"--description", "TEXT", "what it is for"},    \
        {"--at", "WHEN", "once: 2026-01-30T10:00:00Z (UTC without an offset), or 20m from now"},  \
        {"--every", "SPAN", "again and again: 30s, 10m, 1h, 1d"},                                 \
        {"--cron", "EXPR", "by a cron expression of five fields, or six with seconds first"},     \
        {"--tz", "ZONE", "the time zone of --cron, like Europe/Berlin (else the gateway's)"},     \
        {"--session", "WHERE", "main or isolated (else as --system-event or --message need it)"}, \
        {"--wake", "MODE", "now or next-heartbeat"},                                              \
        {"--system-event", "TEXT", "what the main session is told"},                              \
        {"--message", "TEXT", "what the agent is asked in a session of its own"},                 \
        {"--model", "MODEL", "the model for --message"},                                          \
        {"--thinking", "LEVEL", "off, minimal, low, medium, high or xhigh"},                      \
        {"--timeout-seconds", "S", "how long the answer may take"},                               \
        {"--deliver", nullptr, "send the answer to --channel and --to as well"},                  \
        {"--channel", "CHANNEL", "last, telegram, discord, …"},                                   \
        {"--to", "WHO", "the recipient there"},                                                   \
        {"--best-effort-deliver", nullptr, "an answer that cannot be sent is no failure"},        \
        {"--agent", "ID", "which agent (else the default one)"},                                  \
        {"--delete-after-run", nullptr, "remove a job of --at once it has run"},                  \
        {"--post-prefix", "TEXT", "before what the main session is told of the answer (Cron)"}, { \
        "--post-mode", "MODE", "of the answer the main session is told: summary or full"          \
    }

constexpr Option cron_add[] = {
    HARDSHELL_JOB_OPTIONS,
    {"--post-max-chars", "N", "how much of the answer, with --post-mode full (8000)"},
    {"--disabled", nullptr, "add it without letting it run"},
    {"--json", nullptr, "print the job as JSON"},
    {"--timeout", "MS", "how long to wait (10000)"},
    HARDSHELL_GATEWAY_OPTIONS,
};

constexpr Option cron_edit[] = {
    HARDSHELL_JOB_OPTIONS,
    {"--enable", nullptr, "let it run"},
    {"--disable", nullptr, "let it rest"},
    {"--keep-after-run", nullptr, "keep a job of --at once it has run"},
    {"--clear-agent", nullptr, "let the default agent do it"},
    {"--no-deliver", nullptr, "send the answer to nobody"},
    {"--no-best-effort-deliver", nullptr, "an answer that cannot be sent is a failure"},
    {"--json", nullptr, "print the job as JSON"},
    {"--timeout", "MS", "how long to wait (10000)"},
    HARDSHELL_GATEWAY_OPTIONS,
};
#undef HARDSHELL_JOB_OPTIONS

constexpr Option cron_list[] = {
    {"--all", nullptr, "the disabled ones, too"},
    {"--json", nullptr, "print the payload as JSON"},
    {"--timeout", "MS", "how long to wait (10000)"},
    HARDSHELL_GATEWAY_OPTIONS,
};

constexpr Option cron_runs[] = {
    {"--id", "JOB", "the job, in place of the operand"},
    {"--limit", "N", "how many, the last ones (50)"},
    {"--json", nullptr, "print the payload as JSON"},
    {"--timeout", "MS", "how long to wait (10000)"},
    HARDSHELL_GATEWAY_OPTIONS,
};

constexpr Option cron_run[] = {
    {"--due", nullptr, "only if it is due"},
    {"--force", nullptr, "accepted; it runs, due or not"},
    {"--json", nullptr, "print the payload as JSON"},
    {"--timeout", "MS", "how long to wait for its end (600000)"},
    HARDSHELL_GATEWAY_OPTIONS,
};

constexpr Option system_event[] = {
    {"--text", "TEXT", "what happened (required)"},
    {"--mode", "MODE", "now wakes the agent; next-heartbeat waits for its next turn (the default)"},
    {"--json", nullptr, "print the payload as JSON"},
    {"--timeout", "MS", "how long to wait (10000)"},
    HARDSHELL_GATEWAY_OPTIONS,
};

constexpr Option json_only[] = {
    {"--json", nullptr, "print JSON"},
};
constexpr Option doctor_options[] = {
    {"--fly", nullptr, "say something about Fly.io also where this is no machine of it"},
    {"--json", nullptr, "print JSON"},
    {"--fix", nullptr, "accepted; nothing is changed, the cure of each problem is named"},
    {"--repair", nullptr, "the same as --fix"},
    {"--force", nullptr, "accepted like --fix"},
    {"--generate-gateway-token", nullptr, "accepted; a gateway without a token makes one itself"},
    {"--yes", nullptr, "accepted; nothing is asked"},
    {"--non-interactive", nullptr, "accepted; nothing is asked"},
    {"--deep", nullptr, "accepted; all is always looked at"},
    {"--no-workspace-suggestions", nullptr, "accepted; there are none"},
};

constexpr Option config_get[] = {
    {"--json", nullptr, "print JSON, texts in quotes too"},
    {"--show-secrets", nullptr, "show the secrets inside a section"},
};

constexpr Option config_set[] = {
    {"--json", nullptr, "refuse a value that is no JSON5 instead of taking it as a text"},
};

constexpr Option logs[] = {
    {"-f,--follow", nullptr, "keep printing new lines"},
    {"-n,--lines,--limit", "LINES", "how many lines to begin with (200; 10000 at most)"},
    {"--json", nullptr, "one JSON object per line"},
    {"--max-bytes", "BYTES", "no more than the last so many bytes of lines to begin with"},
    {"--interval", "MS", "with --url: how often to ask (1000); else new lines come at once"},
    {"--plain", nullptr, "no colour"},
    {"--timeout", "MS", "with --url: how long to wait (10000)"},
    HARDSHELL_GATEWAY_OPTIONS,
};

constexpr Option dashboard[] = {
    {"--no-open", nullptr, "accepted; a browser is never opened"},
};

constexpr const char* over_the_control_socket =
    "Needs no token on the gateway's own machine, as the gateway's user or root; in\n"
    "`fly ssh console`, too. With --url, --token or --password it is a client like any other.\n"
    "Exit code: 0 it worked, 1 it did not (the reason is printed).";

constexpr const char* zero_or_one = "Exit code: 0 it worked, 1 it did not (the reason is printed).";

constexpr Command command_rows[] = {
    // name, operands, program, help, options, notes
    {"gateway", "", Program::hardshell, "run the gateway (also: gateway run)", gateway_run,
     "Runs in the foreground until INT or TERM. Exit code: 0 stopped as asked, 1 refused to "
     "start."},
    {"agent", "", Program::client, "say something to an agent and print the answer", agent,
     "On a terminal the answer is printed as it comes.\n"
     "Exit code: 0 answered, 1 not (the reason is printed)."},
    {"status", "[worker]", Program::hardshell,
     "which processes run, and how they are; all about one", status,
     "With a worker's name: what is known about it, how it last ended and what it said before.\n"
     "Exit code: 0 running and every worker ready, 1 not running or no answer,\n"
     "2 running but degraded (a worker is not ready, or the configuration could not be used)."},
    {"health", "", Program::client, "ask the running gateway for its health", health, zero_or_one},
    {"logs", "[worker]", Program::hardshell, "the last log lines, of all workers or of one", logs,
     zero_or_one},
    {"restart", "<worker>", Program::hardshell, "restart one worker", {}, zero_or_one},
    {"start",
     "<worker>",
     Program::hardshell,
     "start a worker that was stopped or is held",
     {},
     zero_or_one},
    {"reload",
     "",
     Program::hardshell,
     "read the configuration again and apply it",
     {},
     "Restarts the workers whose part changed, and no other. A file that cannot be used changes\n"
     "nothing. Exit code: 0 it will be applied, 1 not (the reason is printed)."},
    {"config get", "<path>", Program::hardshell, "print a configured value", config_get,
     "A path is written like gateway.port or agents.list[0].id. Defaults count as configured.\n"
     "Exit code: 0 printed, 1 nothing is configured there."},
    {"config set", "<path> <value>", Program::hardshell, "change a value in openclaw.json",
     config_set,
     "The value is JSON5; what is none is a text. Comments and ${VARIABLES} stay. A change that\n"
     "would make the file unusable is refused. Exit code: 0 it worked, 1 it did not."},
    {"config unset",
     "<path>",
     Program::hardshell,
     "remove a value from openclaw.json",
     {},
     zero_or_one},
    {"config validate", "", Program::hardshell, "check openclaw.json", json_only,
     "Exit code: 0 it can be used, 1 not (the reasons are printed)."},
    {"config file", "", Program::hardshell, "print the path of openclaw.json", {}, zero_or_one},
    {"stop",
     "[worker]",
     Program::hardshell,
     "stop the gateway and all its workers; or only one",
     {},
     "A worker that was stopped stays down until `hardshell start`, or the next start of the\n"
     "gateway. Exit code: 0 it has stopped, 1 it has not (the reason is printed)."},
    {"doctor", "", Program::client, "look for problems; names cause and cure", doctor_options,
     "Changes nothing. Exit code: 0 all good, 1 problems found."},
    {"devices", "", Program::client, "the same as devices list", gateway_query,
     over_the_control_socket},
    {"devices list", "", Program::client, "which devices are paired, and which ask to be",
     gateway_query, over_the_control_socket},
    {"devices approve", "[request]", Program::client, "let a device in that asks to be paired",
     device_approve, over_the_control_socket},
    {"devices reject", "<request>", Program::client, "turn such a device away", gateway_query,
     over_the_control_socket},
    {"devices rotate", "", Program::client, "give a device a new token; the old one ends",
     device_rotate, over_the_control_socket},
    {"devices revoke", "", Program::client, "end a device's token and its connections",
     device_revoke, over_the_control_socket},
    {"cron status", "", Program::client, "whether the scheduler runs, and what is next",
     gateway_query, zero_or_one},
    {"cron list", "", Program::client, "the jobs, the next one first", cron_list, zero_or_one},
    {"cron add", "", Program::client, "add a job: when, and what to do", cron_add,
     "When: --at, --every or --cron. What: --system-event for the main session, or --message for "
     "a\n"
     "turn in a session of its own, whose answer the main session is told of.\n"
     "Exit code: 0 it worked, 1 it did not (the reason is printed)."},
    {"cron edit", "<job>", Program::client, "change a job; what is not given stays", cron_edit,
     zero_or_one},
    {"cron rm", "<job>", Program::client, "remove a job and the list of its runs", gateway_query,
     zero_or_one},
    {"cron enable", "<job>", Program::client, "let a job run again", gateway_query, zero_or_one},
    {"cron disable", "<job>", Program::client, "keep a job, but let it rest", gateway_query,
     zero_or_one},
    {"cron runs", "[job]", Program::client, "how a job's last runs went", cron_runs, zero_or_one},
    {"cron run", "<job>", Program::client, "run a job now and wait for its end", cron_run,
     zero_or_one},
    {"system event", "", Program::client, "tell the agent that something happened", system_event,
     zero_or_one},
    {"system heartbeat", "<last|enable|disable>", Program::client,
     "the last heartbeat; turn them on or off", gateway_query, zero_or_one},
    {"system presence", "", Program::client, "who is connected, or was lately", gateway_query,
     zero_or_one},
    {"dashboard", "", Program::hardshell, "print the address of the page, with its token",
     dashboard, zero_or_one},
    {"gateway call", "<method>", Program::client, "call a method of the gateway", gateway_call,
     zero_or_one},
    {"gateway health", "", Program::client, "the same as health", gateway_query, zero_or_one},
    {"gateway status", "", Program::client, "where the gateway listens and what it is doing",
     gateway_status, zero_or_one},
    {"gateway probe", "", Program::client, "whether the gateway can be reached, and answers",
     gateway_probe, zero_or_one},
    {"gateway usage-cost", "", Program::client, "tokens and costs by day", usage_cost, zero_or_one},
    {"channels list", "", Program::client, "which chat channels are configured", channels_list,
     zero_or_one},
    {"channels status", "", Program::client, "which channels run, and why one does not",
     channels_status, zero_or_one},
    {"channels add", "", Program::client, "configure a bot and turn it on", channels_add,
     zero_or_one},
    {"channels remove", "", Program::client, "turn a bot off, or remove its configuration",
     channels_remove,
     "Without --account and with --delete the whole section goes.\n"
     "Exit code: 0 it worked, 1 it did not (the reason is printed)."},
    {"channels login", "", Program::client, "refused: no channel of this version has a login",
     channels_login, "Exit code: 1."},
    {"channels logout", "", Program::client, "end an account's session and take its token away",
     channels_logout, zero_or_one},
    {"sessions", "", Program::client, "the conversations there are", sessions, zero_or_one},
    {"agents list", "", Program::client, "the agents there are", gateway_query, zero_or_one},
    {"models list", "", Program::client, "the models that can be used", models_list, zero_or_one},
    {"message send", "", Program::client, "send a text to somebody on a chat channel", message_send,
     zero_or_one},
    {"voicecall call", "", Program::client, "call somebody and say something", voicecall_begin,
     zero_or_one},
    {"voicecall start", "", Program::client, "call somebody", voicecall_begin, zero_or_one},
    {"voicecall continue", "", Program::client, "say something in a call, and wait for the answer",
     voicecall_words, zero_or_one},
    {"voicecall speak", "", Program::client, "say something in a call", voicecall_words,
     zero_or_one},
    {"voicecall end", "", Program::client, "hang up", voicecall_which, zero_or_one},
    {"voicecall status", "", Program::client, "what is known of a call", voicecall_which,
     zero_or_one},
    {"voicecall tail", "", Program::client, "follow the calls that are kept, as JSON lines",
     voicecall_tail, zero_or_one},
    {"voicecall expose", "", Program::client, "name the setting by which a tunnel leads here",
     voicecall_expose,
     "Nothing is changed: the running gateway keeps the tunnels itself. Exit code: 1."},
    {"pairing list", "[channel]", Program::client, "who asks to write to the assistant",
     pairing_list, zero_or_one},
    {"pairing approve", "[channel] <code>", Program::client, "let somebody in who asks to write",
     pairing_approve,
     "A request is good for an hour. Exit code: 0 let in, 1 not (the reason is printed)."},
};

#undef HARDSHELL_GATEWAY_OPTIONS

void append_padded(std::string& out, const std::string& text, size_t width) {
    out += text;
    out.append(text.size() < width ? width - text.size() : 1, ' ');
}

std::string spelled(const Option& option) {
    std::string out;
    for (const char* c = option.names; *c; ++c)
        out += *c == ',' ? std::string(", ") : std::string(1, *c);
    if (option.value) out += std::string(" ") + option.value;
    return out;
}

void append_options(std::string& out, std::span<const Option> options) {
    size_t width = 0;
    for (const Option& option : options) width = std::max(width, spelled(option).size() + 2);
    for (const Option& option : options) {
        out += "  ";
        append_padded(out, spelled(option), width);
        out += std::string(option.help) + "\n";
    }
}

// Damerau-Levenshtein without repeated transpositions.
size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
    for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
    for (size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
    for (size_t i = 1; i <= a.size(); ++i)
        for (size_t j = 1; j <= b.size(); ++j) {
            cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1,
                                   cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    return cost[a.size()][b.size()];
}

const Command* named(std::string_view name) {
    for (const Command& command : command_rows)
        if (name == command.name) return &command;
    return nullptr;
}

}  // namespace

std::span<const Command> commands() {
    return command_rows;
}
std::span<const Option> global_options() {
    return globals;
}

Found find_command(std::span<const std::string> words) {
    if (words.empty()) return {};
    if (words.size() > 1) {
        if (words[0] == "gateway" && words[1] == "run") return {named("gateway"), 2};
        if (const Command* two = named(words[0] + " " + words[1])) return {two, 2};
    }
    if (const Command* one = named(words[0])) return {one, 1};
    return {};
}

std::string nearest_command(std::string_view typed) {
    // More than 64 letters are no misspelt command, and the distance takes a table of that size.
    if (typed.size() > 64) return {};
    std::string nearest;
    size_t best = std::max<size_t>(2, typed.size() / 2);
    for (const Command& command : command_rows)
        if (const size_t far = distance(typed, command.name); far < best) {
            best = far;
            nearest = command.name;
        }
    return nearest;
}

std::string version_line() {
    return "hardshell " HARDSHELL_VERSION " (OpenClaw protocol 3, compatible with 2026.1.29)\n";
}

std::string overview() {
    std::string out = "Usage: " + program_name() + " [options] <command> [options]\n\nCommands:\n";
    size_t width = 0;
    const auto usage = [](const Command& command) {
        return std::string(command.name) + (*command.operands ? " " : "") + command.operands;
    };
    for (const Command& command : command_rows) width = std::max(width, usage(command).size() + 2);
    for (const Command& command : command_rows) {
        out += "  ";
        append_padded(out, usage(command), width);
        out += std::string(command.help) + "\n";
    }
    out += "\nOptions before the command:\n";
    append_options(out, globals);
    return out + "\n`" + program_name() + " <command> --help` explains one command.\n";
}

std::string help_for(const Command& command) {
    std::string out = "Usage: " + program_name() + " " + command.name;
    if (!command.options.empty()) out += " [options]";
    if (*command.operands) out += std::string(" ") + command.operands;
    out += std::string("\n\n") + command.help + "\n\n";
    if (!command.options.empty()) {
        append_options(out, command.options);
        out += "\n";
    }
    return out + command.notes + "\n";
}

}  // namespace cli
