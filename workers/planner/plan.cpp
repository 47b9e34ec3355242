#include "workers/planner/plan.h"

#include <algorithm>
#include <cerrno>

#include "workers/common/base/clock.h"
#include "workers/common/base/frame_stream.h"
#include "workers/common/base/json.h"
#include "workers/planner/channel_accounts.h"
#include "workers/planner/channel_summary.h"
#include "workers/planner/config.h"
#include "workers/planner/config_calls.h"
#include "workers/planner/exec_approvals.h"
#include "workers/planner/files.h"
#include "workers/planner/gateway_access.h"
#include "workers/planner/gateway_flags.h"
#include "workers/planner/last_good.h"
#include "workers/planner/notices.h"
#include "workers/planner/own_settings.h"
#include "workers/planner/public_paths.h"
#include "workers/planner/restart_sentinel.h"
#include "workers/planner/secrets.h"
#include "workers/planner/tunnels.h"
#include "workers/planner/voice_plan.h"
#include "workers/planner/web_search_plan.h"
#include "workers/planner/workers_table.h"
#include "workers/planner/workspaces.h"
#include "workers/planner/writer.h"

namespace planner {

namespace {

using hardshell::proto::Notice;
using hardshell::proto::Plan;
using hardshell::proto::PlanReply;
using hardshell::proto::PlanRequest;
using hardshell::proto::WorkerPlan;

constexpr int64_t longest_debounce_ms = 600'000;
constexpr size_t largest_reply = FrameStream::default_largest - 1024;

// The configuration in force, and why it is not the file when it is not.
struct Chosen {
    LoadedConfig config;
    std::string source;
    std::string degraded;
    std::vector<std::string> changed;  // keys, against the last one that could be used
};

std::string first_and_count(const Problems& problems) {
    std::string text = to_text(problems.front());
    if (problems.size() > 1) text += " (and " + std::to_string(problems.size() - 1) + " more)";
    return one_line(std::move(text));
}

Chosen without_file(const PlanRequest& request, const Environment& environment,
                    const std::string& why) {
    if (std::optional<Json> kept = read_last_good(request.state_dir())) {
        LoadedConfig config =
            load_merged(last_good_file(request.state_dir()), std::move(*kept), environment);
        if (config.usable())
            return {std::move(config),
                    "last good",
                    why + "; serving with the last good configuration",
                    {}};
    }
    return {no_config(environment), "none", why + "; serving without a configuration", {}};
}

Chosen missing_file(const PlanRequest& request, const Environment& environment,
                    const GatewayFlags& flags, Notices& notices) {
    if (!flags.allow_unconfigured)
        notices.warning("there is no configuration at " + request.config_path() +
                        ": serving without one; create the file (\"{}\" will do), or start with "
                        "--allow-unconfigured");
    return {no_config(environment), "none", "", {}};
}

void remember(const PlanRequest& request, const LoadedConfig& config, Notices& notices) {
    if (Done kept = keep_last_good(request.state_dir(), config.merged); !kept)
        notices.warning("the configuration cannot be kept as the last good one: " +
                        kept.error().what);
    const std::optional<Json> note = take_restart_sentinel(request.state_dir());
    if (!note) return;
    const std::string text = text_member(*note, "message");
    notices.info("a change of the configuration by " +
                 text_member(member(*note, "stats"), "mode", "a client") + " takes effect" +
                 (text.empty() ? "" : ": " + text));
}

Chosen choose(const PlanRequest& request, const Environment& environment, const GatewayFlags& flags,
              Notices& notices) {
    const std::string& path = request.config_path();
    const Result<std::string> text = read_file(path, largest_config);
    if (!text && text.error().sys == ENOENT)
        return missing_file(request, environment, flags, notices);
    LoadedConfig config;
    if (text)
        config = load_config(path, *text, environment);
    else
        config.problems.push_back({path, {}, "", "cannot be used: " + text.error().what, ""});
    if (!config.usable()) {
        notices.problems(config.problems, Notice::ERROR);
        return without_file(request, environment, first_and_count(config.problems));
    }
    notices.problems(config.unknown_keys, Notice::WARNING, "; it is ignored");
    notices.problems(config.warnings, Notice::WARNING);
    std::vector<std::string> changed = changed_keys(request.state_dir(), config.merged);
    if (request.takes_effect()) remember(request, config, notices);
    return {std::move(config), "file", "", std::move(changed)};
}

// What hooks can do in OpenClaw and cannot here.
void report_hooks(const Json& hooks, Notices& notices) {
    if (!bool_member(hooks, "enabled")) return;
    size_t index = 0;
    for (const Json& mapping : member(hooks, "mappings")) {
        const std::string key = "hooks.mappings[" + std::to_string(index++) + "].transform.module";
        if (!text_member(member(mapping, "transform"), "module").empty())
            notices.warning(key +
                            ": JavaScript is not run here, so requests for this mapping are "
                            "answered with an error; use messageTemplate or textTemplate");
    }
    if (text_view(hooks, "path").find_first_not_of('/') == std::string_view::npos &&
        !text_view(hooks, "path").empty())
        notices.warning("hooks.path: must name a path of its own; /hooks is used");
    if (!text_member(member(hooks, "gmail"), "account").empty())
        notices.info(
            "hooks.gmail: mail that is passed on to the hook is taken in; this build does not "
            "start a Gmail watcher of its own");
}

// Switches of OpenClaw's that switch nothing here.
struct IdleSwitch {
    const char* section;
    const char* what;
};
constexpr IdleSwitch idle_switches[] = {
    // section that is enabled, what its owner should know
    {"gateway.tls",
     "this build speaks no TLS, so the port stays plain; put Fly's proxy or a tunnel before it"},
    {"env.shellEnv", "no login shell is asked for keys; set them in the environment or in .env"},
};

void report_idle_switches(const Json& config, Notices& notices) {
    for (const IdleSwitch& row : idle_switches)
        if (bool_member(member_at(config, row.section), "enabled"))
            notices.warning(std::string(row.section) + ".enabled: " + row.what);
}

// What the owner asked for and this build does not do, as far as the tables say.
void report_what_is_missing(const LoadedConfig& config, Notices& notices) {
    for (const ChannelKind& channel : channels()) {
        const std::string id(channel.id);
        if (!channel.has_worker && is_configured(channel, config.resolved, config.environment))
            notices.info("channel " + id + " is configured; this build has no " + id +
                         " worker yet");
    }
    report_hooks(member(config.resolved, "hooks"), notices);
    report_idle_switches(config.resolved, notices);
}

void report_mode(const Json& config, const GatewayFlags& flags, Notices& notices) {
    const std::string mode = text_member(member(config, "gateway"), "mode");
    if (flags.allow_unconfigured || mode == "local") return;
    notices.warning("gateway.mode is " + (mode.empty() ? "not set" : "\"" + mode + "\"") +
                    "; this gateway serves anyway: set it to \"local\", or start with "
                    "--allow-unconfigured");
}

// On Fly the proxy comes from outside the machine's loopback.
void report_unreachable(const std::string& bind, const Environment& environment, Notices& notices) {
    if (environment.get("FLY_APP_NAME").empty() || (bind != "loopback" && bind != "auto")) return;
    notices.warning("bind \"" + bind +
                    "\" listens on loopback only, where Fly's proxy cannot "
                    "reach it: start with --bind lan, or set gateway.bind to \"lan\"");
}

void add_secrets(const std::vector<FoundSecret>& secrets, WorkerPlan& worker) {
    for (const FoundSecret& found : secrets) {
        auto& secret = *worker.add_secrets();
        secret.set_name(found.name);
        secret.set_value(found.value);
        secret.set_source(found.source);
    }
}

std::vector<FoundSecret> gateway_secrets(const GatewayAuth& auth, const Json& config,
                                         const std::string& config_path) {
    std::vector<FoundSecret> secrets = auth.secrets;
    const Json& hooks = member(config, "hooks");
    const std::string token = text_member(hooks, "token");
    if (bool_member(hooks, "enabled") && !token.empty())
        secrets.push_back({"hooks.token", token, "hooks.token in " + config_path});
    return secrets;
}

struct Builder {
    const PlanRequest& request;
    const GatewayFlags& flags;
    const Chosen& chosen;
    Notices& notices;
    Plan plan;
    OwnSettings own = {};
    PlannedSearch search = {};
    bool tunnel_leads_to_gateway = false;

    void add_worker(const WorkerKind& kind, const Json& config, uint32_t port,
                    const std::string& bind, const std::vector<FoundSecret>& secrets) {
        WorkerPlan& worker = *plan.add_workers();
        worker.set_name(std::string(kind.kind));
        worker.set_kind(std::string(kind.kind));
        auto& settings = *worker.mutable_settings();
        settings.set_config_json(print_json(part_for(kind, config)));
        if (kind.kind == "gateway") {  // nobody else is restarted for them
            settings.set_port(port);
            settings.set_bind(bind);
        }
        if (kind.kind == "tools") settings.set_exec_approvals_json(approvals_text());
        set_common(kind, settings);
        add_secrets(secrets, worker);
    }

    Json part_for(const WorkerKind& kind, const Json& config) const {
        Json part = config_for(kind, config);
        if (kind.kind == "tools" && !own.mcp_servers.empty())
            part["mcp"]["servers"] = own.mcp_servers;
        if (kind.kind != "agent") return part;
        if (!search.perplexity_url.empty())
            part["tools"]["web"]["search"]["perplexity"]["baseUrl"] = search.perplexity_url;
        // The agent tells the gateway, which is not replaced for a channel.
        if (Json summary = channel_summary(config, chosen.config.environment); !summary.empty())
            part["channelAccounts"] = std::move(summary);
        return part;
    }

    void add_channel(const PlannedAccount& account) {
        WorkerPlan& worker = *plan.add_workers();
        worker.set_name(account.worker);
        worker.set_kind(account.channel);
        auto& settings = *worker.mutable_settings();
        settings.set_config_json(print_json(account.config));
        settings.set_account(account.account);
        set_common(channel_worker, settings);
        add_secrets(account.secrets, worker);
        add_link("agent", account.worker);
    }

    void add_tunnel(const Json& config, const GatewayFacts& gateway) {
        const std::optional<PlannedTunnel> planned = planned_tunnel(
            config, request.config_path(), chosen.config.environment, gateway, notices);
        if (!planned) return;
        tunnel_leads_to_gateway = planned->leads_to_gateway;
        WorkerPlan& worker = *plan.add_workers();
        worker.set_name("tunnel");
        worker.set_kind("tunnel");
        auto& settings = *worker.mutable_settings();
        Json part = planned->config;
        part["loopbackIsShared"] = commands_have_network();
        settings.set_config_json(print_json(part));
        set_common(tunnel_worker, settings);
        add_secrets(planned->secrets, worker);
        if (!planned->leads_to_paths) return;
        // Where a tunnel's agent finds the public paths, and nothing else.
        auto& listener = *plan.add_listeners();
        listener.set_name("tunnel");
        listener.set_worker("tunnel");
        auto& address = *listener.add_addresses();
        address.set_ip("127.0.0.1");
        address.set_optional(true);
    }

    // Whether something that the agent runs reaches the addresses of this machine's loopback.
    bool commands_have_network() const {
        const std::string setting = chosen.config.environment.get("HARDSHELL_EXEC_NETWORK");
        if (setting == "on" || setting == "1" || setting == "true") return true;
        return std::any_of(own.mcp_servers.begin(), own.mcp_servers.end(),
                           [](const Json& server) { return bool_member(server, "network"); });
    }

    void add_paths(const Json& config, const std::vector<PlannedAccount>& accounts) {
        std::vector<PathWish> wishes = voice_paths(config);
        for (const PlannedAccount& account : accounts) {
            if (account.channel != "telegram") continue;
            Path place = {"channels", "telegram"};
            if (account.worker != account.channel)
                place.insert(place.end(), {"accounts", account.account});
            for (PathWish& wish : telegram_paths(
                     account.worker, member_at(account.config, "channels.telegram"), place))
                wishes.push_back(std::move(wish));
        }
        add_public_paths(wishes, plan, notices);
        drop_idle_tunnel();
    }

    // A tunnel to public paths of which there are none would only show that somebody is here.
    void drop_idle_tunnel() {
        auto& workers = *plan.mutable_workers();
        const auto tunnel = std::find_if(workers.begin(), workers.end(),
                                         [](const auto& one) { return one.kind() == "tunnel"; });
        if (tunnel == workers.end() || tunnel->settings().public_paths_size() > 0 ||
            tunnel_leads_to_gateway)
            return;
        notices.warning(
            "plugins.entries.voice-call.config.tunnel: no public path is served, so no tunnel is "
            "started");
        workers.erase(tunnel);
        auto& listeners = *plan.mutable_listeners();
        listeners.erase(std::remove_if(listeners.begin(), listeners.end(),
                                       [](const auto& one) { return one.name() == "tunnel"; }),
                        listeners.end());
    }

    void add_voice(const Json& config) {
        if (!wants_voice(config)) return;
        WorkerPlan& worker = *plan.add_workers();
        worker.set_name(std::string(voice_worker.kind));
        worker.set_kind(std::string(voice_worker.kind));
        auto& settings = *worker.mutable_settings();
        settings.set_config_json(print_json(voice_config(config, chosen.config.environment)));
        set_common(voice_worker, settings);
        add_secrets(voice_secrets(config, request.config_path(), chosen.config.environment),
                    worker);
        add_link("agent", worker.name());
    }

    void set_common(const WorkerKind& kind, hardshell::proto::WorkerSettings& settings) const {
        settings.set_state_dir(request.state_dir());
        settings.set_config_path(request.config_path());
        settings.set_degraded(chosen.degraded);
        for (const auto& [name, value] : environment_for(kind, chosen.config.environment))
            (*settings.mutable_environment())[name] = value;
    }

    // Which commands may run without asking, as the owner's file says.
    std::string approvals_text() const {
        const Result<Json> approvals = read_approvals(
            approvals_places(request.state_dir(), chosen.config.environment.get("HOME")));
        if (!approvals || !bool_member(*approvals, "exists")) return {};
        Json file = member(*approvals, "file");
        file.erase("socket");
        return print_json(file);
    }

    void add_listener(const std::string& bind, uint32_t port, const Json& config) {
        auto& listener = *plan.add_listeners();
        listener.set_name("http");
        listener.set_worker("gateway");
        const std::string tailnet = bind == "tailnet" ? tailnet_address() : "";
        for (const auto& address : gateway_addresses(bind, port, config, tailnet, notices))
            *listener.add_addresses() = address;
    }

    void add_own_settings(uint32_t port) {
        own = read_own_settings(request.config_path(), chosen.config.environment, notices);
        *plan.mutable_supervisor() = own.supervisor;
        add_reload(*plan.mutable_supervisor());
        if (const auto metrics = metrics_listener(own, port, notices))
            *plan.add_listeners() = *metrics;
    }

    void add_reload(hardshell::proto::SupervisorSettings& settings) const {
        const Json& reload = member_at(chosen.config.resolved, "gateway.reload");
        settings.set_reload_mode(text_member(reload, "mode"));
        if (member(reload, "debounceMs").is_number_integer())
            settings.set_reload_debounce_ms(static_cast<uint32_t>(
                std::min<int64_t>(int_member(reload, "debounceMs"), longest_debounce_ms)));
    }

    bool mode_is_of_the_file() const {
        const Json& mode = member_at(chosen.config.merged, "gateway.mode");
        return chosen.degraded.empty() && chosen.config.files.size() <= 1 &&
               (!mode.is_string() ||
                mode.get_ref<const std::string&>().find("${") == std::string::npos);
    }

    // For a command line on a machine whose gateway is elsewhere.
    void add_remote() {
        const Json& gateway = member(chosen.config.resolved, "gateway");
        const Json& remote = member(gateway, "remote");
        plan.set_mode_is_remote(text_member(gateway, "mode") == "remote");
        plan.set_mode_is_of_the_file(mode_is_of_the_file());
        if (request.takes_effect() || !plan.mode_is_remote() || text_member(remote, "url").empty())
            return;
        plan.mutable_remote()->set_url(text_member(remote, "url"));
        plan.mutable_remote()->set_token(text_member(remote, "token"));
        plan.mutable_remote()->set_password(text_member(remote, "password"));
    }

    void add_link(const std::string& binder, const std::string& connector) {
        auto& link = *plan.add_links();
        link.set_name(connector + "-" + binder);
        link.set_binder(binder);
        link.set_connector(connector);
    }

    void build() {
        const Environment& environment = chosen.config.environment;
        Json config = chosen.config.resolved;
        const uint32_t port = gateway_port(flags, environment, config, notices);
        const std::string bind = gateway_bind(flags, config, notices);
        const GatewayAuth auth = gateway_auth(flags, environment, config, request.config_path(),
                                              request.state_dir(), notices);
        report_unreachable(bind, environment, notices);
        add_listener(bind, port, config);
        add_own_settings(port);
        config["gateway"]["port"] = port;
        config["gateway"]["bind"] = bind;
        config["gateway"]["auth"]["mode"] = auth.mode;
        if (!flags.tailscale.empty()) config["gateway"]["tailscale"]["mode"] = flags.tailscale;
        if (flags.verbose) config["logging"]["level"] = "debug";
        search = planned_search(config, request.config_path(), environment, notices);
        const auto secrets_of = [&](std::string_view kind) {
            if (kind == "gateway") return gateway_secrets(auth, config, request.config_path());
            if (kind == "tools") return std::vector<FoundSecret>();
            std::vector<FoundSecret> secrets =
                model_secrets(config, request.config_path(), environment);
            for (const FoundSecret& found : search.secrets) secrets.push_back(found);
            return secrets;
        };
        for (size_t index = 0; index < worker_kind_count; ++index)
            add_worker(worker_kinds[index], config, port, bind,
                       secrets_of(worker_kinds[index].kind));
        add_workspaces(config, request.state_dir(), plan, notices);
        add_link("agent", "gateway");
        add_link("agent", "tools");
        const std::vector<PlannedAccount> accounts =
            planned_accounts(channels(), config, request.config_path(), environment, notices);
        for (const PlannedAccount& account : accounts) add_channel(account);
        add_voice(config);
        add_tunnel(config, {port, bind, auth.mode});
        add_paths(config, accounts);
        add_remote();
        plan.set_degraded(chosen.degraded);
        plan.set_source(chosen.source);
        for (const std::string& key : chosen.changed) plan.add_changed(key);
    }
};

Plan build(const PlanRequest& request, const GatewayFlags& flags, const Chosen& chosen,
           Notices notices) {
    for (const std::string& name : flags.unknown)
        notices.warning("option " + name + " is not known; it is ignored");
    if (chosen.source == "file") report_mode(chosen.config.resolved, flags, notices);
    report_what_is_missing(chosen.config, notices);
    Builder builder{request, flags, chosen, notices, {}, {}};
    builder.build();
    for (const Notice& notice : notices.all()) *builder.plan.add_notices() = notice;
    return std::move(builder.plan);
}

Plan make_plan(const PlanRequest& request, const Environment& environment) {
    const GatewayFlags flags =
        read_gateway_flags({request.arguments().begin(), request.arguments().end()});
    Notices notices;
    const Chosen chosen = choose(request, environment, flags, notices);
    Plan plan = build(request, flags, chosen, notices);
    if (plan.ByteSizeLong() <= largest_reply) return plan;
    const std::string why = request.config_path() +
                            ": the configuration is too large to be handed "
                            "to the workers";
    notices.error(why);
    return build(request, flags,
                 {no_config(environment), "none", why + "; serving without a configuration", {}},
                 notices);
}

// The texts of problems, a line each, for a refusal.
std::string refusal(const Problems& wrong, const Problems& unknown) {
    Notices lines;
    lines.problems(wrong, Notice::ERROR);
    lines.problems(unknown, Notice::ERROR);
    std::string text = "the new configuration is refused:";
    for (const Notice& line : lines.all()) text += "\n- " + line.text();
    return text;
}

// Empty: written.
std::string write_new_config(const PlanRequest& request, const Environment& environment) {
    if (Done seen = check_base_hash(request.config_path(), request.base_hash()); !seen)
        return seen.error().what;
    if (request.new_config().size() > largest_config)
        return "the new configuration is larger than 1 MiB";
    const LoadedConfig config =
        load_config(request.config_path(), request.new_config(), environment);
    if (!config.usable() || !config.unknown_keys.empty())
        return refusal(config.problems, config.unknown_keys);
    if (Done written = write_config(request.config_path(), request.new_config()); !written)
        return "the new configuration cannot be written: " + written.error().what;
    return "";
}

}  // namespace

Plan plan_of(const PlanRequest& request, const LoadedConfig& config) {
    const GatewayFlags flags =
        read_gateway_flags({request.arguments().begin(), request.arguments().end()});
    return build(request, flags, {config, "file", "", {}}, Notices{});
}

PlanReply answer(const PlanRequest& request, Environment environment) {
    const int64_t began_ms = wall_ms();
    forget_files_read();
    if (!request.working_dir().empty()) environment.add_trusted_file(request.working_dir(), ".env");
    environment.add_file(request.state_dir() + "/.env");
    PlanReply reply;
    if (request.has_config()) {
        *reply.mutable_config() = answer_config_call(request, environment);
        return reply;
    }
    if (!request.new_config().empty())
        if (const std::string refused = write_new_config(request, environment); !refused.empty()) {
            reply.set_refused(refused);
            return reply;
        }
    *reply.mutable_plan() = make_plan(request, environment);
    reply.mutable_plan()->set_made_ms(began_ms);
    return reply;
}

}  // namespace planner
