#include "workers/gateway/agent_gate.h"

#include <gtest/gtest.h>

#include "workers/common/base/clock.h"
#include "workers/gateway/health_keeper.h"
#include "workers/gateway/hub.h"
#include "workers/gateway/kept_answers.h"

namespace gateway {
namespace {

using hardshell::proto::AgentToGateway;
using hardshell::proto::GatewayToAgent;

// Timers run when the test says how much time has passed; nothing else ever happens.
class TestLoop final : public Loop {
  public:
    Registration watch(int, unsigned, Handler) override { return {}; }
    void rewatch(int, unsigned) override {}
    Registration after(std::chrono::milliseconds delay, Task task) override {
        return add(delay, std::chrono::milliseconds(0), std::move(task));
    }
    Registration every(std::chrono::milliseconds period, Task task) override {
        return add(period, period, std::move(task));
    }
    void soon(Task task) override { (void)add({}, {}, std::move(task)); }
    Registration before_sleep(Task) override { return {}; }
    int run() override { return 0; }
    void stop(int) override {}

    void pass(std::chrono::milliseconds time) {
        const auto end = now_ + time;
        while (!timers_.empty() && timers_.begin()->first.first <= end) {
            const auto first = timers_.begin();
            now_ = first->first.first;
            const auto [period, task] = first->second;
            const uint64_t id = first->first.second;
            timers_.erase(first);
            if (period.count() > 0) timers_[{now_ + period, id}] = {period, task};
            task();
        }
        now_ = end;
    }

  private:
    using Key = std::pair<std::chrono::milliseconds, uint64_t>;
    Registration add(std::chrono::milliseconds delay, std::chrono::milliseconds period, Task task) {
        const uint64_t id = next_++;
        timers_[{now_ + delay, id}] = {period, std::move(task)};
        return Registration([this, id] {
            for (auto entry = timers_.begin(); entry != timers_.end(); ++entry)
                if (entry->first.second == id) {
                    timers_.erase(entry);
                    return;
                }
        });
    }
    std::chrono::milliseconds now_{0};
    std::map<Key, std::pair<std::chrono::milliseconds, Task>> timers_;
    uint64_t next_ = 1;
};

class TestChannel final : public AgentChannel {
  public:
    Done send(const google::protobuf::MessageLite& message) override {
        if (full) return Error{Fault::busy, "agent does not keep up"};
        GatewayToAgent sent_message;
        sent_message.ParseFromString(message.SerializeAsString());
        sent.push_back(sent_message.rpc());
        return {};
    }
    void forget_peer(uint64_t incarnation) override { forgotten.push_back(incarnation); }

    std::vector<hardshell::proto::Rpc> sent;
    std::vector<uint64_t> forgotten;
    bool full = false;
};

class AgentGateTest : public testing::Test {
  protected:
    AgentGateTest() {
        gate_.on_run_lost([this](const OpenRun& run) { lost_.push_back(run.run_id); });
    }
    void agent_is(WorkerState::State state, uint64_t incarnation) {
        WorkerState agent;
        agent.set_name("agent");
        agent.set_state(state);
        agent.set_incarnation(incarnation);
        agent.set_last_end("killed");
        gate_.workers_changed({agent});
        if (state == WorkerState::READY) is_heard();
    }
    void is_heard() {
        AgentToGateway message;
        message.mutable_link_up();
        gate_.take(message.SerializeAsString());
    }
    void ask(const std::string& method, std::chrono::milliseconds deadline = {}) {
        AgentGate::Question question;
        question.method = method;
        question.deadline = deadline;
        gate_.ask(std::move(question), [this](const AgentGate::RpcResult& result) {
            answers_.push_back(result.ok() ? result.payload_json() : result.error_message());
        });
    }
    void answer(uint64_t id, const std::string& payload, bool more = false) {
        AgentToGateway message;
        message.mutable_rpc_result()->set_id(id);
        message.mutable_rpc_result()->set_ok(true);
        message.mutable_rpc_result()->set_more(more);
        message.mutable_rpc_result()->set_payload_json(payload);
        gate_.take(message.SerializeAsString());
    }
    void run_event(const std::string& run, uint64_t sequence) {
        AgentToGateway message;
        message.mutable_event()->set_event("agent");
        message.mutable_event()->set_run_id(run);
        message.mutable_event()->set_run_sequence(sequence);
        gate_.take(message.SerializeAsString());
    }

    TestLoop loop_;
    TestChannel channel_;
    AgentGate gate_{loop_, channel_};
    std::vector<std::string> answers_;
    std::vector<std::string> lost_;
};

TEST_F(AgentGateTest, PassesEveryResultOfOneQuestion) {
    agent_is(WorkerState::READY, 1);
    ask("agent");
    ASSERT_EQ(channel_.sent.size(), 1u);
    const uint64_t id = channel_.sent[0].id();
    answer(id, "accepted", true);
    answer(id, "final");
    answer(id, "too many");
    EXPECT_EQ(answers_, (std::vector<std::string>{"accepted", "final"}));
    EXPECT_EQ(gate_.outstanding(), 0u);
}

TEST_F(AgentGateTest, GivesUpAReadAtItsDeadlineButNeverARun) {
    agent_is(WorkerState::READY, 1);
    ask("chat.history", std::chrono::milliseconds(30'000));
    ask("chat.send");
    loop_.pass(std::chrono::hours(1));
    EXPECT_EQ(answers_, std::vector<std::string>{"the agent did not answer in time"});
    answer(channel_.sent[0].id(), "late");
    EXPECT_EQ(answers_.size(), 1u);
    EXPECT_EQ(gate_.outstanding(), 1u);
}

TEST_F(AgentGateTest, HoldsQuestionsUntilTheAgentServes) {
    agent_is(WorkerState::STARTING, 1);
    ask("one");
    ask("two");
    EXPECT_TRUE(channel_.sent.empty());
    agent_is(WorkerState::READY, 1);
    ASSERT_EQ(channel_.sent.size(), 2u);
    EXPECT_EQ(channel_.sent[0].method(), "one");
    loop_.pass(std::chrono::hours(1));
    EXPECT_TRUE(answers_.empty());
}

// Its link may still be that of the life before, which takes what is sent with it.
TEST_F(AgentGateTest, AsksNobodyWhoWasNotHeard) {
    agent_is(WorkerState::READY, 1);
    ask("one");
    agent_is(WorkerState::WAITING, 1);
    WorkerState next;
    next.set_name("agent");
    next.set_incarnation(2);
    for (const auto state : {WorkerState::STARTING, WorkerState::READY}) {
        next.set_state(state);
        gate_.workers_changed({next});
        ask("two");
    }
    EXPECT_EQ(channel_.sent.size(), 1u);
    EXPECT_FALSE(gate_.is_serving());
    is_heard();
    EXPECT_EQ(channel_.sent.size(), 3u);
}

TEST_F(AgentGateTest, NeverCarriesOutWhatItGaveUp) {
    agent_is(WorkerState::WAITING, 1);
    ask("one");
    loop_.pass(std::chrono::milliseconds(10'000));
    ASSERT_EQ(answers_.size(), 1u);
    agent_is(WorkerState::READY, 2);
    EXPECT_TRUE(channel_.sent.empty());
}

TEST_F(AgentGateTest, RefusesAtOnceWhenNoNextLifeWillCome) {
    agent_is(WorkerState::WAITING, 1);
    ask("one");
    agent_is(WorkerState::HELD, 1);
    ask("two");
    EXPECT_EQ(answers_, std::vector<std::string>(2, "the agent is held: killed"));
}

TEST_F(AgentGateTest, EndsWhatTheDeadAgentOwed) {
    agent_is(WorkerState::READY, 1);
    ask("agent.wait");
    run_event("r1", 3);
    gate_.run_started("r2", "main");
    agent_is(WorkerState::WAITING, 1);
    EXPECT_TRUE(answers_.empty()) << "its last words may still come";
    run_event("r1", 4);
    loop_.pass(AgentGate::last_words);
    ASSERT_EQ(answers_.size(), 1u);
    EXPECT_NE(answers_[0].find("the agent process ended"), std::string::npos);
    std::sort(lost_.begin(), lost_.end());
    EXPECT_EQ(lost_, (std::vector<std::string>{"r1", "r2"}));
    EXPECT_EQ(channel_.forgotten, std::vector<uint64_t>{1});
    agent_is(WorkerState::READY, 2);
    EXPECT_EQ(lost_.size(), 2u);
}

TEST_F(AgentGateTest, LetsTheLastWordsEndARun) {
    agent_is(WorkerState::READY, 1);
    run_event("r1", 1);
    agent_is(WorkerState::WAITING, 1);
    AgentToGateway ended;
    ended.mutable_run_ended()->set_run_id("r1");
    gate_.take(ended.SerializeAsString());
    loop_.pass(AgentGate::last_words);
    EXPECT_TRUE(lost_.empty());
}

TEST_F(AgentGateTest, NoticesANewLifeThatSpeaksBeforeTheSupervisorDoes) {
    agent_is(WorkerState::READY, 1);
    ask("one");
    run_event("r1", 1);
    gate_.peer_is(2);
    EXPECT_EQ(answers_.size(), 1u);
    EXPECT_EQ(lost_, std::vector<std::string>{"r1"});
    agent_is(WorkerState::READY, 2);
    EXPECT_EQ(lost_.size(), 1u);
    EXPECT_TRUE(gate_.is_serving());
}

TEST_F(AgentGateTest, TakesNoReportOfAnEarlierLifeForTheEndOfALaterOne) {
    agent_is(WorkerState::READY, 1);
    gate_.peer_is(2);
    run_event("r2", 1);
    for (const auto late : {WorkerState::READY, WorkerState::STOPPING, WorkerState::WAITING}) {
        agent_is(late, 1);
        EXPECT_FALSE(gate_.is_serving()) << "the later life is not known to be ready";
    }
    ask("one");
    loop_.pass(AgentGate::last_words);
    EXPECT_TRUE(lost_.empty());
    EXPECT_EQ(channel_.forgotten, std::vector<uint64_t>{1});
    agent_is(WorkerState::READY, 2);
    EXPECT_TRUE(gate_.is_serving());
    EXPECT_EQ(channel_.sent.size(), 1u);
    EXPECT_TRUE(answers_.empty());
}

TEST_F(AgentGateTest, SaysWhenTheAgentDoesNotKeepUp) {
    agent_is(WorkerState::READY, 1);
    channel_.full = true;
    ask("one");
    EXPECT_EQ(answers_, std::vector<std::string>{"agent does not keep up"});
}

TEST_F(AgentGateTest, BoundsWhatItHolds) {
    for (size_t i = 0; i <= AgentGate::most_held; ++i) ask("x");
    EXPECT_EQ(answers_.size(), 1u);
}

TEST_F(AgentGateTest, SurvivesGarbage) {
    agent_is(WorkerState::READY, 1);
    gate_.take("\xff\xff\xff");
    answer(4711, "for nobody");
    EXPECT_TRUE(answers_.empty());
}

class KeptAnswersTest : public AgentGateTest {
  protected:
    KeptAnswersTest() { agent_is(WorkerState::READY, 1); }
    void ask_kept(const std::string& params = "{}") {
        AgentGate::Question question;
        question.method = "sessions.list";
        question.params_json = params;
        kept_.ask(std::move(question), [this](const AgentGate::RpcResult& result) {
            answers_.push_back(result.ok() ? result.payload_json() : result.error_message());
        });
    }
    void answer_kept(uint64_t id, const std::string& payload, uint32_t keep_ms) {
        AgentToGateway message;
        message.mutable_rpc_result()->set_id(id);
        message.mutable_rpc_result()->set_ok(true);
        message.mutable_rpc_result()->set_payload_json(payload);
        message.mutable_rpc_result()->set_keep_ms(keep_ms);
        gate_.take(message.SerializeAsString());
    }
    void state_changed() {
        AgentToGateway message;
        message.mutable_state_changed();
        gate_.take(message.SerializeAsString());
    }
    std::string known(const std::string& params = "{}", int64_t later_ms = 0) {
        const auto* found = kept_.find("sessions.list", params, monotonic_ms() + later_ms);
        if (!found) return "";
        EXPECT_EQ(found->rest->text(), R"(,"payload":)" + found->result.payload_json() + "}");
        return found->result.payload_json();
    }
    KeptAnswers kept_{gate_};
};

TEST_F(KeptAnswersTest, GivesAnAnswerAgainUntilSomethingChanges) {
    ask_kept();
    answer_kept(channel_.sent[0].id(), "one", 60'000);
    EXPECT_EQ(answers_, std::vector<std::string>{"one"});
    EXPECT_EQ(known(), "one");
    EXPECT_EQ(known(R"({"limit":1})"), "") << "another question";
    EXPECT_EQ(known("{}", 60'001), "") << "its time is over";
    state_changed();
    EXPECT_EQ(known(), "");
}

TEST_F(KeptAnswersTest, KeepsNothingThatTheAgentDoesNotAllow) {
    ask_kept();
    answer_kept(channel_.sent[0].id(), "one", 0);
    EXPECT_EQ(known(), "");
    ask_kept();
    AgentToGateway refusal;
    refusal.mutable_rpc_result()->set_id(channel_.sent[1].id());
    refusal.mutable_rpc_result()->set_keep_ms(60'000);
    gate_.take(refusal.SerializeAsString());
    EXPECT_EQ(known(), "");
}

TEST_F(KeptAnswersTest, AsksOnceForAllWhoAskTheSame) {
    for (int i = 0; i < 3; ++i) ask_kept();
    ask_kept(R"({"limit":1})");
    ASSERT_EQ(channel_.sent.size(), 2u);
    answer_kept(channel_.sent[0].id(), "one", 0);
    EXPECT_EQ(answers_, (std::vector<std::string>{"one", "one", "one"}));
}

// What is answered after a change was made after it.
TEST_F(KeptAnswersTest, KeepsTheAnswerThatCameAfterAChange) {
    ask_kept();
    state_changed();
    ask_kept();
    ASSERT_EQ(channel_.sent.size(), 2u);
    answer_kept(channel_.sent[0].id(), "new", 60'000);
    EXPECT_EQ(known(), "new");
    answer_kept(channel_.sent[1].id(), "newer", 60'000);
    EXPECT_EQ(known(), "newer");
    EXPECT_EQ(answers_, (std::vector<std::string>{"new", "newer"}));
}

TEST_F(KeptAnswersTest, ForgetsWithTheAgentsLife) {
    ask_kept();
    answer_kept(channel_.sent[0].id(), "one", 60'000);
    agent_is(WorkerState::WAITING, 1);
    EXPECT_EQ(known(), "");
    ask_kept();  // waits for the next life
    loop_.pass(AgentGate::last_words);
    agent_is(WorkerState::STARTING, 2);
    agent_is(WorkerState::READY, 2);
    ASSERT_EQ(channel_.sent.size(), 2u);
    answer_kept(channel_.sent[1].id(), "two", 60'000);
    EXPECT_EQ(answers_, (std::vector<std::string>{"one", "two"}));
}

class HealthKeeperTest : public AgentGateTest {
  protected:
    HealthKeeperTest() {
        health_.on_refreshed([this](const std::string&) { ++refreshes_; });
    }
    GatewaySettings settings_;
    WorkerStates workers_;
    HealthKeeper health_{loop_, gate_, settings_,
                         [this]() -> const WorkerStates& { return workers_; }};
    int refreshes_ = 0;
};

TEST_F(HealthKeeperTest, AsksOnceHoweverManyWait) {
    agent_is(WorkerState::READY, 1);
    int told = 0;
    for (int i = 0; i < 100; ++i) health_.get(true, [&](const std::string&) { ++told; });
    EXPECT_EQ(channel_.sent.size(), 1u);
    answer(channel_.sent[0].id(), R"({"defaultAgentId":"ops"})");
    EXPECT_EQ(told, 100);
    EXPECT_EQ(refreshes_, 1);
    EXPECT_EQ(text_member(*parse_json(health_.last()), "defaultAgentId"), "ops");
    for (int i = 0; i < 100; ++i) health_.refresh();
    EXPECT_EQ(channel_.sent.size(), 1u) << "not twice in a second";
}

TEST_F(HealthKeeperTest, AnswersFromWhatItKnowsUnlessProbed) {
    agent_is(WorkerState::READY, 1);
    health_.refresh();
    answer(channel_.sent[0].id(), "{}");
    bool told = false;
    health_.get(false, [&](const std::string&) { told = true; });
    EXPECT_TRUE(told);
    told = false;
    health_.get(true, [&](const std::string&) { told = true; });
    EXPECT_FALSE(told);
}

TEST_F(HealthKeeperTest, KeepsTheAgentsPartWhileTheAgentIsDown) {
    agent_is(WorkerState::READY, 1);
    health_.refresh();
    answer(channel_.sent[0].id(), R"({"defaultAgentId":"ops"})");
    agent_is(WorkerState::HELD, 1);
    loop_.pass(std::chrono::seconds(2));
    std::string report;
    health_.get(true, [&](const std::string& text) { report = text; });
    loop_.pass(std::chrono::seconds(2));
    EXPECT_EQ(text_member(*parse_json(report), "defaultAgentId"), "ops");
}

class HubTest : public testing::Test {
  protected:
    std::unique_ptr<Client> client(uint64_t id, std::vector<std::string> scopes) {
        auto made = std::make_unique<Client>(id, RequestHeaders{}, RequestSource{}, [] {});
        Admission admission;
        admission.role = "operator";
        admission.scopes = std::move(scopes);
        admission.params.client_mode = "ui";
        made->admit(std::move(admission));
        hub_.add(*made);
        return made;
    }
    static std::string taken(Client& from) {
        const Outgoing out = from.take_frame();
        from.frame_sent();
        return out ? out.text() : "";
    }
    Hub hub_{"host", "1"};
};

TEST_F(HubTest, SharesOneFrameAmongAll) {
    const auto one = client(1, {"operator.read"});
    const auto two = client(2, {"operator.read"});
    EXPECT_TRUE(hub_.broadcast("chat", "{}"));
    const SharedFrame first = one->take_frame().frame;
    EXPECT_EQ(first, two->take_frame().frame);
    EXPECT_EQ(first->text(), R"({"type":"event","event":"chat","payload":{},"seq":1})");
}

TEST_F(HubTest, SharesOnePayloadAmongAllWhoAreGivenTheSameAnswer) {
    const auto one = client(1, {"operator.read"});
    const auto two = client(2, {"operator.read"});
    const SharedFrame rest = response_rest(R"({"x":1})");
    const std::string long_id(300, 'i');
    one->send_response("1", rest);
    two->send_response("two", rest);
    one->send_response(long_id, rest);
    EXPECT_EQ(one->unsent(), response_frame("1", R"({"x":1})")->size() +
                                 response_frame(long_id, R"({"x":1})")->size());
    const Outgoing first = one->take_frame(), second = two->take_frame();
    EXPECT_EQ(first.frame, rest);
    EXPECT_EQ(second.frame, rest);
    const auto written = [](const Outgoing& out) {
        return std::string(reinterpret_cast<const char*>(out.data()), out.size());
    };
    EXPECT_EQ(written(first), response_frame("1", R"({"x":1})")->text());
    EXPECT_EQ(written(second), response_frame("two", R"({"x":1})")->text());
    EXPECT_EQ(written(first), R"({"type":"res","id":"1","ok":true,"payload":{"x":1}})");
    EXPECT_EQ(written(one->take_frame()), response_frame(long_id, R"({"x":1})")->text());
}

TEST(ResponseFrame, PutsThePayloadInAsItIs) {
    EXPECT_EQ(response_frame("a\"b", R"({"x":1})")->text(),
              R"({"type":"res","id":"a\"b","ok":true,"payload":{"x":1}})");
    EXPECT_EQ(response_frame("1", "")->text(), R"({"type":"res","id":"1","ok":true})");
}

TEST_F(HubTest, CountsWhatAClientMayNotSee) {
    const auto reader = client(1, {"operator.read"});
    const auto owner = client(2, {"operator.admin"});
    hub_.broadcast("device.pair.requested", "{}");
    hub_.broadcast("tick", "{}");
    EXPECT_EQ(taken(*reader), R"({"type":"event","event":"tick","payload":{},"seq":2})");
    EXPECT_NE(taken(*owner).find("device.pair.requested"), std::string::npos);
    EXPECT_FALSE(hub_.broadcast("no.such.event", "{}"));
    EXPECT_FALSE(hub_.broadcast("connect.challenge", "{}"));
    EXPECT_EQ(hub_.sequence(), 2u);
}

TEST_F(HubTest, DropsForASlowClientOnlyWhatMayBeDropped) {
    const auto slow = client(1, {"operator.read"});
    const std::string big = "\"" + std::string(800'000, 'x') + "\"";
    hub_.broadcast("chat", big);
    hub_.broadcast("chat", big);
    ASSERT_GT(slow->unsent_events(), most_unsent_events);
    const size_t before = slow->unsent();
    hub_.broadcast("tick", "{}");
    hub_.broadcast("chat", "{}", {.droppable = true});
    EXPECT_EQ(slow->unsent(), before);
    hub_.broadcast("chat", "{}");
    EXPECT_EQ(slow->close_code(), close_policy);
    EXPECT_EQ(slow->close_reason(), "slow consumer");
    EXPECT_FALSE(slow->has_frames());
    EXPECT_EQ(slow->unsent(), 0u);
}

TEST_F(HubTest, DoesNotCallAClientSlowForTheAnswerItAskedFor) {
    const auto loading = client(1, {"operator.read"});
    loading->send(std::string(6'000'000, 'x'));
    hub_.broadcast("chat", "{}");
    EXPECT_FALSE(loading->is_closing());
    for (int i = 0; i < 6; ++i) loading->send(std::string(6'000'000, 'x'));
    EXPECT_TRUE(loading->is_closing());
}

TEST_F(HubTest, CutsCloseReasonsToWhatACloseFrameHolds) {
    const auto one = client(1, {});
    one->close(1008, std::string(300, 'r'));
    EXPECT_EQ(one->close_reason().size(), longest_close_reason);
    one->send("too late");
    EXPECT_FALSE(one->has_frames());
}

}  // namespace
}  // namespace gateway
