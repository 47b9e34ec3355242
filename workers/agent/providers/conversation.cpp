#include "workers/agent/providers/conversation.h"

#include <algorithm>
#include <map>
#include <set>

namespace agent {

namespace {

constexpr const char* no_result = "No result: the tool was interrupted before it finished.";
constexpr const char* no_image = "(An image was here; this model cannot see images.)";
constexpr const char* earlier_is_missing = "(The beginning of this conversation is not included.)";

bool is_blank(const std::string& text) {
    return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

// Text and images of a user's message or a tool's result.
std::vector<Json> visible_blocks(const Json& content, const Model& model) {
    std::vector<Json> blocks;
    const auto add_text = [&](const std::string& text) {
        if (!is_blank(text)) blocks.push_back({{"type", "text"}, {"text", text}});
    };
    if (content.is_string()) add_text(content.get<std::string>());
    if (!content.is_array()) return blocks;
    for (const Json& block : content) {
        const std::string type = text_member(block, "type");
        if (type == "text") add_text(text_member(block, "text"));
        if (type != "image" || text_member(block, "data").empty()) continue;
        if (model.images)
            blocks.push_back({{"type", "image"},
                              {"data", text_member(block, "data")},
                              {"mimeType", text_member(block, "mimeType", "image/png")}});
        else
            add_text(no_image);
    }
    return blocks;
}

bool is_from(const Json& message, const Model& model) {
    return text_member(message, "api") == api_name(model.api) &&
           text_member(message, "provider") == model.name.provider &&
           text_member(message, "model") == model.name.model;
}

std::vector<Json> assistant_blocks(const Json& message, const Model& model) {
    const std::string stop = text_member(message, "stopReason");
    const bool cut_short = stop == "error" || stop == "aborted";
    const bool own = is_from(message, model) && !cut_short;
    const Json& content = member(message, "content");
    std::vector<Json> blocks;
    if (content.is_string() && !is_blank(content.get<std::string>()))
        blocks.push_back({{"type", "text"}, {"text", content.get<std::string>()}});
    if (!content.is_array()) return blocks;
    for (const Json& block : content) {
        const std::string type = text_member(block, "type");
        if (type == "text" && !is_blank(text_member(block, "text"))) {
            blocks.push_back(block);
            if (!own) blocks.back().erase("textSignature");
        } else if ((type == "thinking" || type == "redacted_thinking") && own) {
            blocks.push_back(block);
        } else if (type == "toolCall" && !cut_short && !text_member(block, "id").empty()) {
            blocks.push_back(block);
        }
    }
    const bool only_thinking = std::all_of(blocks.begin(), blocks.end(), [](const Json& block) {
        const std::string type = text_member(block, "type");
        return type == "thinking" || type == "redacted_thinking";
    });
    if (only_thinking) blocks.clear();
    return blocks;
}

Json result_block(const Json& call, Json content, bool is_error) {
    return {{"type", "toolResult"},
            {"toolCallId", text_member(call, "id")},
            {"toolName", text_member(call, "name")},
            {"content", std::move(content)},
            {"isError", is_error}};
}

class Normaliser {
  public:
    explicit Normaliser(const Model& model) : model_(model) {}

    void take(const Json& message) {
        const std::string role = text_member(message, "role");
        if (role == "toolResult") return take_result(message);
        if (role != "user" && role != "assistant") return;
        if (role == "user") {
            std::vector<Json> blocks = visible_blocks(member(message, "content"), model_);
            if (blocks.empty()) return;
            close_calls();
            return add(Turn::Role::user, std::move(blocks));
        }
        std::vector<Json> blocks = assistant_blocks(message, model_);
        if (blocks.empty()) return;
        close_calls();
        open_calls(blocks);
        add(Turn::Role::assistant, std::move(blocks));
    }

    std::vector<Turn> finish() {
        close_calls();
        if (!turns_.empty() && turns_.front().role != Turn::Role::user) {
            Turn first;
            first.blocks.push_back({{"type", "text"}, {"text", earlier_is_missing}});
            turns_.insert(turns_.begin(), std::move(first));
        }
        return std::move(turns_);
    }

  private:
    // A call whose id was seen before would be answered twice: it is dropped.
    void open_calls(std::vector<Json>& blocks) {
        std::vector<Json> kept;
        for (Json& block : blocks) {
            const bool is_call = text_member(block, "type") == "toolCall";
            if (is_call && !seen_.insert(text_member(block, "id")).second) continue;
            if (is_call) open_.push_back(block);
            kept.push_back(std::move(block));
        }
        blocks = std::move(kept);
    }

    void take_result(const Json& message) {
        const std::string id = text_member(message, "toolCallId");
        const bool is_open = std::any_of(open_.begin(), open_.end(), [&](const Json& call) {
            return text_member(call, "id") == id;
        });
        if (!is_open || results_.count(id)) return;
        std::vector<Json> blocks = visible_blocks(member(message, "content"), model_);
        if (blocks.empty()) blocks.push_back({{"type", "text"}, {"text", "(no output)"}});
        results_[id] = {Json(std::move(blocks)), bool_member(message, "isError")};
    }

    // Results follow in the order of the calls, whatever order they were recorded in.
    void close_calls() {
        std::vector<Json> blocks;
        for (const Json& call : open_) {
            const auto found = results_.find(text_member(call, "id"));
            if (found != results_.end())
                blocks.push_back(result_block(call, found->second.first, found->second.second));
            else
                blocks.push_back(result_block(
                    call, Json::array({{{"type", "text"}, {"text", no_result}}}), true));
        }
        open_.clear();
        results_.clear();
        if (!blocks.empty()) add(Turn::Role::tool_results, std::move(blocks));
    }

    void add(Turn::Role role, std::vector<Json> blocks) {
        if (blocks.empty()) return;
        if (turns_.empty() || turns_.back().role != role) turns_.push_back({role, {}});
        for (Json& block : blocks) turns_.back().blocks.push_back(std::move(block));
    }

    const Model& model_;
    std::vector<Turn> turns_;
    std::vector<Json> open_;  // tool calls of the last assistant turn
    std::map<std::string, std::pair<Json, bool>> results_;
    std::set<std::string> seen_;
};

}  // namespace

std::vector<Turn> normalised(const std::vector<Json>& messages, const Model& model) {
    Normaliser normaliser(model);
    for (const Json& message : messages) normaliser.take(message);
    return normaliser.finish();
}

std::string joined_text(const Json& blocks) {
    std::string text;
    for (const Json& block : blocks) {
        if (text_member(block, "type") != "text") continue;
        if (!text.empty()) text += '\n';
        text += text_member(block, "text");
    }
    return text;
}

std::string image_data_url(const Json& image) {
    return "data:" + text_member(image, "mimeType") + ";base64," + text_member(image, "data");
}

std::string safe_call_id(const std::string& id) {
    std::string safe = id.substr(0, id.find('|'));
    for (char& c : safe) {
        const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!allowed) c = '_';
    }
    if (safe.empty()) return "call";
    return safe.substr(0, 64);
}

}  // namespace agent
