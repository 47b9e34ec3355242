#include "workers/tools/outcome.h"

namespace tools {

Outcome text_outcome(std::string text, Json details) {
    Outcome outcome;
    outcome.content.push_back(Json{{"type", "text"}, {"text", std::move(text)}});
    outcome.details = std::move(details);
    return outcome;
}

Outcome error_outcome(std::string text, Json details) {
    Outcome outcome = text_outcome(std::move(text), std::move(details));
    outcome.is_error = true;
    return outcome;
}

}  // namespace tools
