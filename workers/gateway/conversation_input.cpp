#include "workers/gateway/conversation_input.h"

#include "workers/common/base/text.h"
#include "workers/gateway/device_identity.h"

namespace gateway {

namespace {

constexpr const char* tool_speaker = "Tool";
constexpr const char* assistant_speaker = "Assistant";
constexpr std::string_view agent_prefixes[] = {"openclaw:", "openclaw/", "agent:"};

std::string agent_in(std::string_view model) {
    for (const std::string_view prefix : agent_prefixes)
        if (model.starts_with(prefix)) return std::string(trimmed(model.substr(prefix.size())));
    return {};
}

}  // namespace

void ConversationInput::add_system(std::string_view text) {
    text = trimmed(text);
    if (text.empty()) return;
    if (!system_.empty()) system_ += "\n\n";
    system_ += text;
}

void ConversationInput::add(std::string speaker, std::string text, bool is_current_candidate,
                            Json attachments) {
    if (trimmed(text).empty() && attachments.empty()) return;
    lines_.push_back(
        {std::move(speaker), std::move(text), is_current_candidate, std::move(attachments)});
}

// Results that come together are one message.
void ConversationInput::add_result(const std::string& call_id, const std::string& output) {
    const auto call = calls_.find(call_id);
    std::string text = call == calls_.end() ? "The result of the call " + call_id
                                            : "The result of " + call->second;
    text += ":\n" + (trimmed(output).empty() ? std::string("(nothing)") : output);
    if (!lines_.empty() && lines_.back().speaker == tool_speaker)
        lines_.back().text += "\n\n" + text;
    else
        add(tool_speaker, std::move(text), true, Json::array());
}

void ConversationInput::add_call(const std::string& call_id, const std::string& name,
                                 const std::string& arguments) {
    calls_[call_id] = name;
    add(assistant_speaker, "(called " + name + " with " + arguments + ")", false, Json::array());
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
        if (!line.attachments.empty())
            text += line.text.empty() ? "(an attachment)" : " (and an attachment)";
        text += "\n\n";
    }
    return text + "Answer this message now:\n\n" + last.speaker + ": " + asked;
}

Json ConversationInput::take_attachments(bool session_lasts) {
    Json all = Json::array();
    const size_t end = current();
    size_t begin = session_lasts ? end : 0;
    while (begin > 0 && lines_[begin - 1].speaker != assistant_speaker) --begin;
    for (size_t place = begin; place < end; ++place)
        for (Json& attachment : lines_[place].attachments) all.push_back(std::move(attachment));
    return all;
}

Result<Spoken> read_chat_content(const Json& content, const std::string& where,
                                 const MediaLimits& images) {
    Spoken spoken;
    if (content.is_null()) return spoken;  // an assistant that called tools
    if (content.is_string()) {
        spoken.text = content.get<std::string>();
        return spoken;
    }
    if (!content.is_array()) return unfit(where, "must be a text or a list of parts");
    size_t index = 0;
    for (const Json& part : content) {
        const std::string place = where + "[" + std::to_string(index++) + "]";
        const std::string type = text_member(part, "type");
        if (type == "text" || type == "input_text") {
            add_text(spoken.text, text_view(part, "text"));
        } else if (type == "image_url" || type == "input_image") {
            const Json& given = member(part, "image_url");
            Result<Json> image = image_of_url(
                given.is_string() ? given.get_ref<const std::string&>() : text_view(given, "url"),
                place + ".image_url", images);
            if (!image) return image.error();
            spoken.attachments.push_back(std::move(*image));
        } else if (type == "refusal") {
            add_text(spoken.text, text_view(part, "refusal"));
        } else {
            return unfit(place, "parts of type \"" + type + "\" are not taken");
        }
    }
    return spoken;
}

bool choose_session(TurnOrder& order, const HttpAsk& ask, const std::string& model,
                    const std::string& user, const std::string& prefix,
                    const std::string& default_agent) {
    order.agent_id = ask.header("x-openclaw-agent-id");
    if (order.agent_id.empty()) order.agent_id = ask.header("x-openclaw-agent");
    if (order.agent_id.empty()) order.agent_id = agent_in(model);
    order.session_key = ask.header("x-openclaw-session-key");
    if (!order.session_key.empty()) return true;
    const std::string agent = order.agent_id.empty() ? default_agent : order.agent_id;
    order.session_key = "agent:" + agent + ":" + prefix;
    order.session_key += user.empty() ? ":" + random_uuid() : "-user:" + user;
    return !user.empty();
}

}  // namespace gateway
