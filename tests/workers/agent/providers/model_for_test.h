// A model of each API, with a price that makes sums easy to check.
#pragma once

#include "workers/agent/providers/provider.h"

namespace agent {

inline Model model_for_test(Api api, const std::string& base_url = "https://models.test") {
    Model model;
    model.name = {"maker", "thinker-1"};
    model.api = api;
    model.base_url = base_url;
    model.reasoning = true;
    model.images = true;
    model.max_tokens = 30'000;
    model.price = {1, 10, 0.1, 2};
    return model;
}

inline const Api every_api[] = {Api::anthropic_messages, Api::openai_responses,
                                Api::chat_completions};

// The whole stream through parser and interpreter, in pieces of `piece` bytes.
struct ReadStream {
    std::vector<Delta> deltas;
    std::unique_ptr<Interpreter> interpreter;
    Done fed;

    std::string text(Delta::Kind kind = Delta::Kind::text) const {
        std::string all;
        for (const Delta& delta : deltas)
            if (delta.kind == kind) all += delta.text;
        return all;
    }
    Json message() const { return interpreter->message(1000); }
};

inline ReadStream read_stream(const Model& model, std::string_view bytes, size_t piece = 0) {
    ReadStream read;
    read.interpreter = make_interpreter(model);
    EventStream stream;
    if (piece == 0) piece = bytes.size() + 1;
    while (!bytes.empty() && read.fed) {
        std::vector<StreamEvent> events;
        read.fed = stream.feed(bytes.substr(0, piece), events);
        bytes.remove_prefix(std::min(piece, bytes.size()));
        for (const StreamEvent& event : events) read.interpreter->take(event, read.deltas);
    }
    read.interpreter->end_of_stream();
    return read;
}

}  // namespace agent
