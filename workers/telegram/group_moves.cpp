#include "workers/telegram/group_moves.h"

#include <algorithm>

#include "workers/common/log.h"

namespace telegram {

// Asked whatever the settings say: a planner knows the bindings, too.
void GroupMoves::follow(const std::string& from, const std::string& to,
                        std::function<void()> done) {
    follow_group(settings_, from, to);
    if (known_.contains(from)) {
        if (done) done();
        return;
    }
    Move& move = moves_[from];
    move.to = to;
    if (done) move.done.push_back(std::move(done));
    ask_next();
}

void GroupMoves::ask_next() {
    const auto is_asked = [](const auto& entry) { return entry.second.asked != 0; };
    const auto is_due = [](const auto& entry) { return !entry.second.timer; };
    if (std::any_of(moves_.begin(), moves_.end(), is_asked)) return;
    const auto next = std::find_if(moves_.begin(), moves_.end(), is_due);
    if (next != moves_.end()) ask(next->first, next->second);
}

void GroupMoves::ask(const std::string& from, Move& move) {
    move.asked = ++last_id_;
    ++move.tries;
    ConfigCall call;
    call.set_id(move.asked);
    call.set_method(method);
    call.set_params_json(print_json({{"from", from}, {"to", move.to}}));
    move.timer = loop_.after(longest_wait, [this, from] { timed_out(std::string(from)); });
    if (const Done asked = ask_(call); !asked) failed(std::string(from), asked.error().what, true);
}

void GroupMoves::answered(const ConfigAnswer& answer) {
    const auto found = std::find_if(moves_.begin(), moves_.end(), [&](const auto& entry) {
        return entry.second.asked == answer.id();
    });
    if (answer.id() == 0 || found == moves_.end()) return;
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
    move.asked = 0;
    if (may_be_tried_again && move.tries < most_tries) {
        move.timer = loop_.after(try_again, [this, from] {
            moves_.at(from).timer.reset();
            ask_next();
        });
        return ask_next();
    }
    log_warn(
        "the group {} is {} now, and openclaw.json still names the old one ({}): who may write "
        "there is known until this account starts anew; write {} in channels.telegram.groups and "
        "bindings",
        from, move.to, why, move.to);
    end(from);
}

void GroupMoves::timed_out(const std::string& from) {
    log_warn(
        "the group {} is {} now, and nothing says yet whether openclaw.json names it so: it may "
        "still be written; if it is not, write {} in channels.telegram.groups and bindings",
        from, moves_.at(from).to, moves_.at(from).to);
    end(from);
}

void GroupMoves::end(const std::string& from) {
    const auto ended = moves_.extract(from);
    if (known_.size() >= most_known) known_.erase(known_.begin());
    known_.insert(from);
    for (const std::function<void()>& done : ended.mapped().done) done();
    ask_next();
}

}  // namespace telegram
