#include "workers/voice/speech.h"

#include <utility>

#include "workers/common/base/json.h"
#include "workers/common/log.h"
#include "workers/voice/provider.h"

namespace voice {

Speech::Speech(Loop& loop, HttpsClient& client, const Streaming& settings, Handlers handlers)
    : loop_(loop), client_(client), settings_(settings), handlers_(std::move(handlers)) {}

void Speech::say(const std::string& words) {
    words_ = words;
    may_ask_again_ = true;
    ask();
}

void Speech::cancel() {
    call_.reset();
    pause_.reset();
}

void Speech::ask() {
    sound_ = {};
    has_sound_ = false;
    HttpsRequest request;
    request.method = "POST";
    request.url = settings_.api_url + "/v1/audio/speech";
    request.headers = {{"authorization", "Bearer " + settings_.speaking_key.reveal()},
                       {"content-type", "application/json"}};
    request.body.push_back({print_json(Json{{"model", settings_.speaking_model},
                                            {"voice", settings_.voice},
                                            {"input", words_},
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

void Speech::ask_later(const std::string& why) {
    log_warn("[voice-call] speech was refused: {}; trying again in {} ms", why,
             retry_pause.count());
    pause_ = loop_.after(retry_pause, [this] {
        pause_.reset();
        ask();
    });
}

void Speech::end(const HttpsOutcome& outcome) {
    const auto ended = handlers_.ended;
    if (!outcome.answer) return ended(outcome.answer.error());
    if (outcome.answer->status / 100 != 2) {
        const std::string why = refusal_of(*outcome.answer);
        const bool is_for_now = is_refused_for_now(outcome.answer->status);
        if (is_for_now && std::exchange(may_ask_again_, false)) return ask_later(why);
        return ended(Error{Fault::busy, "speech was refused: " + why});
    }
    if (!has_sound_) return ended(Error{Fault::bad_message, "speech came without any sound"});
    handlers_.sound(sound_.finish());
    ended({});
}

}  // namespace voice
