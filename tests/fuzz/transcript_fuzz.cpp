// Any bytes as a transcript: read, indexed, the active branch and what a model is shown of it.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "workers/agent/transcript.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    // In two pieces, as a file is read in blocks: where it is split must not matter.
    const size_t split = size ? data[0] % size : 0;
    agent::TranscriptIndex index;
    index.feed(text.substr(0, split));
    index.feed(text.substr(split));
    index.finish();
    agent::TranscriptIndex whole;
    whole.feed(text);
    whole.finish();
    if (whole.lines().size() != index.lines().size() || whole.good_end() != index.good_end())
        std::abort();
    if (index.good_end() > size) std::abort();

    std::vector<Json> messages;
    for (const agent::TranscriptLine* line : index.shown()) {
        if (line->offset + line->size > size) std::abort();
        const Result<Json> entry = parse_json(text.substr(line->offset, line->size));
        if (!entry) continue;
        Json message = agent::shown_message(*entry);
        if (!message.is_null()) messages.push_back(std::move(message));
    }
    agent::repair_pairs(messages);
    std::vector<agent::Message> shared(messages.begin(), messages.end());
    agent::trim_to(shared, 100);
    for (const Json& message : messages) {
        (void)agent::without_envelope(agent::message_text(message));
        (void)print_json(message);
    }
    return 0;
}
