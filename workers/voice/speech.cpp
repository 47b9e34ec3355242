#include "workers/voice/speech.h"

#include <utility>

#include "workers/common/base/json.h"
#include "workers/voice/provider.h"

namespace voice {

Speech::Speech(HttpsClient& client, const Streaming& settings, Handlers handlers)
    : client_(client), settings_(settings), handlers_(std::move(handlers)) {}

void Speech::say(const std::string& words) {
    sound_ = {};
    has_sound_ = false;
    HttpsRequest request;
    request.method = "POST";
    request.url = settings_.api_url + "/v1/audio/speech";
    request.headers = {{"authorization", "Bearer " + settings_.speaking_key.reveal()},
                       {"content-type", "application/json"}};
    request.body.push_back({print_json(Json{{"model", settings_.speaking_model},
                                            {"voice", settings_.voice},
                                            {"input", words},
                                            {"response_format", "pcm"}}),
                            {},
                            0});
    request.total_timeout = longest;
    request.largest_answer = most_bytes;
    request.on_body = [this](std::string_view bytes) {
        has_sound_ = has_sound_ || bytes.size() > 1;
        handlers_.sound(sound_.take(bytes));
    };
    call_ = client_.start(std::move(request), [this](const HttpsOutcome& outcome) {
        const auto call = std::move(call_);  // until this function has returned
        end(outcome);
    });
}

void Speech::end(const HttpsOutcome& outcome) {
    const auto ended = handlers_.ended;
    if (!outcome.answer) return ended(outcome.answer.error());
    if (outcome.answer->status / 100 != 2)
        return ended(Error{Fault::busy, "speech was refused: " + refusal_of(*outcome.answer)});
    if (!has_sound_) return ended(Error{Fault::bad_message, "speech came without any sound"});
    handlers_.sound(sound_.finish());
    ended({});
}

}  // namespace voice
