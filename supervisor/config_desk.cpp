#include "supervisor/config_desk.h"

#include <algorithm>

#include "workers/common/base/file_state.h"

namespace supervisor {

namespace {

using hardshell::proto::ConfigAnswer;
using hardshell::proto::PlanReply;
using hardshell::proto::SeenFile;

ConfigAnswer unavailable(uint64_t id, const std::string& why) {
    ConfigAnswer answer;
    answer.set_id(id);
    answer.set_error_code("UNAVAILABLE");
    answer.set_error_message(why);
    return answer;
}

ConfigAnswer answer_in(Result<PlanReply> reply, uint64_t id) {
    if (!reply) return unavailable(id, reply.error().what);
    if (!reply->has_config()) return unavailable(id, "the planner answered something else");
    ConfigAnswer answer = std::move(*reply->mutable_config());
    answer.set_id(id);
    return answer;
}

ConfigAnswer unchanged(uint64_t id, uint64_t version) {
    ConfigAnswer answer;
    answer.set_id(id);
    answer.set_version(version);
    answer.set_unchanged(true);
    return answer;
}

bool is_as_seen(const SeenFile& seen) {
    const std::optional<FileState> now = FileState::of(seen.path());
    return now && *now == FileState{seen.device(), seen.inode(), seen.size(), seen.modified_ns(),
                                    seen.changed_ns()};
}

}  // namespace

bool KeptConfig::holds(const hardshell::proto::ConfigCall& call) const {
    if (!call.keeps() || call.known() == 0 || files_.empty()) return false;
    if (call.method() != method_ || call.params_json() != params_json_) return false;
    return std::all_of(files_.begin(), files_.end(), is_as_seen);
}

void KeptConfig::pass(const hardshell::proto::ConfigCall& call, ConfigAnswer& answer) {
    std::vector<SeenFile> files(answer.files().begin(), answer.files().end());
    answer.clear_files();
    if (!call.keeps() || files.empty() || !answer.error_code().empty()) return;
    method_ = call.method();
    params_json_ = call.params_json();
    files_ = std::move(files);
    answer.set_version(++version_);
}

void ConfigDesk::take(ConfigCall call, Answer answer) {
    if (waiting_.size() >= most_waiting)
        return answer(unavailable(call.id(), "too many requests about the configuration wait"));
    waiting_.push_back({std::move(call), std::move(answer)});
    go_on();
}

void ConfigDesk::take_one(const std::string& kind, ConfigCall call, Answer answer) {
    if (!under_way_.insert(kind).second)
        return answer(unavailable(call.id(), "another request of " + kind + " is under way"));
    take(std::move(call), [this, kind, answer = std::move(answer)](const ConfigAnswer& given) {
        under_way_.erase(kind);
        answer(given);
    });
}

void ConfigDesk::go_on() {
    while (!waiting_.empty() && !planner_.is_busy() && planner_.pid() <= 0) {
        const Waiting next = std::move(waiting_.front());
        waiting_.pop_front();
        if (kept_.holds(next.call)) {
            next.answer(unchanged(next.call.id(), kept_.version()));
            continue;
        }
        hardshell::proto::PlanRequest request = prepare_();
        *request.mutable_config() = next.call;
        planner_.ask(request, [this, next](Result<PlanReply> reply) {
            ConfigAnswer answer = answer_in(std::move(reply), next.call.id());
            kept_.pass(next.call, answer);
            next.answer(answer);
        });
    }
}

}  // namespace supervisor
