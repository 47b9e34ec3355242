#include "workers/agent/media_fetches.h"

#include <utility>

#include "workers/agent/transcript.h"

namespace agent {

class MediaFetches::Fetch final : public ToolListener {
  public:
    Fetch(MediaFetches& owner, uint64_t id, Ended ended)
        : owner_(owner), id_(id), ended_(std::move(ended)) {}

    bool begin(ToolBox& tools, Json order) {
        call_ = tools.fetch(std::move(order), *this);
        return call_ != nullptr;
    }
    void tool_output(std::string_view) override {}
    void tool_ended(ToolOutcome outcome) override {
        const auto self = owner_.open_.extract(id_);  // lives to the end of this
        const Json& content = outcome.content;
        const Json medium = content.is_array() && !content.empty() ? content[0] : Json();
        if (!outcome.is_error && text_view(medium, "type") == "media")
            return ended_(Json{{"mimeType", text_member(medium, "mimeType")},
                               {"data", text_member(medium, "data")}});
        // An outcome without a fault is not the fetch's own: nobody is there to fetch, or not any
        // more.
        const std::string fault = text_member(outcome.details, "fault");
        if (fault.empty())
            return ended_(Error{Fault::unreachable,
                                "the process that fetches addresses has ended; send it again"});
        ended_(Error{fault_from_name(fault), text_member(medium, "text", "it could not be read")});
    }

  private:
    MediaFetches& owner_;
    const uint64_t id_;
    const Ended ended_;
    std::unique_ptr<ToolCall> call_;
};

MediaFetches::MediaFetches(ToolBox* tools) : tools_(tools) {}

MediaFetches::~MediaFetches() = default;

bool MediaFetches::start(Json order, Ended ended) {
    if (!tools_) return false;
    const uint64_t id = next_++;
    const auto fetch = open_.emplace(id, std::make_unique<Fetch>(*this, id, std::move(ended)));
    if (fetch.first->second->begin(*tools_, std::move(order))) return true;
    open_.erase(id);
    return false;
}

}  // namespace agent
