// Reads the events of one answer and builds the assistant message.
//
// Each API has its own; this base holds what they share: the blocks, the counts, the end. Works on
// whatever bytes arrive: an answer that makes no sense becomes a failure, never a crash.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "workers/agent/providers/event_stream.h"
#include "workers/agent/providers/model.h"

namespace agent {

struct Delta {
    enum class Kind { text, thinking };
    Kind kind = Kind::text;
    std::string text;
    bool operator==(const Delta&) const = default;
};

class Interpreter {
  public:
    explicit Interpreter(const Model& model) : model_(model) {}
    virtual ~Interpreter() = default;

    // Appends what became visible. Nothing more once it is over.
    void take(const StreamEvent& event, std::vector<Delta>& deltas);
    // The connection ended: an answer without its last event is a failure.
    void end_of_stream();

    bool is_over() const { return complete_ || failure_.has_value(); }
    // Without the key masked, and without the model's name in front.
    const std::optional<ModelFailure>& failure() const { return failure_; }
    // The assistant message in transcript form, once it is over without a failure.
    Json message(int64_t now_ms) const;

  protected:
    // The event's data; anything but an object has been refused.
    virtual void take_event(const std::string& type, const Json& data) = 0;
    // Data that is no JSON but has a meaning ("[DONE]"): true when it was taken.
    virtual bool take_plain(const std::string&) { return false; }
    // The stream ended: true when what came is an answer all the same.
    virtual bool accepts_end() const { return false; }

    void emit(Delta::Kind kind, std::string_view text);
    void fail(ModelFailure failure);
    // An object with the members type, code and message, in whatever form the provider has it.
    void fail_with(const Json& error);
    void complete();

    // Blocks have the transcript's form; a tool call's arguments are text until it is finished.
    size_t add_text(std::string text = {});
    size_t add_thinking();
    // The id may be empty, where the server gives none.
    size_t add_tool_call(std::string id, std::string name);
    size_t add_block(Json block, std::string arguments = {});
    void append_text(size_t block, std::string_view text);
    void append_thinking(size_t block, std::string_view text);
    void append_arguments(size_t block, std::string_view text);
    Json& block(size_t index) { return blocks_[index].json; }
    std::string& arguments(size_t index) { return blocks_[index].arguments; }
    bool has_room() const { return blocks_.size() < most_blocks; }
    bool has_tool_calls() const;

    const Model& model() const { return model_; }

    struct Counts {
        int64_t input = 0;
        int64_t output = 0;
        int64_t cache_read = 0;
        int64_t cache_write = 0;
    };
    Counts counts_;
    std::string stop_reason_ = "stop";  // stop, length, toolUse

  private:
    static constexpr size_t most_blocks = 1024;
    struct Block {
        Json json;
        std::string arguments;
    };
    Json usage() const;
    Json content() const;

    Model model_;
    std::vector<Block> blocks_;
    std::vector<Delta>* deltas_ = nullptr;  // only within take()
    std::optional<ModelFailure> failure_;
    bool complete_ = false;
};

// A count of tokens: 0 for what is no number or negative.
int64_t token_count(const Json& object, std::string_view key);

}  // namespace agent
