#include "workers/discord/place_finder.h"

#include "workers/common/base/clock.h"
#include "workers/common/log.h"

namespace discord {

namespace {

constexpr std::chrono::milliseconds ask_again_after{2'000};
constexpr int64_t guess_lifetime_ms = 30'000;

std::string channel_key(const std::string& id) {
    return "channel " + id;
}

std::string guild_key(const std::string& id) {
    return "guild " + id;
}

}  // namespace

const Channel* PlaceFinder::channel(const std::string& id) const {
    const auto guessed = guesses_.find(id);
    const bool is_worn_out = guessed != guesses_.end() && guessed->second <= monotonic_ms();
    return is_worn_out ? nullptr : places_.channel(id);
}

bool PlaceFinder::find(const std::string& guild_id, const std::string& channel_id, Where& where,
                       std::function<void()> then) {
    where.guild_id = guild_id;
    // Nobody can be asked about it.
    if (channel_id.empty()) return true;
    const Channel* known = channel(channel_id);
    if (!known) return ask_channel(channel_id, std::move(then)), false;
    where.channel = *known;
    // Not told with the message: else a server's channel would pass for a direct chat.
    if (where.guild_id.empty()) where.guild_id = known->guild_id;
    if (is_thread(known->type) && !known->parent_id.empty()) {
        const Channel* parent = channel(known->parent_id);
        if (!parent) return ask_channel(known->parent_id, std::move(then)), false;
        where.parent = *parent;
    }
    if (where.guild_id.empty() || !needs_guild_name(settings_, where.guild_id)) return true;
    const std::string* name = places_.guild_name(where.guild_id);
    if (!name) return ask_guild(where.guild_id, std::move(then)), false;
    where.guild_name = *name;
    return true;
}

void PlaceFinder::forget() {
    guesses_.clear();
    places_.clear();
}

void PlaceFinder::answered(const std::string& what) {
    const auto asked = asked_.extract(what);
    for (const auto& go_on : asked.mapped().waiting) go_on();
}

void PlaceFinder::ask_channel(const std::string& id, std::function<void()> then) {
    Asked& asked = asked_[channel_key(id)];
    asked.waiting.push_back(std::move(then));
    if (asked.waiting.size() == 1) look_up_channel(id);
}

void PlaceFinder::look_up_channel(const std::string& id) {
    rest_.send(rest_get("/channels/{channel}", "/channels/" + id, id),
               [this, id](const RestAnswer& answer) {
                   if (answer.is_transient()) {
                       asked_[channel_key(id)].again =
                           loop_.after(ask_again_after, [this, id] { look_up_channel(id); });
                       return;
                   }
                   guesses_.erase(id);
                   if (answer.is_ok()) {
                       Channel learned = channel_of(answer.body);
                       learned.id = id;
                       places_.learn(learned);
                   } else {
                       log_warn("nothing is known about the channel {}: {}", id, answer.error);
                       guess(id);
                   }
                   answered(channel_key(id));
               });
}

// Nameless, and judged by what the owner says about its id.
void PlaceFinder::guess(const std::string& id) {
    const int64_t now = monotonic_ms();
    std::erase_if(guesses_, [&](const auto& entry) {
        if (entry.second > now) return false;
        places_.forget_channel(entry.first);
        return true;
    });
    Channel nameless;
    nameless.id = id;
    places_.learn(nameless);
    guesses_[id] = now + guess_lifetime_ms;
}

void PlaceFinder::ask_guild(const std::string& id, std::function<void()> then) {
    Asked& asked = asked_[guild_key(id)];
    asked.waiting.push_back(std::move(then));
    if (asked.waiting.size() == 1) look_up_guild(id);
}

void PlaceFinder::look_up_guild(const std::string& id) {
    rest_.send(rest_get("/guilds/{guild}", "/guilds/" + id, id),
               [this, id](const RestAnswer& answer) {
                   if (answer.is_transient()) {
                       asked_[guild_key(id)].again =
                           loop_.after(ask_again_after, [this, id] { look_up_guild(id); });
                       return;
                   }
                   places_.name_guild(id, text_member(answer.body, "name"));
                   answered(guild_key(id));
               });
}

}  // namespace discord
