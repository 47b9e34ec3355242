#include "workers/agent/channels/moved_groups.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "workers/agent/channels/routing.h"
#include "workers/common/log.h"

namespace agent {

namespace {

bool follow_in_section(Json& config, const std::vector<std::string>& path, const std::string& from,
                       const std::string& to) {
    Json* groups = &config;
    for (const std::string& step : path) {
        if (!groups->is_object() || !groups->contains(step)) return false;
        groups = &(*groups)[step];
    }
    if (!groups->is_object() || !groups->contains(from) || groups->contains(to)) return false;
    Json said = (*groups)[from];
    (*groups)[to] = std::move(said);
    return true;
}

bool follow_in_bindings(Json& config, const ChannelAccount& account, const std::string& from,
                        const std::string& to) {
    const Json& bindings = member(config, "bindings");
    if (!bindings.is_array()) return false;
    const auto names = [&](const std::string& id) {
        return std::any_of(bindings.begin(), bindings.end(),
                           [&](const Json& binding) { return binds_group(binding, account, id); });
    };
    if (!names(from) || names(to)) return false;
    Json all = Json::array();
    for (const Json& binding : bindings) {
        all.push_back(binding);
        if (!binds_group(binding, account, from)) continue;
        Json other = binding;
        other["match"]["peer"]["id"] = to;
        all.push_back(std::move(other));
    }
    config["bindings"] = std::move(all);
    return true;
}

}  // namespace

bool follow_group(Json& config, const ChannelAccount& account, const std::string& from,
                  const std::string& to) {
    bool is_said = follow_in_section(
        config, {"channels", account.channel, "accounts", account.account, "groups"}, from, to);
    is_said |= follow_in_section(config, {"channels", account.channel, "groups"}, from, to);
    is_said |= follow_in_bindings(config, account, from, to);
    return is_said;
}

Done MovedGroups::recover() {
    const Result<std::vector<SessionStore::Note>> notes = store_.notes_under(note_prefix);
    if (!notes) return notes.error();
    for (const SessionStore::Note& note : *notes) {
        const Result<Json> move = parse_json(note.value);
        if (!move) continue;
        follow_group(config_.json(), ChannelAccount::of_worker(text_member(*move, "worker")),
                     text_member(*move, "from"), text_member(*move, "to"));
    }
    return {};
}

void MovedGroups::moved(const ChannelAccount& account, const std::string& from,
                        const std::string& to) {
    const std::string name = note_prefix + account.worker() + "/" + from;
    if (const Result<std::string> known = store_.note(name); known && !known->empty()) return;
    if (!follow_group(config_.json(), account, from, to)) return;
    const Json move = {{"worker", account.worker()}, {"from", from}, {"to", to}};
    if (const Done kept = store_.put_notes({{name, print_json(move)}}); !kept)
        log_warn("what is said about the group {} holds for {} only until this process ends: {}",
                 from, to, kept.error().what);
}

}  // namespace agent
