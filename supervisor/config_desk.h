// Hands questions about the configuration, and changes of it, to planners one after another, and
// hands back what they answer. Reads neither: what could break on them breaks in a planner. That
// only one is under way at a time is what keeps two writers from meeting.
//
// A question whose last answer the asker keeps costs no planner while the files that the answer was
// made from are as they were: that is looked up each time, so a change by anybody shows at once.
#pragma once

#include <deque>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "proto/plan.pb.h"
#include "supervisor/planner_client.h"

namespace supervisor {

// Which answer the asker keeps, and whether it still holds.
class KeptConfig {
  public:
    // Whether an asker that keeps the answer of version() can go on with it.
    bool holds(const hardshell::proto::ConfigCall& call) const;
    // A planner's answer on its way to the asker: gives it a version if it may be kept. The files
    // stay here.
    void pass(const hardshell::proto::ConfigCall& call, hardshell::proto::ConfigAnswer& answer);
    uint64_t version() const { return version_; }

  private:
    uint64_t version_ = 0;
    std::string method_;
    std::string params_json_;
    std::vector<hardshell::proto::SeenFile> files_;
};

class ConfigDesk {
  public:
    using ConfigCall = hardshell::proto::ConfigCall;
    using ConfigAnswer = hardshell::proto::ConfigAnswer;
    using Answer = std::function<void(const ConfigAnswer&)>;

    static constexpr size_t most_waiting = 64;

    // `prepare` makes the request that every planner is asked with.
    ConfigDesk(PlannerClient& planner, std::function<hardshell::proto::PlanRequest()> prepare)
        : planner_(planner), prepare_(std::move(prepare)) {}

    // `answer` comes exactly once, now or later.
    void take(ConfigCall call, Answer answer);
    // Of a kind of worker that may ask one thing alone, and be in anybody's hands: while a request
    // of that kind is under way another is answered UNAVAILABLE at once, so that none of them keeps
    // the gateway's clients waiting.
    void take_one(const std::string& kind, ConfigCall call, Answer answer);
    // Asks a planner if something waits; only while none is under way.
    void go_on();

  private:
    struct Waiting {
        ConfigCall call;
        Answer answer;
    };
    PlannerClient& planner_;
    std::function<hardshell::proto::PlanRequest()> prepare_;
    std::deque<Waiting> waiting_;
    std::set<std::string> under_way_;  // kinds
    KeptConfig kept_;
};

}  // namespace supervisor
