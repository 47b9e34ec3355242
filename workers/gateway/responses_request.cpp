// The request of POST /v1/responses.

#include <sodium.h>

#include <algorithm>
#include <iterator>

#include "workers/gateway/frames.h"
#include "workers/gateway/responses.h"

namespace gateway {

namespace {

Error unfit(std::string what) {
    return Error{Fault::bad_message, std::move(what)};
}

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
    // Taken, and without an effect: the agent's own configuration has these.
    "temperature",
    "top_p",
    "metadata",
    "store",
    "previous_response_id",
    "reasoning",
    "truncation",
};

Done refuse_unknown(const Json& body) {
    for (const auto& [name, value] : body.items())
        if (std::find(std::begin(known_members), std::end(known_members), name) ==
            std::end(known_members))
            return unfit(name + ": is not known here");
    return {};
}

// A client that offers functions waits to be called.
Done refuse_tools(const Json& body) {
    const Json& tools = member(body, "tools");
    const Json& choice = member(body, "tool_choice");
    if (!tools.is_null() && !tools.is_array()) return unfit("tools: must be a list");
    if (choice == "none") return {};
    if (tools.is_array() && !tools.empty())
        return unfit(
            "tools: the agent has its own tools and cannot call yours yet; leave them out, or set "
            "tool_choice to none");
    if (choice == "required" || choice.is_object())
        return unfit("tool_choice: there is no tool that could be chosen");
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

Result<std::string> decoded(const std::string& base64, const std::string& where) {
    std::string bytes(base64.size() / 4 * 3 + 3, '\0');
    size_t size = 0;
    const bool read = sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()),
                                        bytes.size(), base64.data(), base64.size(), "\r\n ", &size,
                                        nullptr, sodium_base64_VARIANT_ORIGINAL) == 0;
    if (!read) return unfit(where + ": must be base64");
    bytes.resize(size);
    return bytes;
}

// Base64 by OpenClaw's `source`, or a data: address by OpenAI's member.
struct Encoded {
    std::string type;
    std::string base64;
};
Result<Encoded> read_source(const Json& source, const std::string& where) {
    const std::string kind = text_member(source, "type");
    if (kind == "url")
        return unfit(where + ": addresses are not fetched; send the content, with type base64");
    if (kind != "base64") return unfit(where + ".type: use base64");
    return Encoded{text_member(source, "media_type"), text_member(source, "data")};
}

Done Reader::read_image(const Json& part, const std::string& where, Spoken& spoken) const {
    const MediaLimits& limits = settings.http.images;
    const Json& source = member(part, "source");
    Result<Json> image = unfit(where + ": needs image_url or source");
    if (source.is_object()) {
        const Result<Encoded> encoded = read_source(source, where + ".source");
        if (!encoded) return encoded.error();
        image = image_of(encoded->type, encoded->base64, where + ".source", limits);
    } else if (const std::string url = text_member(part, "image_url"); !url.empty()) {
        image = image_of_url(url, where + ".image_url", limits);
    }
    if (!image) return image.error();
    spoken.images.push_back(std::move(*image));
    return {};
}

Done Reader::read_file(const Json& part, const std::string& where, Spoken& spoken) const {
    const MediaLimits& limits = settings.http.files;
    const Json& source = member(part, "source");
    if (!source.is_object()) return unfit(where + ": needs source, with type base64");
    const Result<Encoded> encoded = read_source(source, where + ".source");
    if (!encoded) return encoded.error();
    const std::string type = encoded->type.substr(0, encoded->type.find(';'));
    const bool is_text = type.starts_with("text/") || type == "application/json";
    if (!is_text || std::find(limits.types.begin(), limits.types.end(), type) == limits.types.end())
        return unfit(where + ".source: files of type \"" + type +
                     "\" are not taken; send their text instead");
    if (decoded_size(encoded->base64) > limits.most_bytes)
        return unfit(where + ".source: the file is larger than " +
                     std::to_string(limits.most_bytes) + " bytes");
    const Result<std::string> content = decoded(encoded->base64, where + ".source.data");
    if (!content) return content.error();
    const std::string name = text_member(source, "filename", "file");
    add_text(spoken.text, "[" + name + "]\n" + cut_text(*content, limits.most_characters));
    return {};
}

Done Reader::read_part(const Json& part, const std::string& where, Spoken& spoken) const {
    const std::string type = text_member(part, "type");
    if (type == "input_text" || type == "output_text" || type == "text")
        return add_text(spoken.text, text_view(part, "text")), Done{};
    if (type == "refusal") return add_text(spoken.text, text_view(part, "refusal")), Done{};
    if (type == "input_image") return read_image(part, where, spoken);
    if (type == "input_file") return read_file(part, where, spoken);
    return unfit(where + ".type: \"" + type +
                 "\" is not taken; use input_text, input_image or input_file");
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
        return unfit(where + ".content: must be a text or a list of parts");
    }
    if (role == "system" || role == "developer") return input.add_system(spoken.text), Done{};
    if (role != "user" && role != "assistant")
        return unfit(where + ".role: use system, developer, user or assistant");
    input.add(role == "user" ? "User" : "Assistant", std::move(spoken.text), role == "user",
              std::move(spoken.images));
    return {};
}

Done Reader::read_item(const Json& item, const std::string& where) {
    if (!item.is_object()) return unfit(where + ": must be an object");
    const std::string type = text_member(item, "type", "message");
    if (type == "message") return read_message(item, where);
    if (type == "function_call_output") {
        const Json& output = member(item, "output");
        const std::string text =
            output.is_string() ? output.get<std::string>() : print_json(output);
        return input.add("Tool " + text_member(item, "call_id"), text, true, Json::array()), Done{};
    }
    if (type == "function_call") {
        input.add("Assistant",
                  "(called " + text_member(item, "name") + " with " +
                      text_member(item, "arguments") + ")",
                  false, Json::array());
        return {};
    }
    // What a model thought, and what another server keeps, is nothing to answer.
    if (type == "reasoning" || type == "item_reference") return {};
    return unfit(where + ".type: \"" + type + "\" is not taken");
}

Done Reader::read(const Json& given) {
    if (given.is_string()) {
        input.add("User", given.get<std::string>(), true, Json::array());
        return {};
    }
    if (!given.is_array()) return unfit("input: must be a text or a list of items");
    size_t index = 0;
    for (const Json& item : given)
        if (const Done done = read_item(item, "input[" + std::to_string(index++) + "]"); !done)
            return done;
    return {};
}

}  // namespace

Result<ResponsesRequest> read_responses_request(const Json& body, const HttpAsk& ask,
                                                const GatewaySettings& settings) {
    if (!body.is_object()) return unfit("the body must be an object");
    ResponsesRequest request;
    request.model = text_member(body, "model");
    if (request.model.empty()) return unfit("model: must be a text that is not empty");
    if (const Done done = refuse_unknown(body); !done) return done.error();
    if (const Done done = refuse_tools(body); !done) return done.error();
    Reader reader{settings, {}};
    request.instructions = text_member(body, "instructions");
    reader.input.add_system(request.instructions);
    if (const Done done = reader.read(member(body, "input")); !done) return done.error();
    request.order.message = reader.input.message();
    if (request.order.message.empty()) return unfit("input: there is no text of a user to answer");
    request.order.attachments = reader.input.images();
    request.order.extra_system = reader.input.system();
    request.streams = bool_member(body, "stream");
    choose_session(request.order, ask, request.model, text_member(body, "user"), "openresponses",
                   settings.default_agent);
    return request;
}

}  // namespace gateway
