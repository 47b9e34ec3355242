#include "supervisor/plan_review.h"

#include <gtest/gtest.h>

namespace {

using hardshell::proto::Plan;
using supervisor::PlannedWorker;
using supervisor::PlanReview;
using supervisor::Reload;
using supervisor::ReloadCause;
using supervisor::review;

class ThePlanReview : public testing::Test {
  protected:
    ThePlanReview() {
        in_force.set_source("file");
        for (const char* name : {"gateway", "agent"}) {
            auto& worker = *in_force.add_workers();
            worker.set_name(name);
            worker.mutable_settings()->set_config_json("{}");
        }
        auto& listener = *in_force.add_listeners();
        listener.set_name("http");
        listener.add_addresses()->set_port(1);
        next = in_force;
    }
    PlanReview look(ReloadCause cause = ReloadCause::noticed) const {
        const std::vector<PlannedWorker> workers = {{&in_force.workers(0), true},
                                                    {&in_force.workers(1), false}};
        return review(in_force, next, workers, cause);
    }
    void change(int worker) {
        next.mutable_workers(worker)->mutable_settings()->set_config_json("{\"a\":1}");
    }

    Plan in_force, next;
};

TEST_F(ThePlanReview, HasNothingToSayWhenNothingChanged) {
    const PlanReview seen = look();
    EXPECT_EQ(seen.verdict, Reload::follow);
    EXPECT_EQ(seen.remark, "");
}

TEST_F(ThePlanReview, NamesTheKeysAndWhomTheyConcern) {
    next.add_changed("agents.list");
    EXPECT_EQ(look().remark, "the configuration has changed (agents.list): no worker is concerned");
    change(1);
    EXPECT_EQ(look().remark, "the configuration has changed (agents.list): it concerns agent");
}

TEST_F(ThePlanReview, CountsThePortAsTheGateways) {
    next.mutable_listeners(0)->mutable_addresses(0)->set_port(2);
    EXPECT_EQ(look().remark, "the configuration has changed: it concerns gateway");
}

TEST_F(ThePlanReview, CountsWorkersThatComeAndGo) {
    next.mutable_workers()->RemoveLast();
    next.add_workers()->set_name("discord");
    EXPECT_EQ(look().remark, "the configuration has changed: it concerns discord, agent");
}

TEST_F(ThePlanReview, DoesNotCountWhyTheFileIsNotInForce) {
    next.mutable_workers(1)->mutable_settings()->set_degraded("bad file");
    EXPECT_EQ(look().remark, "");
}

TEST_F(ThePlanReview, ReplacesNobodyForApprovals) {
    next.mutable_workers(1)->mutable_settings()->set_exec_approvals_json("{}");
    EXPECT_EQ(look().remark, "");
    EXPECT_EQ(look().verdict, Reload::follow);
}

TEST_F(ThePlanReview, LeavesConnectionsAloneWhenHot) {
    next.mutable_supervisor()->set_reload_mode("hot");
    change(1);
    EXPECT_EQ(look().verdict, Reload::follow);
    change(0);
    const PlanReview seen = look();
    EXPECT_EQ(seen.verdict, Reload::wait);
    EXPECT_NE(seen.waiting.find("gateway.reload.mode is hot"), std::string::npos);
    EXPECT_EQ(look(ReloadCause::asked).verdict, Reload::follow);
}

TEST_F(ThePlanReview, KeepsWhatRunsWhenTheFileIsGone) {
    next.set_source("none");
    change(0);
    const PlanReview seen = look();
    EXPECT_EQ(seen.verdict, Reload::wait);
    EXPECT_NE(seen.degraded.find("gone"), std::string::npos);
    EXPECT_EQ(look(ReloadCause::asked).verdict, Reload::follow) << "the owner wants it so";
    in_force.set_source("none");
    EXPECT_EQ(look().verdict, Reload::follow) << "there was none before";
}

}  // namespace
