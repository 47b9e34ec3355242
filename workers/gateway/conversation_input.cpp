#include "workers/gateway/conversation_input.h"

#include <algorithm>

#include "workers/common/base/text.h"
#include "workers/gateway/device_identity.h"

namespace gateway {

namespace {

constexpr std::string_view agent_prefixes[] = {"openclaw:", "openclaw/", "agent:"};

std::string agent_in(std::string_view model) {
    for (const std::string_view prefix : agent_prefixes)
        if (model.starts_with(prefix)) return std::string(trimmed(model.substr(prefix.size())));
    return {};
}

Error bad(const std::string& where, const std::string& what) {
    return Error{Fault::bad_message, where + ": " + what};
}

std::string list_of(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

}  // namespace

void add_text(std::string& to, std::string_view text) {
    if (text.empty()) return;
    if (!to.empty()) to += "\n";
    to += text;
}

void ConversationInput::add_system(std::string_view text) {
    text = trimmed(text);
    if (text.empty()) return;
    if (!system_.empty()) system_ += "\n\n";
    system_ += text;
}

void ConversationInput::add(std::string speaker, std::string text, bool is_current_candidate,
                            Json images) {
    if (trimmed(text).empty() && images.empty()) return;
    lines_.push_back(
        {std::move(speaker), std::move(text), is_current_candidate, std::move(images)});
}

size_t ConversationInput::current() const {
    size_t place = lines_.size();
    while (place > 0 && !lines_[place - 1].may_be_current) --place;
    return place;  // one after it; 0: none
}

std::string ConversationInput::message() const {
    const size_t end = current();
    if (end == 0) return {};
    const Line& last = lines_[end - 1];
    // Without words an image still asks for something.
    const std::string asked = trimmed(last.text).empty() ? "See what I have attached." : last.text;
    if (end == 1) return asked;
    std::string text = "The conversation so far, oldest first:\n\n";
    for (size_t place = 0; place + 1 < end; ++place) {
        const Line& line = lines_[place];
        text += line.speaker + ": " + line.text;
        if (!line.images.empty()) text += line.text.empty() ? "(an image)" : " (and an image)";
        text += "\n\n";
    }
    return text + "Answer this message now:\n\n" + last.speaker + ": " + asked;
}

Json ConversationInput::images() const {
    const size_t end = current();
    return end == 0 ? Json::array() : lines_[end - 1].images;
}

size_t decoded_size(std::string_view base64) {
    size_t letters = base64.size();
    while (letters > 0 && base64[letters - 1] == '=') --letters;
    return letters / 4 * 3 + letters % 4 * 3 / 4;
}

Result<Json> image_of(const std::string& type, const std::string& base64, const std::string& where,
                      const MediaLimits& limits) {
    if (std::find(limits.types.begin(), limits.types.end(), type) == limits.types.end())
        return bad(where,
                   "images of type \"" + type + "\" are not taken; use " + list_of(limits.types));
    if (base64.empty()) return bad(where, "the image is empty");
    if (decoded_size(base64) > limits.most_bytes)
        return bad(where,
                   "the image is larger than " + std::to_string(limits.most_bytes) + " bytes");
    return Json{{"type", "image"}, {"mimeType", type}, {"content", base64}};
}

Result<Json> image_of_url(const std::string& url, const std::string& where,
                          const MediaLimits& limits) {
    constexpr std::string_view scheme = "data:";
    constexpr std::string_view encoding = ";base64";
    if (!url.starts_with(scheme))
        return bad(where, "addresses are not fetched; send the image itself, as data:…;base64,…");
    const size_t comma = url.find(',');
    const std::string head =
        comma == std::string::npos ? "" : url.substr(scheme.size(), comma - scheme.size());
    if (!head.ends_with(encoding)) return bad(where, "a data: address must be base64");
    return image_of(head.substr(0, head.find(';')), url.substr(comma + 1), where, limits);
}

Result<Spoken> read_chat_content(const Json& content, const std::string& where,
                                 const MediaLimits& images) {
    Spoken spoken;
    if (content.is_null()) return spoken;  // an assistant that called tools
    if (content.is_string()) {
        spoken.text = content.get<std::string>();
        return spoken;
    }
    if (!content.is_array()) return bad(where, "must be a text or a list of parts");
    size_t index = 0;
    for (const Json& part : content) {
        const std::string place = where + "[" + std::to_string(index++) + "]";
        const std::string type = text_member(part, "type");
        if (type == "text" || type == "input_text") {
            add_text(spoken.text, text_view(part, "text"));
        } else if (type == "image_url" || type == "input_image") {
            const Json& given = member(part, "image_url");
            Result<Json> image = image_of_url(
                given.is_string() ? given.get<std::string>() : text_member(given, "url"),
                place + ".image_url", images);
            if (!image) return image.error();
            spoken.images.push_back(std::move(*image));
        } else if (type == "refusal") {
            add_text(spoken.text, text_view(part, "refusal"));
        } else {
            return bad(place, "parts of type \"" + type + "\" are not taken");
        }
    }
    return spoken;
}

void choose_session(TurnOrder& order, const HttpAsk& ask, const std::string& model,
                    const std::string& user, const std::string& prefix,
                    const std::string& default_agent) {
    order.agent_id = ask.header("x-openclaw-agent-id");
    if (order.agent_id.empty()) order.agent_id = ask.header("x-openclaw-agent");
    if (order.agent_id.empty()) order.agent_id = agent_in(model);
    order.session_key = ask.header("x-openclaw-session-key");
    if (!order.session_key.empty()) return;
    const std::string agent = order.agent_id.empty() ? default_agent : order.agent_id;
    order.session_key = "agent:" + agent + ":" + prefix;
    order.session_key += user.empty() ? ":" + random_uuid() : "-user:" + user;
}

}  // namespace gateway
