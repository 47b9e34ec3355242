#include "workers/telegram/group_moves.h"

#include <algorithm>

#include "workers/common/log.h"

namespace telegram {

void GroupMoves::follow(const std::string& from, const std::string& to,
                        std::function<void()> done) {
    const bool is_new = follow_group(settings_, from, to);
    const auto known = moves_.find(from);
    if (!is_new && known == moves_.end()) {
        if (done) done();
        return;
    }
    Move& move = moves_[from];
    if (done) move.done.push_back(std::move(done));
    if (!is_new) return;
    move.from = from;
    move.to = to;
    ask(from);
}

void GroupMoves::ask(const std::string& from) {
    Move& move = moves_.at(from);
    move.asked = ++last_id_;
    ++move.tries;
    ConfigCall call;
    call.set_id(move.asked);
    call.set_method(method);
    call.set_params_json(print_json({{"from", move.from}, {"to", move.to}}));
    move.timer = loop_.after(
        longest_wait, [this, from] { failed(std::string(from), "no answer in time", false); });
    if (const Done asked = ask_(call); !asked) failed(from, asked.error().what, true);
}

void GroupMoves::answered(const ConfigAnswer& answer) {
    const auto found = std::find_if(moves_.begin(), moves_.end(), [&](const auto& entry) {
        return entry.second.asked == answer.id();
    });
    if (found == moves_.end()) return;
    const std::string from = found->first;
    if (!answer.error_code().empty())
        return failed(from, answer.error_message(), answer.error_code() == "UNAVAILABLE");
    const Result<Json> payload = parse_json(answer.payload_json());
    const Json said = payload ? *payload : Json();
    for (const Json& place : member(said, "places"))
        if (place.is_string())
            log_info("the group {} is {} now: {} in openclaw.json names it so", from,
                     found->second.to, place.get<std::string>());
    end(from);
}

void GroupMoves::failed(const std::string& from, const std::string& why, bool may_be_tried_again) {
    Move& move = moves_.at(from);
    if (may_be_tried_again && move.tries < most_tries) {
        move.asked = 0;
        move.timer = loop_.after(try_again, [this, from] { ask(std::string(from)); });
        return;
    }
    log_warn(
        "the group {} is {} now: what channels.telegram.groups says about it holds until this "
        "account starts anew; write {} there instead ({})",
        from, move.to, move.to, why);
    end(from);
}

void GroupMoves::end(const std::string& from) {
    const auto ended = moves_.extract(from);
    for (const std::function<void()>& done : ended.mapped().done) done();
}

}  // namespace telegram
