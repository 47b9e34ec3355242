// One question, one answer: reads a PlanRequest from descriptor 3, answers with a PlanReply, ends.

#include <sys/prctl.h>

#include <cstdio>
#include <exception>

#include "workers/common/base/exit_codes.h"
#include "workers/common/base/frame_stream.h"
#include "workers/common/base/json.h"
#include "workers/planner/plan.h"

namespace {

constexpr int supervisor_descriptor = 3;
constexpr int patience_ms = 10'000;

int give_up(const std::string& why) {
    std::fprintf(stderr, "no plan: %s\n", why.c_str());
    return exit_code::failed;
}

int run() {
    const Result<std::string> frame = read_one_frame(supervisor_descriptor, patience_ms);
    if (!frame) return give_up("the request cannot be read: " + frame.error().what);
    prctl(PR_SET_DUMPABLE, 0);  // every secret passes through here
    hardshell::proto::PlanRequest request;
    if (!request.ParseFromString(*frame)) return give_up("the request is not well-formed");
    const auto reply = planner::answer(request, planner::Environment::of_process());
    const Done sent = write_one_frame(supervisor_descriptor, reply, patience_ms);
    if (!sent) return give_up("the answer cannot be sent: " + sent.error().what);
    return exit_code::requested;
}

}  // namespace

int main() {
    try {
        return run();
    } catch (const Json::exception&) {
        return give_up("a value of the configuration is of an unexpected kind");
    } catch (const std::exception& failure) {
        return give_up(failure.what());
    }
}
