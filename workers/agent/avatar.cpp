#include "workers/agent/avatar.h"

#include "workers/agent/methods.h"
#include "workers/common/base/file_beneath.h"

namespace agent {

namespace {

struct ImageType {
    std::string_view ending;
    const char* mime_type;
};
constexpr ImageType image_types[] = {
    {".png", "image/png"}, {".jpg", "image/jpeg"},  {".jpeg", "image/jpeg"},
    {".gif", "image/gif"}, {".webp", "image/webp"}, {".svg", "image/svg+xml"},
};

constexpr std::string_view url_schemes[] = {"https://", "http://", "data:"};

}  // namespace

Avatar avatar_of(const Identity& identity, const AgentEntry& agent) {
    const std::string& text = identity.avatar;
    for (const std::string_view scheme : url_schemes)
        if (text.starts_with(scheme)) return {text, "", ""};
    const std::string lower = lower_case(text);
    for (const ImageType& type : image_types) {
        if (!lower.ends_with(type.ending)) continue;
        const std::string below = agent.workspace + "/";
        return {"", text.starts_with(below) ? text.substr(below.size()) : text, type.mime_type};
    }
    return {};
}

std::string base64_of(std::string_view bytes) {
    constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (size_t place = 0; place < bytes.size(); place += 3) {
        uint32_t group = 0;
        for (size_t offset = 0; offset < 3; ++offset)
            group = group << 8 | (place + offset < bytes.size()
                                      ? static_cast<unsigned char>(bytes[place + offset])
                                      : 0u);
        for (size_t digit = 0; digit < 4; ++digit)
            text += place + digit > bytes.size() ? '=' : letters[group >> (18 - 6 * digit) & 63];
    }
    return text;
}

// {name, avatar, url | mimeType, content}: with `content`, an image file is read, and one that
// cannot be is none.
void Methods::avatar(const Json& params, const Reply& reply) {
    const std::string wanted = text_member(params, "agentId");
    const std::string id =
        wanted.empty() ? services_.config.default_agent() : normal_agent_id(wanted);
    const AgentEntry* entry = services_.config.agent(id);
    if (!entry) return reply(refused("unknown agent id \"" + wanted + "\""));
    const Identity identity = services_.config.identity(*entry);
    const Avatar avatar = avatar_of(identity, *entry);
    Json answer{{"agentId", id}, {"name", identity.name}, {"avatar", identity.avatar}};
    if (!avatar.url.empty()) answer["url"] = avatar.url;
    if (!avatar.file.empty()) {
        const Result<std::string> content =
            read_file_beneath(entry->workspace, avatar.file, largest_avatar);
        if (content) {
            answer["mimeType"] = avatar.mime_type;
            if (bool_member(params, "content")) answer["content"] = base64_of(*content);
        }
    }
    reply(answer_with(answer));
}

}  // namespace agent
