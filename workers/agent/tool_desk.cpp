#include "workers/agent/tool_desk.h"

#include "workers/agent/message_tool.h"
#include "workers/agent/tool_arguments.h"

namespace agent {

namespace {

Json definition(std::string_view name, std::string_view description, Json parameters) {
    return Json{
        {"name", name}, {"description", description}, {"parameters", std::move(parameters)}};
}

Json schema_of(const OwnTool& tool) {
    Result<Json> schema =
        parse_json(tool.name == "message" ? MessageTool::schema() : tool.parameters);
    return schema ? std::move(*schema) : Json{{"type", "object"}};
}

}  // namespace

bool ToolDesk::allows(const ToolCaller& caller, std::string_view tool) const {
    return tool_allowed(config_.json(), caller, tool);
}

Json ToolDesk::definitions(const ToolCaller& caller) const {
    Json list = Json::array();
    for (const ToolsLink::Offer& offer : remote_.offers())
        if (allows(caller, offer.name))
            list.push_back(definition(offer.name, offer.description, offer.parameters));
    for (const OwnTool& tool : own_tools())
        if (own_.offers(tool) && (has_voice_ || !tool.needs_voice) && allows(caller, tool.name))
            list.push_back(definition(tool.name, tool.description, schema_of(tool)));
    if (search_.is_offered() && allows(caller, "web_search")) list.push_back(search_.definition());
    return list;
}

std::unique_ptr<ToolCall> ToolDesk::start(ToolOrder order, ToolListener& listener) {
    const OwnTool* own = find_own_tool(order.name);
    if (own && own->needs_voice && !has_voice_) own = nullptr;
    const ToolsLink::Offer* offer = own ? nullptr : remote_.find(order.name);
    const bool searches = order.name == "web_search" && search_.is_offered();
    if ((!own && !offer && !searches) || !allows(order.caller, order.name))
        return ended_tool(loop_, tool_error("There is no tool " + order.name + " here."), listener);
    if (!order.arguments.is_object()) order.arguments = Json::object();
    if (searches) return search_.start(order, listener);
    const std::string problem =
        argument_problem(own ? schema_of(*own) : offer->parameters, order.arguments);
    if (!problem.empty())
        return ended_tool(loop_, tool_error(order.name + ": " + problem), listener);
    return own ? own_.start(*own, order, listener) : remote_.start(order, listener);
}

std::unique_ptr<ToolCall> ToolDesk::fetch(Json arguments, ToolListener& listener) {
    if (!remote_.is_there()) return nullptr;
    ToolOrder order;
    order.name = "media_fetch";
    order.arguments = std::move(arguments);
    return remote_.start(order, listener);
}

}  // namespace agent
