#include "workers/cli/commands/devices.h"

#include <algorithm>

#include "workers/cli/commands/gateway_methods.h"
#include "workers/cli/control_client.h"
#include "workers/common/base/clock.h"

namespace cli {

namespace {

bool names_a_gateway(const Arguments& given) {
    return given.has("url") || given.has("token") || given.has("password");
}

Result<Json> ask(const Context& context, const std::string& method, const Json& params) {
    if (names_a_gateway(context.arguments)) return call_gateway(context, method, params);
    Result<Json> answer = ask_gateway_as_owner(context, method, params);
    // Another user of this machine may still know the token.
    if (!answer && answer.error().fault == Fault::bad_credentials)
        return call_gateway(context, method, params);
    if (!answer && answer.error().fault == Fault::unreachable)
        if (const Result<Target> target = find_gateway(context); target && target->remote)
            return call_gateway(context, method, params);
    return answer;
}

std::string joined(const Json& texts) {
    std::string all;
    for (const Json& text : texts)
        if (text.is_string()) all += (all.empty() ? "" : ", ") + text.get<std::string>();
    return all.empty() ? "-" : printable(all);
}

std::string name_of(const Json& record) {
    for (const char* key : {"displayName", "clientId", "deviceId"})
        if (const std::string text = text_member(record, key); !text.empty())
            return printable(text);
    return "-";
}

std::string roles_of(const Json& record) {
    const Json& roles = member(record, "roles");
    return roles.is_array() ? joined(roles) : printable(text_member(record, "role", "-"));
}

std::string tokens_of(const Json& device) {
    std::string all;
    for (const Json& token : member(device, "tokens")) {
        all += (all.empty() ? "" : ", ") + printable(text_member(token, "role", "?"));
        if (token.contains("revokedAtMs")) all += " (revoked)";
    }
    return all.empty() ? "-" : all;
}

std::string pending_text(const Json& pending, const Style& style, int64_t now_ms) {
    std::vector<std::vector<Cell>> rows = {
        {{"request"}, {"device"}, {"role"}, {"scopes"}, {"address"}, {"asked"}, {"note"}}};
    for (const Json& request : pending)
        rows.push_back(
            {{printable(text_member(request, "requestId"))},
             {name_of(request)},
             {roles_of(request)},
             {joined(member(request, "scopes"))},
             {printable(text_member(request, "remoteIp", "-"))},
             {duration(std::max<int64_t>(0, now_ms - int_member(request, "ts"))) + " ago"},
             {bool_member(request, "isRepair") ? "paired before" : "new"}});
    return table(rows, style);
}

std::string paired_text(const Json& paired, const Style& style) {
    std::vector<std::vector<Cell>> rows = {
        {{"device"}, {"name"}, {"roles"}, {"scopes"}, {"tokens"}, {"address"}}};
    for (const Json& device : paired)
        rows.push_back({{printable(text_member(device, "deviceId"))},
                        {name_of(device)},
                        {roles_of(device)},
                        {joined(member(device, "scopes"))},
                        {tokens_of(device)},
                        {printable(text_member(device, "remoteIp", "-"))}});
    return table(rows, style);
}

// The request named, or with --latest the last one.
Result<std::string> chosen_request(const Context& context) {
    const Arguments& given = context.arguments;
    if (!given.operands().empty()) return given.operands().front();
    const Result<Json> list = ask(context, "device.pair.list", Json::object());
    if (!list) return list.error();
    const std::string latest = latest_request(*list);
    if (latest.empty()) return Error{Fault::bad_message, "no device waits to be approved"};
    if (given.has("latest")) return latest;
    return Error{Fault::bad_message, "name the request: `hardshell devices approve " + latest +
                                         "` for the latest, or see `hardshell devices list`"};
}

Error explained(Error error, const std::string& request) {
    if (error.what.find("unknown requestId") != std::string::npos)
        error.what = "no request " + request +
                     " waits: it was answered, or is older than five minutes; let the device "
                     "connect again and see `hardshell devices list`";
    return error;
}

int finish(const Context& context, const Json& answer, const std::string& text) {
    print(context.arguments.has("json") ? pretty(answer) : text);
    return 0;
}

// Options that the table cannot call required.
Result<Json> device_and_role(const Arguments& given, const std::string& command) {
    for (const char* name : {"device", "role"})
        if (given.text(name).empty())
            return Error{
                Fault::bad_message,
                "--" + std::string(name) + " is missing; see `hardshell " + command + " --help`"};
    return Json{{"deviceId", given.text("device")}, {"role", given.text("role")}};
}

}  // namespace

std::string devices_text(const Json& list, const Style& style, int64_t now_ms) {
    const Json& pending = member(list, "pending");
    const Json& paired = member(list, "paired");
    if (pending.empty() && paired.empty()) return "No device is paired, and none asks to be.\n";
    std::string text;
    if (!pending.empty())
        text += "Waiting for approval (" + std::to_string(pending.size()) + ")\n" +
                pending_text(pending, style, now_ms) +
                "Approve with `hardshell devices approve <request>`.\n";
    if (!pending.empty() && !paired.empty()) text += "\n";
    if (!paired.empty())
        text += "Paired (" + std::to_string(paired.size()) + ")\n" + paired_text(paired, style);
    return text;
}

std::string latest_request(const Json& list) {
    const Json* latest = nullptr;
    for (const Json& request : member(list, "pending"))
        if (!latest || int_member(request, "ts") > int_member(*latest, "ts")) latest = &request;
    return latest ? text_member(*latest, "requestId") : "";
}

int run_devices_list(const Context& context) {
    const Result<Json> list = ask(context, "device.pair.list", Json::object());
    if (!list) return fail(list.error());
    return finish(context, *list, devices_text(*list, context.style, wall_ms()));
}

int run_devices_approve(const Context& context) {
    const Result<std::string> request = chosen_request(context);
    if (!request) return fail(request.error());
    const Result<Json> answer = ask(context, "device.pair.approve", {{"requestId", *request}});
    if (!answer) return fail(explained(answer.error(), *request));
    const Json& device = member(*answer, "device");
    return finish(context, *answer,
                  "Approved " + name_of(device) + " (" +
                      printable(text_member(device, "deviceId")) +
                      "); it may connect again now.\n");
}

int run_devices_reject(const Context& context) {
    const std::string& request = context.arguments.operands().front();
    const Result<Json> answer = ask(context, "device.pair.reject", {{"requestId", request}});
    if (!answer) return fail(explained(answer.error(), request));
    return finish(context, *answer,
                  "Rejected " + printable(text_member(*answer, "deviceId")) + ".\n");
}

// The new token can be had here only, so it is always printed.
int run_devices_rotate(const Context& context) {
    Result<Json> params = device_and_role(context.arguments, "devices rotate");
    if (!params) return fail(params.error());
    if (const auto scopes = context.arguments.texts("scope"); !scopes.empty())
        (*params)["scopes"] = scopes;
    const Result<Json> answer = ask(context, "device.token.rotate", *params);
    if (!answer) return fail(answer.error());
    return finish(context, *answer, pretty(*answer));
}

int run_devices_revoke(const Context& context) {
    const Result<Json> params = device_and_role(context.arguments, "devices revoke");
    if (!params) return fail(params.error());
    const Result<Json> answer = ask(context, "device.token.revoke", *params);
    if (!answer) return fail(answer.error());
    return finish(context, *answer, pretty(*answer));
}

}  // namespace cli
