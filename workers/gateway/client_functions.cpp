#include "workers/gateway/client_functions.h"

#include <algorithm>

#include "workers/gateway/request_media.h"

namespace gateway {

namespace {

bool is_name(const std::string& name) {
    return !name.empty() && name.size() <= ClientFunctions::longest_name &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '-';
           });
}

// {type, name, …} as OpenAI has it, or {type, function: {name, …}} as OpenClaw.
const Json& function_in(const Json& given) {
    const Json& inner = member(given, "function");
    return inner.is_object() ? inner : given;
}

Result<Json> read_function(const Json& tool, const std::string& where) {
    if (text_view(tool, "type") != "function")
        return unfit(where + ".type", "only functions can be offered; use function");
    const Json& function = function_in(tool);
    const std::string name = text_member(function, "name");
    if (!is_name(name))
        return unfit(where + ".name", "must have 1 to 64 letters of a-z, A-Z, 0-9, _ and -");
    const Json& parameters = member(function, "parameters");
    if (!parameters.is_object() && !parameters.is_null())
        return unfit(where + ".parameters", "must be a JSON Schema, an object");
    return Json{{"name", name},
                {"description", text_member(function, "description")},
                {"parameters", parameters.is_object()
                                   ? parameters
                                   : Json{{"type", "object"}, {"properties", Json::object()}}}};
}

bool has_function(const Json& functions, const std::string& name) {
    return std::any_of(functions.begin(), functions.end(),
                       [&](const Json& one) { return text_view(one, "name") == name; });
}

Done keep_chosen(ClientFunctions& functions, const Json& choice) {
    if (text_view(choice, "type") != "function")
        return unfit("tool_choice", "use none, auto, required, or one function");
    const std::string name = text_member(function_in(choice), "name");
    if (!has_function(functions.definitions, name))
        return unfit("tool_choice", "there is no function \"" + name + "\" in tools");
    Json chosen = Json::array();
    for (const Json& one : functions.definitions)
        if (text_view(one, "name") == name) chosen.push_back(one);
    functions.definitions = std::move(chosen);
    functions.instruction = "You must call the function " + name + " before you answer.";
    return {};
}

}  // namespace

Result<ClientFunctions> read_client_functions(const Json& tools, const Json& choice) {
    ClientFunctions functions;
    if (!tools.is_null() && !tools.is_array()) return unfit("tools", "must be a list");
    if (choice == "none") return functions;
    if (tools.size() > ClientFunctions::most)
        return unfit("tools", "must be " + std::to_string(ClientFunctions::most) + " at most");
    size_t index = 0;
    for (const Json& tool : tools) {
        const std::string where = "tools[" + std::to_string(index++) + "]";
        Result<Json> function = read_function(tool, where);
        if (!function) return function.error();
        if (has_function(functions.definitions, text_member(*function, "name")))
            return unfit(where + ".name", "there is another function of that name");
        functions.definitions.push_back(std::move(*function));
    }
    if (choice.is_null() || choice == "auto") return functions;
    if (choice == "required" && functions.definitions.empty())
        return unfit("tool_choice", "there is no function that could be called");
    if (choice == "required") {
        functions.instruction =
            "You must call one of the functions of the caller before you answer.";
        return functions;
    }
    if (const Done done = keep_chosen(functions, choice); !done) return done.error();
    return functions;
}

}  // namespace gateway
