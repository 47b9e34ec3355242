// The request of POST /v1/responses.

#include <algorithm>
#include <iterator>

#include "workers/gateway/client_functions.h"
#include "workers/gateway/responses.h"

namespace gateway {

namespace {

constexpr std::string_view known_members[] = {
    "model",
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "stream",
    "max_output_tokens",
    "user",
    "max_tool_calls",
    "previous_response_id",
    // Taken, and without an effect: the agent's own configuration has these.
    "temperature",
    "top_p",
    "metadata",
    "store",
    "reasoning",
    "truncation",
};

Done refuse_unknown(const Json& body) {
    for (const auto& [name, value] : body.items())
        if (std::find(std::begin(known_members), std::end(known_members), name) ==
            std::end(known_members))
            return unfit(name, "is not known here");
    return {};
}

struct Reader {
    const GatewaySettings& settings;
    ConversationInput input;

    Done read(const Json& given);
    Done read_item(const Json& item, const std::string& where);
    Done read_message(const Json& item, const std::string& where);
    Done read_part(const Json& part, const std::string& where, Spoken& spoken) const;
    Done read_image(const Json& part, const std::string& where, Spoken& spoken) const;
    Done read_file(const Json& part, const std::string& where, Spoken& spoken) const;
};

// OpenClaw's `source`: {type: "base64", media_type, data} or {type: "url", url}.
Done Reader::read_image(const Json& part, const std::string& where, Spoken& spoken) const {
    const MediaLimits& limits = settings.http.images;
    const Json& source = member(part, "source");
    const std::string kind = text_member(source, "type");
    Result<Json> image = unfit(where, "needs image_url or source");
    if (source.is_object() && kind == "url")
        image = image_of_url(text_view(source, "url"), where + ".source.url", limits);
    else if (source.is_object() && kind == "base64")
        image = image_of(text_member(source, "media_type"), text_member(source, "data"),
                         where + ".source", limits);
    else if (source.is_object())
        image = unfit(where + ".source.type", "use base64 or url");
    else if (const std::string_view url = text_view(part, "image_url"); !url.empty())
        image = image_of_url(url, where + ".image_url", limits);
    if (!image) return image.error();
    spoken.attachments.push_back(std::move(*image));
    return {};
}

// `source` again, or OpenAI's file_data and file_url.
Done Reader::read_file(const Json& part, const std::string& where, Spoken& spoken) const {
    const MediaLimits& limits = settings.http.files;
    const Json& source = member(part, "source");
    const std::string kind = text_member(source, "type");
    const std::string name = text_member(part, "filename", text_member(source, "filename"));
    Result<FilePart> file = unfit(where, "needs source, file_data or file_url");
    if (source.is_object() && kind == "url")
        file = file_of_url(text_view(source, "url"), name, where + ".source.url", limits);
    else if (source.is_object() && kind == "base64")
        file = file_of(text_member(source, "media_type"), text_member(source, "data"),
                       name.empty() ? "file" : name, where + ".source", limits);
    else if (source.is_object())
        file = unfit(where + ".source.type", "use base64 or url");
    else if (const std::string_view data = text_view(part, "file_data"); !data.empty())
        file = file_of_url(data, name, where + ".file_data", limits);
    else if (const std::string_view url = text_view(part, "file_url"); !url.empty())
        file = file_of_url(url, name, where + ".file_url", limits);
    else if (!text_view(part, "file_id").empty())
        file = unfit(where + ".file_id", "no files are kept here; send the file itself");
    if (!file) return file.error();
    add_text(spoken.text, file->text);
    if (file->attachment) spoken.attachments.push_back(std::move(*file->attachment));
    return {};
}

Done Reader::read_part(const Json& part, const std::string& where, Spoken& spoken) const {
    const std::string type = text_member(part, "type");
    if (type == "input_text" || type == "output_text" || type == "text")
        return add_text(spoken.text, text_view(part, "text")), Done{};
    if (type == "refusal") return add_text(spoken.text, text_view(part, "refusal")), Done{};
    if (type == "input_image") return read_image(part, where, spoken);
    if (type == "input_file") return read_file(part, where, spoken);
    return unfit(where + ".type",
                 "\"" + type + "\" is not taken; use input_text, input_image or input_file");
}

Done Reader::read_message(const Json& item, const std::string& where) {
    const std::string role = text_member(item, "role");
    const Json& content = member(item, "content");
    Spoken spoken;
    if (content.is_string()) {
        spoken.text = content.get<std::string>();
    } else if (content.is_array()) {
        size_t index = 0;
        for (const Json& part : content)
            if (const Done done =
                    read_part(part, where + ".content[" + std::to_string(index++) + "]", spoken);
                !done)
                return done;
    } else {
        return unfit(where + ".content", "must be a text or a list of parts");
    }
    if (role == "system" || role == "developer") return input.add_system(spoken.text), Done{};
    if (role != "user" && role != "assistant")
        return unfit(where + ".role", "use system, developer, user or assistant");
    input.add(role == "user" ? "User" : "Assistant", std::move(spoken.text), role == "user",
              std::move(spoken.attachments));
    return {};
}

Done Reader::read_item(const Json& item, const std::string& where) {
    if (!item.is_object()) return unfit(where, "must be an object");
    const std::string type = text_member(item, "type", "message");
    if (type == "message") return read_message(item, where);
    if (type == "function_call_output") {
        const Json& output = member(item, "output");
        input.add_result(text_member(item, "call_id"),
                         output.is_string() ? output.get<std::string>() : print_json(output));
        return {};
    }
    if (type == "function_call") {
        input.add_call(text_member(item, "call_id"), text_member(item, "name"),
                       text_member(item, "arguments"));
        return {};
    }
    // What a model thought, and what another server keeps, is nothing to answer.
    if (type == "reasoning" || type == "item_reference") return {};
    return unfit(where + ".type", "\"" + type + "\" is not taken");
}

Done Reader::read(const Json& given) {
    if (given.is_string()) {
        input.add("User", given.get<std::string>(), true, Json::array());
        return {};
    }
    if (!given.is_array()) return unfit("input", "must be a text or a list of items");
    size_t index = 0;
    for (const Json& item : given)
        if (const Done done = read_item(item, "input[" + std::to_string(index++) + "]"); !done)
            return done;
    return {};
}

}  // namespace

Result<ResponsesRequest> read_responses_request(const Json& body, const HttpAsk& ask,
                                                const GatewaySettings& settings,
                                                const ResponseIds& ids) {
    if (!body.is_object()) return Error{Fault::bad_message, "the body must be an object"};
    ResponsesRequest request;
    request.model = text_member(body, "model");
    if (request.model.empty()) return unfit("model", "must be a text that is not empty");
    if (const Done done = refuse_unknown(body); !done) return done.error();
    request.tools = member(body, "tools");
    request.tool_choice = member(body, "tool_choice");
    Result<ClientFunctions> functions = read_client_functions(request.tools, request.tool_choice);
    if (!functions) return functions.error();
    request.order.client_tools = std::move(functions->definitions);
    Reader reader{settings, {}};
    request.instructions = text_member(body, "instructions");
    reader.input.add_system(request.instructions);
    if (const Done done = reader.read(member(body, "input")); !done) return done.error();
    request.order.message = reader.input.message();
    if (request.order.message.empty())
        return unfit("input", "there is no text of a user to answer");
    reader.input.add_system(functions->instruction);
    request.order.extra_system = reader.input.system();
    request.streams = bool_member(body, "stream");
    const bool names_session =
        choose_session(request.order, ask, request.model, text_member(body, "user"),
                       "openresponses", settings.default_agent);
    request.previous = text_member(body, "previous_response_id");
    // Whoever names a session has said where to go on.
    request.order.continues = !request.previous.empty() && !names_session;
    request.order.attachments =
        reader.input.take_attachments(names_session || request.order.continues);
    if (!request.order.continues) return request;
    const std::optional<std::string> session = ids.session_of(request.previous);
    if (!session)
        return unfit("previous_response_id", "no answer of this gateway has the id \"" +
                                                 request.previous.substr(0, 100) + "\"");
    request.order.session_key = *session;
    return request;
}

}  // namespace gateway
