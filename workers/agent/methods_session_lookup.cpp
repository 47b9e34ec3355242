#include <algorithm>

#include "workers/agent/methods.h"
#include "workers/agent/transcript.h"

namespace agent {

namespace {

constexpr size_t most_previews = 64;
constexpr int64_t preview_items_default = 12;
constexpr int64_t preview_items_most = 50;
constexpr int64_t preview_characters_default = 240;
constexpr int64_t preview_characters_most = 2000;
// So much of a transcript is looked at for one preview.
constexpr size_t preview_messages = 500;
constexpr size_t preview_bytes = 1u << 20;

struct Role {
    const char* stored;
    const char* shown;
};
constexpr Role roles[] = {
    {"user", "user"}, {"assistant", "assistant"}, {"toolResult", "tool"}, {"system", "system"}};

const char* shown_role(const Json& message) {
    for (const Role& role : roles)
        if (text_view(message, "role") == role.stored) return role.shown;
    return "other";
}

// At most so many characters, the last of them "…" when something was cut off.
std::string first_characters(const std::string& text, size_t most) {
    size_t count = 0;
    size_t last = 0;  // where the last character that may stay begins
    for (size_t at = 0; at < text.size(); ++at) {
        if ((static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) continue;
        if (++count == most) last = at;
        if (count > most) return text.substr(0, last) + "…";
    }
    return text;
}

}  // namespace

void Methods::sessions_preview(const Json& params, const Reply& reply) {
    const auto number = [&](const char* name, int64_t otherwise, int64_t most) {
        return static_cast<size_t>(std::min(int_member(params, name, otherwise), most));
    };
    const size_t limit = number("limit", preview_items_default, preview_items_most);
    const size_t characters =
        number("maxChars", preview_characters_default, preview_characters_most);
    Json previews = Json::array();
    for (const Json& key : params["keys"]) {
        if (previews.size() >= most_previews) break;
        previews.push_back(preview_of(key.get<std::string>(), limit, characters));
    }
    reply(answer_with({{"ts", services_.now_ms()}, {"previews", std::move(previews)}}));
}

Json Methods::preview_of(const std::string& spelling, size_t limit, size_t characters) const {
    Json preview{{"key", spelling}, {"status", "missing"}, {"items", Json::array()}};
    const Result<SessionKey> key = stored_session(spelling);
    const Result<std::optional<Session>> session =
        key ? services_.store.find(*key) : std::optional<Session>();
    if (!session) return preview["status"] = "error", preview;
    if (!*session || !is_session_id((*session)->id())) return preview;
    std::vector<Json> newest_first;
    size_t seen = 0;
    size_t bytes = 0;
    const Done done = services_.store.visit_messages(**session, [&](const Json& message) {
        bytes += message_size(message, preview_bytes);
        std::string text(trimmed(message_text(message)));
        const std::string role = shown_role(message);
        if (role == "user") text = without_envelope(text);
        if (!text.empty())
            newest_first.push_back({{"role", role}, {"text", first_characters(text, characters)}});
        return newest_first.size() < limit && ++seen < preview_messages && bytes < preview_bytes;
    });
    if (!done) return preview["status"] = "error", preview;
    preview["status"] = newest_first.empty() ? "empty" : "ok";
    for (auto item = newest_first.rbegin(); item != newest_first.rend(); ++item)
        preview["items"].push_back(std::move(*item));
    return preview;
}

void Methods::sessions_resolve(const Json& params, const Reply& reply) {
    const char* names[] = {"key", "sessionId", "label"};
    const auto given = std::count_if(std::begin(names), std::end(names), [&](const char* name) {
        return !trimmed(text_member(params, name)).empty();
    });
    if (given != 1)
        return reply(
            refused("invalid sessions.resolve params: give exactly one of key, sessionId "
                    "and label"));
    const std::string spelling(trimmed(text_member(params, "key")));
    if (!spelling.empty()) {
        const Result<SessionKey> key = stored_session(spelling);
        if (!key) return reply(answer_for(key.error()));
        const Result<std::optional<Session>> session = services_.store.find(*key);
        if (!session) return reply(answer_for(session.error()));
        if (!*session) return reply(refused("there is no session " + key->key));
        return reply(answer_with({{"ok", true}, {"key", key->key}}));
    }
    const std::string id(trimmed(text_member(params, "sessionId")));
    const std::string label(trimmed(text_member(params, "label")));
    const std::string parent = text_member(params, "spawnedBy");
    const std::string wanted = text_member(params, "agentId");
    std::vector<std::string> found;
    const Done done = services_.store.visit(
        wanted.empty() ? "" : normal_agent_id(wanted), [&](const Session& session) {
            const std::string& key = session.key.key;
            const bool hidden = (key == "global" && !bool_member(params, "includeGlobal")) ||
                                (key == "unknown" && !bool_member(params, "includeUnknown"));
            const bool fits =
                id.empty() ? text_member(session.entry, "label") == label : session.id() == id;
            if (fits && !hidden &&
                (parent.empty() || text_member(session.entry, "spawnedBy") == parent))
                found.push_back(key);
            return found.size() < 2;
        });
    if (!done) return reply(answer_for(done.error()));
    const std::string what = id.empty() ? "the label \"" + label + "\"" : "the id \"" + id + "\"";
    if (found.empty()) return reply(refused("no session has " + what));
    if (found.size() > 1)
        return reply(refused("several sessions have " + what + " (" + found[0] + ", " + found[1] +
                             "); name the agent or the key"));
    reply(answer_with({{"ok", true}, {"key", found.front()}}));
}

}  // namespace agent
