#include "workers/agent/providers/conversation.h"

#include <algorithm>
#include <map>
#include <set>

namespace agent {

namespace {

constexpr const char* no_result = "No result: the tool was interrupted before it finished.";
constexpr const char* no_image = "(An image was here; this model cannot see images.)";
constexpr const char* no_document = "(A document was here; this model cannot read it.)";
constexpr const char* earlier_is_missing = "(The beginning of this conversation is not included.)";

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

// A block of this text alone, kept in `made`.
const Json* made_text(std::deque<Json>& made, const std::string& text) {
    made.push_back({{"type", "text"}, {"text", text}});
    return &made.back();
}

// The other formats have a place for documents of their own. Who sees pictures reads those too.
bool reads_documents(const Model& model) {
    return model.images && (model.api != Api::chat_completions || model.compatibility.documents);
}

// Text, images and documents of a user's message or a tool's result.
Blocks visible_blocks(const Json& content, const Model& model, std::deque<Json>& made) {
    Blocks blocks;
    if (content.is_string() && !is_blank(content.get_ref<const std::string&>()))
        blocks.push_back(made_text(made, content.get_ref<const std::string&>()));
    if (!content.is_array()) return blocks;
    for (const Json& block : content) {
        const std::string_view type = text_view(block, "type");
        if (type == "text" && !is_blank(text_view(block, "text"))) blocks.push_back(&block);
        const bool is_image = type == "image";
        if ((!is_image && type != "document") || text_view(block, "data").empty()) continue;
        const bool is_seen = is_image ? model.images : reads_documents(model);
        blocks.push_back(is_seen ? &block : made_text(made, is_image ? no_image : no_document));
    }
    return blocks;
}

bool is_from(const Json& message, const Model& model) {
    return text_view(message, "api") == api_name(model.api) &&
           text_view(message, "provider") == model.name.provider &&
           text_view(message, "model") == model.name.model;
}

// A text without the id that only the service it came from knows.
const Json* foreign_text(const Json& block, std::deque<Json>& made) {
    if (!block.contains("textSignature")) return &block;
    return made_text(made, text_member(block, "text"));
}

Blocks assistant_blocks(const Json& message, const Model& model, std::deque<Json>& made) {
    const std::string_view stop = text_view(message, "stopReason");
    const bool cut_short = stop == "error" || stop == "aborted";
    const bool own = is_from(message, model) && !cut_short;
    const Json& content = member(message, "content");
    Blocks blocks;
    if (content.is_string() && !is_blank(content.get_ref<const std::string&>()))
        blocks.push_back(made_text(made, content.get_ref<const std::string&>()));
    if (!content.is_array()) return blocks;
    for (const Json& block : content) {
        const std::string_view type = text_view(block, "type");
        if (type == "text" && !is_blank(text_view(block, "text")))
            blocks.push_back(own ? &block : foreign_text(block, made));
        else if ((type == "thinking" || type == "redacted_thinking") && own)
            blocks.push_back(&block);
        else if (type == "toolCall" && !cut_short && !text_view(block, "id").empty())
            blocks.push_back(&block);
    }
    const bool only_thinking = std::all_of(blocks.begin(), blocks.end(), [](const Json* block) {
        const std::string_view type = text_view(*block, "type");
        return type == "thinking" || type == "redacted_thinking";
    });
    if (only_thinking) blocks.clear();
    return blocks;
}

// The texts of a person or a model, none of them blank: every model is shown them as they are. (The
// id that a service gave a text goes back only with the thinking before it.) Empty for all other
// messages.
Blocks plain_texts(const Json& message) {
    const std::string_view role = text_view(message, "role");
    const Json& content = member(message, "content");
    if ((role != "user" && role != "assistant") || !content.is_array()) return {};
    Blocks texts;
    for (const Json& block : content) {
        if (text_view(block, "type") != "text" || is_blank(text_view(block, "text"))) return {};
        texts.push_back(&block);
    }
    return texts;
}

const Blocks& known_plain_texts(const Message& message) {
    Message::Findings& findings = message.findings();
    if (!findings.plain_texts) {
        findings.plain_texts = plain_texts(message);
        findings.is_from_user = text_view(message, "role") == "user";
    }
    return *findings.plain_texts;
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

    void take(const Message& message) {
        const Blocks& texts = known_plain_texts(message);
        if (texts.empty()) return take_other(message);
        close_calls();
        const Turn::Role role =
            message.findings().is_from_user ? Turn::Role::user : Turn::Role::assistant;
        if (!turns_.list.empty() && turns_.list.back().role == role) return take_other(message);
        turns_.list.push_back({role, texts, &message});
    }

    Turns finish() {
        close_calls();
        std::vector<Turn>& list = turns_.list;
        if (!list.empty() && list.front().role != Turn::Role::user)
            list.insert(list.begin(),
                        {Turn::Role::user, {made_text(turns_.made, earlier_is_missing)}});
        return std::move(turns_);
    }

  private:
    void take_other(const Json& message) {
        const std::string_view role = text_view(message, "role");
        if (role == "toolResult") return take_result(message);
        if (role != "user" && role != "assistant") return;
        if (role == "user") {
            const Blocks blocks = visible_blocks(member(message, "content"), model_, turns_.made);
            if (blocks.empty()) return;
            close_calls();
            return add(Turn::Role::user, blocks);
        }
        Blocks blocks = assistant_blocks(message, model_, turns_.made);
        if (blocks.empty()) return;
        close_calls();
        open_calls(blocks);
        add(Turn::Role::assistant, blocks);
    }

    // A call whose id was seen before would be answered twice: it is dropped.
    void open_calls(Blocks& blocks) {
        std::erase_if(blocks, [this](const Json* block) {
            return text_view(*block, "type") == "toolCall" &&
                   !seen_.insert(text_member(*block, "id")).second;
        });
        for (const Json* block : blocks)
            if (text_view(*block, "type") == "toolCall") open_.push_back(block);
    }

    void take_result(const Json& message) {
        const std::string id = text_member(message, "toolCallId");
        const bool is_open = std::any_of(open_.begin(), open_.end(), [&](const Json* call) {
            return text_view(*call, "id") == id;
        });
        if (!is_open || results_.count(id)) return;
        Json content = Json::array();
        for (const Json* block : visible_blocks(member(message, "content"), model_, turns_.made))
            content.push_back(*block);
        if (content.empty()) content.push_back({{"type", "text"}, {"text", "(no output)"}});
        results_[id] = {std::move(content), bool_member(message, "isError")};
    }

    // Results follow in the order of the calls, whatever order they were recorded in.
    void close_calls() {
        if (open_.empty()) return;
        Blocks blocks;
        for (const Json* call : open_) {
            const auto found = results_.find(text_member(*call, "id"));
            turns_.made.push_back(
                found != results_.end()
                    ? result_block(*call, std::move(found->second.first), found->second.second)
                    : result_block(*call, Json::array({{{"type", "text"}, {"text", no_result}}}),
                                   true));
            blocks.push_back(&turns_.made.back());
        }
        open_.clear();
        results_.clear();
        add(Turn::Role::tool_results, blocks);
    }

    void add(Turn::Role role, const Blocks& blocks) {
        if (blocks.empty()) return;
        std::vector<Turn>& list = turns_.list;
        if (list.empty() || list.back().role != role) list.push_back({role, {}});
        list.back().only = nullptr;
        list.back().blocks.insert(list.back().blocks.end(), blocks.begin(), blocks.end());
    }

    const Model& model_;
    Turns turns_;
    Blocks open_;  // tool calls of the last assistant turn
    std::map<std::string, std::pair<Json, bool>> results_;
    std::set<std::string> seen_;
};

}  // namespace

Turns normalised(const std::vector<Message>& messages, const Model& model) {
    Normaliser normaliser(model);
    for (const Message& message : messages) normaliser.take(message);
    return normaliser.finish();
}

Blocks blocks_of(const Json& content) {
    Blocks blocks;
    for (const Json& block : content) blocks.push_back(&block);
    return blocks;
}

std::string joined_text(const Blocks& blocks) {
    std::string text;
    for (const Json* block : blocks) {
        if (text_member(*block, "type") != "text") continue;
        if (!text.empty()) text += '\n';
        text += text_member(*block, "text");
    }
    return text;
}

std::string image_type(const Json& image) {
    return text_member(image, "mimeType", "image/png");
}

std::string image_data_url(const Json& image) {
    return "data:" + image_type(image) + ";base64," + text_member(image, "data");
}

std::string document_name(const Json& document) {
    return text_member(document, "fileName", "document.pdf");
}

void Printed::add(const Json& element) {
    text_ += print_json(element);
    text_ += ',';
}

std::string Printed::list() && {
    if (text_.back() == ',')
        text_.back() = ']';
    else
        text_ += ']';
    return std::move(text_);
}

size_t printed_size(const Turns& turns) {
    constexpr size_t around = 40;
    size_t size = 0;
    for (const Turn& turn : turns.list)
        size += around + (turn.only ? turn.only->findings().printed.size() : 0);
    return size;
}

std::string with_list(std::string object, std::string_view name, std::string_view printed_list) {
    object.reserve(object.size() + name.size() + printed_list.size() + 8);
    object.back() = ',';  // every request names its model, so there is a member before it
    object += '"';
    object += name;
    object += "\":";
    object += printed_list;
    object += '}';
    return object;
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

std::string short_call_id(const std::string& id) {
    constexpr std::string_view signs =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    constexpr size_t length = 9;
    if (id.size() == length && id.find_first_not_of(signs) == std::string::npos) return id;
    uint64_t hash = 14695981039346656037u;  // FNV-1a
    for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    std::string made(length, '0');
    for (char& c : made) {
        c = signs[hash % signs.size()];
        hash /= signs.size();
    }
    return made;
}

}  // namespace agent
