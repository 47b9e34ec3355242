#include "workers/agent/channels/activations.h"

#include <utility>

#include "workers/agent/channels/routing.h"
#include "workers/agent/group_rules.h"
#include "workers/common/log.h"

namespace agent {

using hardshell::proto::GroupActivations;
using hardshell::proto::Person;
using hardshell::proto::Place;

namespace {

// What follows the mark in the key; keys of Discord's threads have none.
std::string thread_in(std::string_view key) {
    for (const std::string_view mark : {":topic:", ":thread:"})
        if (const size_t at = key.find(mark); at != std::string_view::npos)
            return std::string(key.substr(at + mark.size()));
    return {};
}

}  // namespace

Activations::Activations(Loop& loop, SessionStore& store, const AgentConfig& config,
                         std::function<void(const std::string& channel)> changed)
    : loop_(loop), store_(store), config_(config), changed_(std::move(changed)) {}

Activations::~Activations() {
    *alive_ = false;
}

Done Activations::start() {
    listener_ = store_.on_changed([this](const SessionStore::Change& change) { heard(change); });
    std::set<std::string> channels;  // none is connected yet
    return look_at_all(channels);
}

GroupActivations Activations::of(const ChannelAccount& account) const {
    GroupActivations list;
    for (const auto& [key, choice] : choices_) {
        if (choice.channel != account.channel) continue;
        // Another account's messages from the same group may be another agent's.
        if (route_of(config_, account, choice.place, Person()).session != key) continue;
        auto& group = *list.add_groups();
        group.set_chat_id(choice.place.chat_id());
        group.set_thread_id(choice.place.thread_id());
        group.set_needs_mention(choice.needs_mention);
    }
    return list;
}

void Activations::add(const Session& session, Choices& choices) {
    const std::string_view chosen = text_view(session.entry, "groupActivation");
    if (chosen != "always" && chosen != "mention") return;
    const GroupPlace group = group_of(session.key.key, session.entry);
    if (group.channel.empty()) return;
    Choice choice{group.channel, {}, chosen == "mention"};
    const bool is_group =
        session.key.key.find(":" + group.channel + ":group:") != std::string::npos;
    choice.place.set_kind(is_group ? Place::GROUP : Place::CHANNEL);
    choice.place.set_chat_id(group.id);
    choice.place.set_thread_id(thread_in(session.key.key));
    choice.place.set_guild_id(group.guild);
    choice.place.set_parent_id(group.parent);
    choices[session.key] = std::move(choice);
}

// Within a change nothing else is asked of the store.
void Activations::heard(const SessionStore::Change& change) {
    using What = SessionStore::Change::What;
    if (change.what == What::else_) return;
    if (change.what == What::one_session && change.session) {
        if (group_in(change.session->key).channel.empty()) return;
        touched_.insert(*change.session);
    } else {
        all_touched_ = true;
    }
    if (std::exchange(look_planned_, true)) return;
    loop_.soon([this, alive = alive_] {
        if (*alive) look();
    });
}

void Activations::look() {
    look_planned_ = false;
    const std::set<SessionKey> touched = std::exchange(touched_, {});
    std::set<std::string> channels;
    Done done;
    if (std::exchange(all_touched_, false)) done = look_at_all(channels);
    for (auto key = touched.begin(); done && key != touched.end(); ++key)
        done = look_at(*key, channels);
    if (!done) {
        all_touched_ = true;  // with the next change
        log_warn("when groups are answered could not be read: {}", done.error().what);
    }
    for (const std::string& channel : channels) changed_(channel);
}

Done Activations::look_at_all(std::set<std::string>& channels) {
    const Result<std::vector<Session>> sessions = store_.with_activation();
    if (!sessions) return sessions.error();
    Choices choices;
    for (const Session& session : *sessions) add(session, choices);
    if (choices == choices_) return {};
    for (const Choices* side : {&choices, &choices_})
        for (const auto& [key, choice] : *side) channels.insert(choice.channel);
    choices_ = std::move(choices);
    return {};
}

Done Activations::look_at(const SessionKey& key, std::set<std::string>& channels) {
    const Result<std::optional<Session>> found = store_.find(key);
    if (!found) return found.error();
    Choices now;
    if (*found) add(**found, now);
    const auto before = choices_.find(key);
    if (now.empty() && before == choices_.end()) return {};
    if (!now.empty() && before != choices_.end() && before->second == now.begin()->second)
        return {};
    channels.insert(group_in(key.key).channel);
    choices_.erase(key);
    choices_.merge(now);
    return {};
}

}  // namespace agent
