#include "workers/agent/channels/promised_answers.h"

#include "workers/agent/channels/reply_text.h"
#include "workers/agent/channels/run_answer.h"
#include "workers/common/log.h"

namespace agent {

namespace {

constexpr const char* method = "agent";
constexpr const char* prefix = "deliver/";

DeliveryWish wish_in(const std::string& text) {
    const Result<Json> value = parse_json(text);
    if (!value) return {};
    return {text_member(*value, "channel"),
            text_member(*value, "to"),
            text_member(*value, "account"),
            text_member(*value, "thread"),
            {text_member(*value, "agent"), text_member(*value, "session")}};
}

}  // namespace

PromisedAnswers::PromisedAnswers(SessionStore& store, Runs& runs, Deliverer& deliverer)
    : store_(store), deliverer_(deliverer) {
    runs.on_ended(method, [this](const RunRecord& run) { run_ended(run); });
}

SessionStore::Note PromisedAnswers::note(const std::string& run_id, const DeliveryWish& resolved) {
    return {prefix + run_id, print_json(Json{{"channel", resolved.channel},
                                             {"to", resolved.to},
                                             {"account", resolved.account},
                                             {"thread", resolved.thread},
                                             {"agent", resolved.session.agent},
                                             {"session", resolved.session.key}})};
}

Done PromisedAnswers::recover() {
    const Result<std::vector<SessionStore::Note>> promises = store_.notes_under(prefix);
    if (!promises) return promises.error();
    for (const SessionStore::Note& promise : *promises) {
        const std::string run_id = promise.name.substr(std::string_view(prefix).size());
        const Result<std::optional<RunRecord>> run = store_.find_run(method, run_id);
        if (!run) return run.error();
        if (!*run) {
            (void)store_.put_notes({{promise.name, ""}});  // its run was never accepted
        } else if ((*run)->has_ended()) {
            keep(promise, **run);
        }
    }
    return {};
}

void PromisedAnswers::run_ended(const RunRecord& run) {
    const std::string name = prefix + run.run_id;
    const Result<std::string> promise = store_.note(name);
    if (promise && !promise->empty()) keep({name, *promise}, run);
}

void PromisedAnswers::keep(const SessionStore::Note& promise, const RunRecord& run) {
    Done done;
    if (run.status == "ok") {
        const Result<std::string> answer = answer_of_run(store_, run);
        const ChannelReply said = channel_reply(answer ? *answer : "");
        if (!answer)
            done = answer.error();
        else if (!said.says_nothing())
            done = deliverer_.deliver(wish_in(promise.value), said.text, "agent:" + run.run_id,
                                      nullptr);
    }
    if (!done) log_warn("the answer of run {} is not delivered: {}", run.run_id, done.error().what);
    // What may pass by itself is no reason to forget it: the promise is the next process's.
    if (!done && done.error().fault != Fault::bad_message) return;
    if (const Done closed = store_.put_notes({{promise.name, ""}}); !closed)
        log_warn("the answer of run {} may be delivered twice: {}", run.run_id,
                 closed.error().what);
}

}  // namespace agent
