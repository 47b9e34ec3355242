#include "workers/gateway/config_gate.h"

#include "workers/gateway/frames.h"

namespace gateway {

namespace {

constexpr std::string_view kept_method = "config.get";

ConfigGate::ConfigAnswer unavailable_answer(const std::string& why) {
    ConfigGate::ConfigAnswer answer;
    answer.set_error_code(std::string(code::unavailable));
    answer.set_error_message(why);
    return answer;
}

}  // namespace

void ConfigGate::ask(const std::string& method, std::string params_json, Answer answer) {
    if (open_.size() >= most_open)
        return answer(unavailable_answer("too many requests about the configuration are open"));
    ConfigCall call;
    call.set_id(next_id_++);
    call.set_method(method);
    if (method == kept_method && params_json == "{}") {
        call.set_keeps(true);
        call.set_known(kept_.version());
    }
    call.set_params_json(std::move(params_json));
    if (const Done sent = send_(call); !sent) return answer(unavailable_answer(sent.error().what));
    Open& open = open_[call.id()];
    open.answer = std::move(answer);
    open.deadline = loop_.after(longest_wait, [this, id = call.id()] { give_up(id); });
}

void ConfigGate::take(const ConfigAnswer& answer) {
    // Also one that comes too late: the next ones may refer to it.
    if (!answer.unchanged() && answer.version() > kept_.version()) kept_ = answer;
    const auto found = open_.find(answer.id());
    if (found == open_.end()) return;  // given up
    const Answer hand_on = std::move(found->second.answer);
    open_.erase(found);
    if (!answer.unchanged()) return hand_on(answer);
    if (answer.version() == kept_.version()) return hand_on(kept_);
    kept_ = {};
    hand_on(unavailable_answer("the answer of the configuration was lost; try again"));
}

void ConfigGate::give_up(uint64_t id) {
    ConfigAnswer late =
        unavailable_answer("the configuration could not be reached in time; try again");
    late.set_id(id);
    take(late);
}

}  // namespace gateway
