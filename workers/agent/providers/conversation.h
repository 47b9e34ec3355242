// A transcript's messages as every provider accepts them.
//
// Empty text is dropped, messages of one role in a row become one, a tool call without a result
// gets one that says so, a result without a call is dropped, and what only another model can read
// is left out. A transcript that a crash cut short is therefore still answered.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "workers/agent/providers/model.h"

namespace agent {

// Blocks where they are: in the messages they come from, or in what was made for them.
using Blocks = std::vector<const Json*>;

struct Turn {
    enum class Role { user, assistant, tool_results };
    Role role = Role::user;
    // user: text, image, document. assistant: text, thinking, redacted_thinking, toolCall.
    // tool_results: {type:"toolResult", toolCallId, toolName, content:[text, image], isError}.
    Blocks blocks;
    // Set when all of it is this one message's plain text: that is printed once for each of the
    // formats, see print_once().
    const Message* only = nullptr;
};

struct Turns {
    std::vector<Turn> list;
    std::deque<Json> made;  // blocks that are in no message
};

// Begins with a user's turn; a turn is never empty. The result refers to the messages.
Turns normalised(const std::vector<Message>& messages, const Model& model);

// Hands on what `print` makes of a turn for that API; of a message's plain text what it made of it
// before.
template <typename Print, typename Add>
void print_once(const Turn& turn, Api api, Print print, Add add) {
    if (!turn.only) return add(print(turn));
    Message::Findings& findings = turn.only->findings();
    if (findings.printed_for != api) {
        findings.printed = print(turn);
        findings.printed_for = api;
    }
    add(findings.printed);
}

// The blocks of a content array.
Blocks blocks_of(const Json& content);
// The text blocks of a list, joined by line feeds.
std::string joined_text(const Blocks& blocks);
// The media type of an image block: image/png when it names none.
std::string image_type(const Json& image);
// "data:image/png;base64,…" of an image or document block.
std::string image_data_url(const Json& image);
// The name of a document block's file.
std::string document_name(const Json& document);
// A list printed as it grows: a tree of a long history would be made for every turn, only to be
// printed and destroyed.
class Printed {
  public:
    void add(const Json& element);
    // What elements() gave.
    void add_all(std::string_view elements) { text_ += elements; }
    void expect(size_t bytes) { text_.reserve(bytes + 2); }
    // What was added, each element with a comma behind it.
    std::string elements() && { return std::move(text_).substr(1); }
    // "[…]" of it.
    std::string list() &&;

  private:
    std::string text_ = "[";
};

// Bytes that are printed already of a conversation, and what is put around each turn.
size_t printed_size(const Turns& turns);

// A printed object with one more member at its end.
std::string with_list(std::string object, std::string_view name, std::string_view printed_list);
// At most 64 characters of [A-Za-z0-9_-], the same for the same id.
std::string safe_call_id(const std::string& id);
// Nine letters and digits, the same for the same id; an id that is so already stays.
std::string short_call_id(const std::string& id);

}  // namespace agent
