#include "workers/planner/config_calls.h"

#include <unistd.h>

#include <algorithm>

#include "workers/common/base/clock.h"
#include "workers/common/base/frame_stream.h"
#include "workers/planner/channel_summary.h"
#include "workers/planner/config_check.h"
#include "workers/planner/config_edit.h"
#include "workers/planner/exec_approvals.h"
#include "workers/planner/files.h"
#include "workers/planner/group_move.h"
#include "workers/planner/json5.h"
#include "workers/planner/notices.h"
#include "workers/planner/restart_sentinel.h"
#include "workers/planner/schema_reply.h"
#include "workers/planner/skill_entry.h"
#include "workers/planner/value_path.h"

namespace planner {

namespace {

using hardshell::proto::ConfigAnswer;
using hardshell::proto::PlanRequest;

constexpr size_t largest_payload = FrameStream::default_largest - 64 * 1024;
constexpr int64_t usual_delay_ms = 2'000;
constexpr int64_t longest_delay_ms = 60'000;

struct Call {
    const PlanRequest& request;
    const Environment& environment;
    Json params;
    ConfigAnswer& answer;

    const std::string& path() const { return request.config_path(); }
};

// The payload, or why not: bad_message for what the asker can mend. Details go to the answer.
using Outcome = Result<Json>;

Error refused(std::string what) {
    return Error{Fault::bad_message, std::move(what)};
}

std::string issue_text(const Problem& problem) {
    return problem.what + (problem.cure.empty() ? "" : "; " + problem.cure);
}

// {path, message}; of a key that is not known the path is that of its section.
Json issue_of(const Problem& problem, bool is_unknown_key) {
    if (!is_unknown_key || problem.steps.empty())
        return {{"path", problem.path == "<root>" ? "" : problem.path},
                {"message", one_line(issue_text(problem))}};
    const Path section(problem.steps.begin(), problem.steps.end() - 1);
    std::string message = "Unrecognized key: " + print_json(Json(problem.steps.back()));
    if (!problem.cure.empty()) message += "; " + problem.cure;
    return {{"path", section.empty() ? "" : dotted(section)}, {"message", one_line(message)}};
}

bool is_listed(const Problems& problems, const Problem& problem) {
    return std::any_of(problems.begin(), problems.end(), [&](const Problem& other) {
        return other.path == problem.path && other.what == problem.what;
    });
}

Json issues_of(const Problems& problems, const Problems& unknown_keys) {
    Json issues = Json::array();
    for (const Problem& problem : problems)
        issues.push_back(issue_of(problem, is_listed(unknown_keys, problem)));
    return issues;
}

Error invalid(const Call& call, const Problems& faults, const Problems& unknown_keys) {
    const Json issues = issues_of(faults, unknown_keys);
    call.answer.set_error_details_json(print_json({{"issues", issues}}));
    const std::string path = text_member(issues.front(), "path");
    std::string first = (path.empty() ? "" : path + ": ") + text_member(issues.front(), "message");
    if (issues.size() > 1) first += " (and " + std::to_string(issues.size() - 1) + " more)";
    return refused("invalid config: " + first);
}

Result<PresentConfig> present_for_change(const Call& call) {
    Result<PresentConfig> present = read_present(call.request, call.environment);
    if (!present) return refused("config hash unavailable: " + present.error().what);
    if (!present->exists) return present;
    const std::string base = text_member(call.params, "baseHash");
    if (base.empty())
        return refused(
            "config hash required: read the configuration with config.get and send its "
            "hash as baseHash");
    if (base != present->hash)
        return refused(
            "config changed since it was read: read it again with config.get and repeat "
            "the change");
    return present;
}

Json shown_config(const LoadedConfig& loaded) {
    return Redaction{loaded}.shown(loaded.resolved);
}

// Checks and writes; the payload of a change.
Outcome write(const Call& call, const PresentConfig& present, std::string text) {
    if (text.size() > largest_config) return refused("the new configuration is larger than 1 MiB");
    stamp(text, wall_ms());
    const LoadedConfig next = load_config(call.path(), text, call.environment);
    const Problems faults = faults_of_text(present, next);
    if (!faults.empty()) return invalid(call, faults, next.unknown_keys);
    const bool is_there = present.exists && text == present.text;
    if (Done written = is_there ? Done() : write_over(present, call.request, text); !written)
        return Error{
            written.error().fault == Fault::bad_message ? Fault::bad_message : Fault::system,
            "the configuration cannot be written: " + written.error().what};
    return Json{{"ok", true}, {"path", call.path()}, {"config", shown_config(next)}};
}

std::string position_text(Position at) {
    return "line " + std::to_string(at.line) + ", column " + std::to_string(at.column);
}

Result<Json> parsed_object(const std::string& text) {
    Json5Reading reading = read_json5(text);
    if (reading.failure)
        return refused("JSON5 parse failed: " + position_text(reading.failure->at) + ": " +
                       reading.failure->what);
    if (!reading.value.is_object()) return refused("raw must be an object");
    return std::move(reading.value);
}

Outcome replace_file(const Call& call) {
    const Result<PresentConfig> present = present_for_change(call);
    if (!present) return present.error();
    const std::string raw = text_member(call.params, "raw");
    const Result<Json> parsed = parsed_object(raw);
    if (!parsed) return parsed.error();
    const Result<std::string> text = whole_text(*present, call.path(), raw, *parsed);
    if (!text) return text.error();
    return write(call, *present, *text);
}

// Adds what a client expects of a change after which the gateway restarts, and asks for that.
Outcome with_restart(const Call& call, Outcome outcome) {
    if (!outcome) return outcome;
    const int64_t delay = std::clamp<int64_t>(
        int_member(call.params, "restartDelayMs", usual_delay_ms), 0, longest_delay_ms);
    const std::string& method = call.request.config().method();
    call.answer.set_reload_after_ms(static_cast<uint32_t>(delay));
    (*outcome)["restart"] = {{"ok", true},       {"pid", getppid()}, {"signal", "SIGUSR1"},
                             {"delayMs", delay}, {"reason", method}, {"mode", "emit"}};
    (*outcome)["sentinel"] =
        write_restart_sentinel(call.request.state_dir(), call.params, method, wall_ms());
    return outcome;
}

// So that the supervisor can tell when the answer would be another.
void tell_files(ConfigAnswer& answer) {
    const auto files = files_read();
    if (!files) return;
    for (const FileRead& file : *files) {
        hardshell::proto::SeenFile& seen = *answer.add_files();
        seen.set_path(file.path);
        seen.set_device(file.state.device);
        seen.set_inode(file.state.inode);
        seen.set_size(file.state.size);
        seen.set_modified_ns(file.state.modified_ns);
        seen.set_changed_ns(file.state.changed_ns);
    }
}

Outcome get(const Call& call) {
    Result<PresentConfig> present = read_present(call.request, call.environment);
    if (!present) return Error{Fault::system, present.error().what};
    const LoadedConfig& loaded = present->loaded;
    const bool open = bool_member(call.params, "includeSecrets");
    const Redaction redaction{loaded};
    const auto shown = [&](const Json& value) { return open ? value : redaction.shown(value); };
    Json warnings = issues_of(loaded.warnings, {});
    for (const Problem& unknown : loaded.unknown_keys) warnings.push_back(issue_of(unknown, true));
    if (!open) tell_files(call.answer);
    Json raw;
    if (present->exists) raw = open ? present->text : redaction.shown_text(present->text);
    return Json{{"path", call.path()},
                {"exists", present->exists},
                {"raw", std::move(raw)},
                {"parsed", shown(present->parsed)},
                {"valid", loaded.usable()},
                {"config", loaded.usable() ? shown(loaded.resolved) : Json::object()},
                {"hash", present->hash},
                {"issues", issues_of(loaded.problems, {})},
                {"warnings", std::move(warnings)},
                {"legacyIssues", Json::array()}};
}

Outcome set(const Call& call) {
    return replace_file(call);
}

Outcome apply(const Call& call) {
    return with_restart(call, replace_file(call));
}

Outcome patch(const Call& call) {
    const Result<PresentConfig> present = present_for_change(call);
    if (!present) return present.error();
    if (!present->loaded.usable())
        return refused("the present configuration is invalid; correct it before patching: " +
                       to_text(present->loaded.problems.front()));
    Result<Json> change = parsed_object(text_member(call.params, "raw"));
    if (!change) return change.error();
    if (Done restored = restore(*change, present->seen(), Kind::patch); !restored)
        return restored.error();
    Json wanted = present->loaded.merged;
    wanted.merge_patch(*change);
    const Result<std::string> text = edited_text(*present, call.path(), wanted, false);
    if (!text) return text.error();
    return with_restart(call, write(call, *present, *text));
}

// The text that a change would lead to: `raw` is a whole file, `patch` a merge patch.
Result<std::string> text_to_check(const Call& call, const PresentConfig& present) {
    const std::string raw = text_member(call.params, "raw");
    if (!raw.empty()) {
        const Result<Json> parsed = parsed_object(raw);
        if (!parsed) return parsed.error();
        return whole_text(present, call.path(), raw, *parsed);
    }
    Result<Json> change = parsed_object(text_member(call.params, "patch"));
    if (!change) return change.error();
    if (Done restored = restore(*change, present.seen(), Kind::patch); !restored)
        return restored.error();
    Json wanted = present.loaded.merged;
    wanted.merge_patch(*change);
    return edited_text(present, call.path(), wanted, false);
}

Json unusable(Json issues) {
    return {{"valid", false}, {"issues", std::move(issues)}, {"warnings", Json::array()}};
}

// As a change would be judged, without making it.
Outcome check(const Call& call) {
    const Result<PresentConfig> present = read_present(call.request, call.environment);
    if (!present) return Error{Fault::system, present.error().what};
    const Result<std::string> text = text_to_check(call, *present);
    if (!text)
        return unusable(Json::array({{{"path", ""}, {"message", one_line(text.error().what)}}}));
    const LoadedConfig next = load_config(call.path(), *text, call.environment);
    const Problems faults = faults_of_text(*present, next);
    if (!faults.empty()) return unusable(issues_of(faults, next.unknown_keys));
    Json verdict = {
        {"valid", true}, {"issues", Json::array()}, {"warnings", issues_of(next.warnings, {})}};
    const LoadedConfig& before = present->loaded;
    verdict.update(
        effect_of(call.request, before.usable() ? before : no_config(call.environment), next));
    return verdict;
}

Outcome schema(const Call&) {
    return schema_reply(wall_ms());
}

// The methods of the command line work on one value of a file that can be used.
Result<PresentConfig> usable_present(const Call& call) {
    Result<PresentConfig> present = read_present(call.request, call.environment);
    if (!present) return present.error();
    if (!present->loaded.usable())
        return invalid(call, present->loaded.problems, present->loaded.unknown_keys);
    return present;
}

Error nothing_at(const std::string& path) {
    return refused("nothing is configured at " + path);
}

// A value that is named itself is shown as it is; inside a section secrets are hidden.
Outcome get_value(const Call& call) {
    const std::string typed = text_member(call.params, "path");
    const Result<ValuePath> path = parse_value_path(typed);
    if (!path) return path.error();
    const Result<PresentConfig> present = usable_present(call);
    if (!present) return present.error();
    const LoadedConfig& loaded = present->loaded;
    const Json* value = find_value(loaded.resolved, *path);
    if (!value) return nothing_at(typed);
    if (value->is_primitive() || bool_member(call.params, "showSecrets"))
        return Json{{"value", *value}};
    return Json{{"value", *find_value(shown_config(loaded), *path)}};
}

Outcome change_value(const Call& call, const PresentConfig& present, const Json& wanted) {
    const Result<std::string> text = edited_text(present, call.path(), wanted, false);
    if (!text) return text.error();
    if (present.exists && *text == present.text)
        return Json{{"ok", true}, {"path", call.path()}, {"changed", false}};
    Outcome written = write(call, present, *text);
    if (!written) return written;
    const Json& reload = member_at(member(*written, "config"), "gateway.reload");
    return Json{{"ok", true},
                {"path", call.path()},
                {"changed", true},
                {"reloadMode", text_member(reload, "mode", "hybrid")}};
}

// JSON5 where it can be read as that, else the text itself.
Result<Json> typed_value(const Call& call) {
    const std::string text = text_member(call.params, "value");
    Json5Reading reading = read_json5(text);
    if (!reading.failure) return std::move(reading.value);
    if (!bool_member(call.params, "json")) return Json(text);
    return refused("the value cannot be read as JSON5: " + reading.failure->what);
}

Outcome set_one_value(const Call& call) {
    const Result<ValuePath> path = parse_value_path(text_member(call.params, "path"));
    if (!path) return path.error();
    Result<Json> value = typed_value(call);
    if (!value) return value.error();
    const Result<PresentConfig> present = usable_present(call);
    if (!present) return present.error();
    Json wanted = present->loaded.merged;
    if (Done placed = set_value(wanted, *path, std::move(*value)); !placed) return placed.error();
    return change_value(call, *present, wanted);
}

Outcome unset_value(const Call& call) {
    const std::string typed = text_member(call.params, "path");
    const Result<ValuePath> path = parse_value_path(typed);
    if (!path) return path.error();
    const Result<PresentConfig> present = usable_present(call);
    if (!present) return present.error();
    Json wanted = present->loaded.merged;
    if (!remove_value(wanted, *path)) return nothing_at(typed);
    return change_value(call, *present, wanted);
}

Outcome validate(const Call& call) {
    const Result<PresentConfig> present = read_present(call.request, call.environment);
    if (!present) return Error{Fault::system, present.error().what};
    const LoadedConfig& loaded = present->loaded;
    Json lines = Json::array();
    for (const Problem& problem : loaded.problems) lines.push_back(one_line(to_text(problem)));
    Json ignored = Json::array();
    for (const Problems* list : {&loaded.unknown_keys, &loaded.warnings})
        for (const Problem& problem : *list) ignored.push_back(one_line(to_text(problem)));
    return Json{
        {"path", call.path()},        {"exists", present->exists},
        {"valid", loaded.usable()},   {"issues", issues_of(loaded.problems, loaded.unknown_keys)},
        {"errors", std::move(lines)}, {"warnings", std::move(ignored)}};
}

// The new text is written where it is another; the configuration as it is shown then.
Outcome put_in_force(const Call& call, const PresentConfig& present, const Json& wanted) {
    const Result<std::string> text = edited_text(present, call.path(), wanted, false);
    if (!text) return text.error();
    if (present.exists && *text == present.text) return shown_config(present.loaded);
    Outcome written = write(call, present, *text);
    if (!written) return written;
    return member(*written, "config");
}

Outcome skills_update(const Call& call) {
    const Result<PresentConfig> present = usable_present(call);
    if (!present) return present.error();
    Json wanted = present->loaded.merged;
    if (Done changed = change_skill_entry(wanted, call.params); !changed) return changed.error();
    const Outcome config = put_in_force(call, *present, wanted);
    if (!config) return config;
    const std::string key = text_member(call.params, "skillKey");
    const Json& entry = member(member_at(*config, "skills.entries"), key);
    return Json{
        {"ok", true}, {"skillKey", key}, {"config", entry.is_object() ? entry : Json::object()}};
}

Outcome channels_logout(const Call& call) {
    const Result<PresentConfig> present = usable_present(call);
    if (!present) return present.error();
    Logout logout = log_out(present->loaded.merged, text_member(call.params, "channel"),
                            text_member(call.params, "accountId"), call.environment);
    const Outcome config = put_in_force(call, *present, logout.config);
    if (!config) return config;
    return std::move(logout.payload);
}

Outcome move_in(const Call& call, const PresentConfig& present) {
    Result<MovedGroup> moved =
        move_group(present.loaded.merged, call.request.config().asker(),
                   {text_member(call.params, "from"), text_member(call.params, "to")});
    if (!moved) return moved.error();
    if (!moved->places.empty()) {
        const Result<std::string> text =
            edited_text(present, call.path(), moved->config, moved->edits);
        if (!text) return text.error();
        if (const Outcome written = write(call, present, *text); !written) return written;
    }
    return Json{{"places", moved->places}};
}

// Nobody reads the file anew and asks again, so a change of the owner's in between is taken up
// here, once.
Outcome group_moved(const Call& call) {
    const Result<PresentConfig> present = usable_present(call);
    if (!present) return present.error();
    Outcome moved = move_in(call, *present);
    if (moved || moved.error().fault != Fault::bad_message) return moved;
    const Result<PresentConfig> later = usable_present(call);
    if (!later || later->hash == present->hash) return moved;
    return move_in(call, *later);
}

ApprovalsPlaces places_of(const Call& call) {
    return approvals_places(call.request.state_dir(), call.environment.get("HOME"));
}

Outcome approvals_get(const Call& call) {
    return read_approvals(places_of(call));
}

Outcome approvals_set(const Call& call) {
    return write_approvals(places_of(call), call.params);
}

Outcome approvals_allow(const Call& call) {
    return allow_program(places_of(call), call.params, wall_ms());
}

struct Row {
    std::string_view method;
    Outcome (*serve)(const Call& call);
};

constexpr Row methods[] = {
    // asked by clients of the gateway
    {"config.get", get},
    {"config.set", set},
    {"config.patch", patch},
    {"config.apply", apply},
    {"config.schema", schema},
    {"skills.update", skills_update},
    {"channels.logout", channels_logout},
    {"exec.approvals.get", approvals_get},
    {"exec.approvals.set", approvals_set},
    {"hardshell.config.check", check},
    // asked by the gateway for its own
    {"exec.approvals.allow", approvals_allow},
    // asked by the worker of a channel's account
    {"channels.groupMoved", group_moved},
    // asked by the command line only
    {"value.get", get_value},
    {"value.set", set_one_value},
    {"value.unset", unset_value},
    {"validate", validate},
};

Outcome serve(const Call& call) {
    const std::string& method = call.request.config().method();
    for (const Row& row : methods)
        if (row.method == method) return row.serve(call);
    return refused("unknown method: " + one_line(method, 100));
}

void tell(const Outcome& outcome, ConfigAnswer& answer) {
    if (outcome) {
        answer.set_payload_json(print_json(*outcome));
        if (answer.payload_json().size() <= largest_payload) return;
        answer.clear_payload_json();
    }
    const bool can_be_mended = !outcome && outcome.error().fault == Fault::bad_message;
    answer.set_error_code(can_be_mended ? "INVALID_REQUEST" : "UNAVAILABLE");
    answer.set_error_message(outcome ? "the configuration is too large to be shown"
                                     : outcome.error().what);
}

}  // namespace

ConfigAnswer answer_config_call(const PlanRequest& request, const Environment& environment) {
    ConfigAnswer answer;
    answer.set_id(request.config().id());
    Result<Json> params = request.config().params_json().empty()
                              ? Result<Json>(Json::object())
                              : parse_json(request.config().params_json());
    if (!params || !params->is_object()) {
        tell(refused("params must be an object"), answer);
        return answer;
    }
    tell(serve({request, environment, std::move(*params), answer}), answer);
    return answer;
}

}  // namespace planner
