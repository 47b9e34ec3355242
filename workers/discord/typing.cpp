#include "workers/discord/typing.h"

namespace discord {

namespace {

// Discord shows it for ten seconds.
constexpr std::chrono::milliseconds period{8'000};
constexpr int repetitions = 15;  // two minutes

}  // namespace

void Typing::show(const std::string& channel_id) {
    Shown& shown = shown_[channel_id];
    const bool is_on = shown.left > 0;
    shown.left = repetitions;
    if (is_on) return;
    say(channel_id);
    shown.timer = loop_.every(period, [this, channel_id] {
        const auto found = shown_.find(channel_id);
        if (--found->second.left > 0) return say(channel_id);
        const std::string ended = channel_id;
        hide(ended);
    });
}

void Typing::say(const std::string& channel_id) {
    RestRequest request;
    request.method = "POST";
    request.route = "/channels/{channel}/typing";
    request.path = "/channels/" + channel_id + "/typing";
    request.major = channel_id;
    rest_.send(std::move(request), {});
}

}  // namespace discord
