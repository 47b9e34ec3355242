#include "workers/common/channel/agent_link.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "proto/supervisor_worker.pb.h"

using namespace std::chrono_literals;
using channel::AgentLink;
using hardshell::proto::AgentToChannel;
using hardshell::proto::ChannelToAgent;
using hardshell::proto::DeliveryReport;
using hardshell::proto::LinkEnd;

namespace {

// Both ends of the link; the agent's is spoken by the test.
class AgentLinkTest : public testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/agent-link-XXXXXX";
        directory = mkdtemp(name);
        agent = open_agent(1);
        auto link = Link::open(*loop, end(false), 1);
        ASSERT_TRUE(link) << link.error().what;
        channel_link = std::move(*link);
    }
    void TearDown() override {
        side.reset();
        std::filesystem::remove_all(directory);
    }

    LinkEnd end(bool binds) const {
        LinkEnd made;
        made.set_name("telegram-agent");
        made.set_peer(binds ? "telegram" : "agent");
        made.set_endpoint("ipc://" + directory + "/socket");
        made.set_binds(binds);
        return made;
    }
    std::unique_ptr<Link> open_agent(uint64_t life) {
        auto link = Link::open(*loop, end(true), life);
        EXPECT_TRUE(link) << link.error().what;
        (*link)->on_message([this](std::string_view frame) {
            ChannelToAgent message;
            ASSERT_TRUE(message.ParseFromArray(frame.data(), static_cast<int>(frame.size())));
            heard.push_back(std::move(message));
            if (accepts && heard.back().has_inbound()) accept(heard.back().inbound().key());
        });
        return std::move(*link);
    }
    AgentLink& start(AgentLink::Handlers handlers = {}, AgentLink::Options options = {}) {
        options.channel = "telegram";
        options.account = "ops";
        side = std::make_unique<AgentLink>(*loop, std::move(channel_link), options);
        side->start(std::move(handlers));
        return *side;
    }
    // The agent dies, and the next one says hello.
    void agent_restarts(uint64_t life) {
        agent.reset();
        heard.clear();
        agent = open_agent(life);
        AgentToChannel hello;
        hello.mutable_link_up();
        ASSERT_TRUE(agent->send(hello));
    }
    void say(const AgentToChannel& message) { ASSERT_TRUE(agent->send(message)); }
    void accept(const std::string& key) {
        AgentToChannel message;
        message.mutable_accepted()->set_key(key);
        say(message);
    }
    void deliver(const std::string& id, uint32_t first_part = 0, bool ambiguous = false) {
        AgentToChannel message;
        message.mutable_deliver()->set_delivery_id(id);
        message.mutable_deliver()->set_text("hello");
        message.mutable_deliver()->set_first_part(first_part);
        message.mutable_deliver()->set_first_part_is_ambiguous(ambiguous);
        say(message);
    }
    void note(const std::string& id, uint32_t part) {
        AgentToChannel message;
        message.mutable_sending_noted()->set_delivery_id(id);
        message.mutable_sending_noted()->set_part(part);
        say(message);
    }
    static hardshell::proto::InboundMessage inbound(const std::string& key) {
        hardshell::proto::InboundMessage made;
        made.set_key(key);
        made.set_text("text of " + key);
        return made;
    }
    static DeliveryReport outcome(const std::string& id, uint32_t part, uint32_t parts,
                                  DeliveryReport::Outcome what) {
        DeliveryReport made;
        made.set_delivery_id(id);
        made.set_part(part);
        made.set_parts(parts);
        made.set_outcome(what);
        return made;
    }
    bool until(const std::function<bool()>& is_so) {
        auto check = loop->every(1ms, [&] {
            if (is_so()) loop->stop(0);
        });
        auto limit = loop->after(20s, [this] { loop->stop(-1); });
        return loop->run() == 0;
    }
    // Everything sent before this has been taken when it returns.
    void settle() {
        AgentToChannel probe;
        probe.mutable_probe()->set_id(++probes);
        say(probe);
        ASSERT_TRUE(until([this] {
            return !heard.empty() && heard.back().has_probe_answer() &&
                   heard.back().probe_answer().id() == probes;
        }));
        heard.pop_back();
    }
    AgentLink::Handlers answering(AgentLink::Handlers handlers) {
        handlers.probe = [this](uint64_t id, std::chrono::milliseconds) { side->probed(id, "{}"); };
        return handlers;
    }
    std::vector<std::string> keys_heard() const {
        std::vector<std::string> keys;
        for (const auto& message : heard)
            if (message.has_inbound()) keys.push_back(message.inbound().key());
        return keys;
    }
    std::vector<DeliveryReport::Outcome> outcomes_heard() const {
        std::vector<DeliveryReport::Outcome> outcomes;
        for (const auto& message : heard)
            if (message.has_report()) outcomes.push_back(message.report().outcome());
        return outcomes;
    }

    std::unique_ptr<Loop> loop = make_epoll_loop();
    std::string directory;
    std::unique_ptr<Link> agent;
    std::unique_ptr<Link> channel_link;
    std::unique_ptr<AgentLink> side;
    std::vector<ChannelToAgent> heard;
    bool accepts = false;
    uint64_t probes = 0;
};

using Keys = std::vector<std::string>;
using Outcomes = std::vector<DeliveryReport::Outcome>;

TEST_F(AgentLinkTest, SaysFirstWhoItIs) {
    auto& link = start();
    ASSERT_TRUE(link.offer(inbound("1")));
    ASSERT_TRUE(until([&] { return heard.size() == 2; }));
    ASSERT_TRUE(heard[0].has_link_up());
    EXPECT_EQ(heard[0].link_up().channel(), "telegram");
    EXPECT_EQ(heard[0].link_up().account(), "ops");
    EXPECT_EQ(heard[1].inbound().text(), "text of 1");
}

TEST_F(AgentLinkTest, KeepsAMessageUntilItIsAccepted) {
    Keys accepted;
    AgentLink::Handlers handlers;
    handlers.accepted = [&](const std::string& key) { accepted.push_back(key); };
    auto& link = start(handlers);
    ASSERT_TRUE(link.offer(inbound("1")));
    ASSERT_TRUE(link.offer(inbound("2")));
    ASSERT_TRUE(link.offer(inbound("1")));  // the platform repeats itself
    EXPECT_EQ(link.unaccepted(), 2u);
    accept("2");
    ASSERT_TRUE(until([&] { return link.unaccepted() == 1; }));
    accept("1");
    ASSERT_TRUE(until([&] { return link.unaccepted() == 0; }));
    EXPECT_EQ(accepted, (Keys{"2", "1"}));
}

TEST_F(AgentLinkTest, OffersAgainWhatADeadAgentDidNotAccept) {
    auto& link = start();
    for (const char* key : {"1", "2", "3"}) ASSERT_TRUE(link.offer(inbound(key)));
    ASSERT_TRUE(until([&] { return keys_heard().size() == 3; }));
    accept("1");
    ASSERT_TRUE(until([&] { return link.unaccepted() == 2; }));
    agent_restarts(2);
    ASSERT_TRUE(until([&] { return keys_heard().size() == 2; }));
    EXPECT_EQ(keys_heard(), (Keys{"2", "3"}));
}

TEST_F(AgentLinkTest, OffersAgainWhenItHearsNothing) {
    AgentLink::Options impatient;
    impatient.patience = 20ms;
    auto& link = start({}, impatient);
    ASSERT_TRUE(link.offer(inbound("1")));
    ASSERT_TRUE(until([&] { return keys_heard().size() >= 3; }));
    accept("1");
    ASSERT_TRUE(until([&] { return link.unaccepted() == 0; }));
}

TEST_F(AgentLinkTest, RefusesWhenFullAndTellsWhenThereIsRoom) {
    AgentLink::Options small;
    small.most_messages = 50;
    int rooms = 0;
    AgentLink::Handlers handlers;
    handlers.room = [&] { ++rooms; };
    auto& link = start(handlers, small);
    for (int n = 0; n < 50; ++n) ASSERT_TRUE(link.offer(inbound(std::to_string(n))));
    EXPECT_FALSE(link.has_room());
    const Done refused = link.offer(inbound("50"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::busy);
    accept("0");
    ASSERT_TRUE(until([&] { return rooms == 1; }));
    EXPECT_TRUE(link.offer(inbound("50")));
    accepts = true;
    for (const std::string& key : keys_heard()) accept(key);
    ASSERT_TRUE(until([&] { return link.unaccepted() == 0; }));
    EXPECT_EQ(rooms, 1);
    const Keys heard_keys = keys_heard();
    ASSERT_EQ(heard_keys.size(), 51u);
    for (int n = 0; n < 51; ++n) EXPECT_EQ(heard_keys[static_cast<size_t>(n)], std::to_string(n));
}

TEST_F(AgentLinkTest, HandsADeliveryOverOnceAndRepeatsItsReports) {
    int handed = 0;
    AgentLink::Handlers handlers;
    handlers.deliver = [&](const auto&) { ++handed; };
    auto& link = start(answering(handlers));
    deliver("d1");
    deliver("d1");  // while it is in hand
    settle();
    EXPECT_EQ(handed, 1);
    link.report(outcome("d1", 0, 2, DeliveryReport::SENT));
    link.report(outcome("d1", 1, 2, DeliveryReport::SENT));
    settle();
    heard.clear();
    deliver("d1");
    settle();
    EXPECT_EQ(handed, 1);
    EXPECT_EQ(outcomes_heard(), (Outcomes{DeliveryReport::SENT, DeliveryReport::SENT}));
}

TEST_F(AgentLinkTest, TriesAgainWhatItPutOff) {
    std::vector<bool> ambiguous;
    AgentLink::Handlers handlers;
    handlers.deliver = [&](const auto& message) {
        ambiguous.push_back(message.first_part_is_ambiguous());
    };
    auto& link = start(answering(handlers));
    deliver("d1");
    settle();
    link.report(outcome("d1", 0, 2, DeliveryReport::SENT));
    link.report(outcome("d1", 1, 2, DeliveryReport::LATER));
    deliver("d1", 0, true);  // by an agent that heard of neither
    settle();
    EXPECT_EQ(ambiguous.size(), 1u);
    EXPECT_EQ(outcomes_heard(), (Outcomes{DeliveryReport::SENT, DeliveryReport::LATER,
                                          DeliveryReport::SENT, DeliveryReport::LATER}));
    deliver("d1", 1, true);
    settle();
    EXPECT_EQ(ambiguous, (std::vector<bool>{false, false}));
}

TEST_F(AgentLinkTest, ReportsLostWhatAnEarlierProcessMayHaveSent) {
    int handed = 0;
    AgentLink::Handlers handlers;
    handlers.deliver = [&](const auto&) { ++handed; };
    start(answering(handlers));
    deliver("d1", 3, true);
    settle();
    EXPECT_EQ(handed, 0);
    ASSERT_EQ(outcomes_heard(), (Outcomes{DeliveryReport::LOST}));
    EXPECT_EQ(heard.back().report().part(), 3u);
}

TEST_F(AgentLinkTest, HandsOverWhatThePlatformWouldDropAsARepetition) {
    AgentLink::Options nonces;
    nonces.platform_drops_repetitions = true;
    int handed = 0;
    AgentLink::Handlers handlers;
    handlers.deliver = [&](const auto& message) {
        EXPECT_TRUE(message.first_part_is_ambiguous());
        ++handed;
    };
    start(answering(handlers), nonces);
    deliver("d1", 3, true);
    settle();
    EXPECT_EQ(handed, 1);
}

TEST_F(AgentLinkTest, BeginsAPartOnlyWhenThatIsNoted) {
    auto& link = start(answering({}));
    deliver("d1");
    settle();
    int begun = 0;
    link.begin_part("d1", 0, 1, [&] { ++begun; });
    settle();
    EXPECT_EQ(begun, 0);
    EXPECT_EQ(outcomes_heard(), (Outcomes{DeliveryReport::SENDING}));
    agent_restarts(2);  // before it wrote that down
    settle();
    EXPECT_EQ(outcomes_heard(), (Outcomes{DeliveryReport::SENDING}));
    note("d1", 0);
    note("d1", 0);
    settle();
    EXPECT_EQ(begun, 1);
}

TEST_F(AgentLinkTest, AsksALaterAgentForAPairingCode) {
    auto& link = start(answering({}));
    std::vector<std::string> codes;
    hardshell::proto::Person ann;
    ann.set_id("555");
    link.want_pairing(ann, {}, [&](const auto& code) { codes.push_back(code.code()); });
    settle();
    agent_restarts(2);
    settle();
    ASSERT_TRUE(heard.back().has_pairing_wanted());
    EXPECT_EQ(heard.back().pairing_wanted().sender().id(), "555");
    AgentToChannel answer;
    answer.mutable_pairing_code()->set_id(heard.back().pairing_wanted().id());
    answer.mutable_pairing_code()->set_code("ABCD2345");
    say(answer);
    say(answer);
    settle();
    EXPECT_EQ(codes, (Keys{"ABCD2345"}));
}

TEST_F(AgentLinkTest, KnowsWhoWasApproved) {
    int told = 0;
    AgentLink::Handlers handlers;
    handlers.allow_list = [&] { ++told; };
    auto& link = start(answering(handlers));
    EXPECT_FALSE(link.allow_list());
    AgentToChannel list;
    list.mutable_allow_list()->add_entries("555");
    say(list);
    settle();
    ASSERT_TRUE(link.allow_list());
    EXPECT_EQ(*link.allow_list(), (Keys{"555"}));
    EXPECT_EQ(told, 1);
}

TEST_F(AgentLinkTest, KnowsWhatWasChosenForGroups) {
    auto& link = start(answering({}));
    AgentToChannel list;
    auto* group = list.mutable_activations()->add_groups();
    group->set_chat_id("-1");
    group->set_thread_id("42");
    group->set_needs_mention(true);
    list.mutable_activations()->add_groups()->set_chat_id("-1");
    say(list);
    settle();
    EXPECT_EQ(link.needs_mention("-1", "42"), true);
    EXPECT_EQ(link.needs_mention("-1"), false);
    EXPECT_EQ(link.needs_mention("-1", "43"), std::nullopt);
    EXPECT_EQ(link.needs_mention("-2"), std::nullopt);
    list.mutable_activations()->clear_groups();
    say(list);
    settle();
    EXPECT_EQ(link.needs_mention("-1"), std::nullopt) << "taken back";
}

TEST_F(AgentLinkTest, TellsEachAgentItsStatus) {
    auto& link = start(answering({}));
    hardshell::proto::AccountStatus status;
    status.set_connected(true);
    status.set_mode("polling");
    link.set_status(status);
    settle();
    agent_restarts(2);
    settle();
    ASSERT_EQ(heard.size(), 2u);
    EXPECT_TRUE(heard[0].link_up().answers());
    ASSERT_TRUE(heard[1].has_status());
    EXPECT_TRUE(heard[1].status().connected());
    EXPECT_EQ(heard[1].status().mode(), "polling");
}

TEST_F(AgentLinkTest, TellsEachAgentOfTheChatsThatMoved) {
    auto& link = start(answering({}));
    link.chat_moved("-5", "-1001234567890");
    settle();
    agent_restarts(2);
    settle();
    ASSERT_EQ(heard.size(), 2u);
    ASSERT_TRUE(heard[1].has_chat_moved());
    EXPECT_EQ(heard[1].chat_moved().from_chat_id(), "-5");
    EXPECT_EQ(heard[1].chat_moved().to_chat_id(), "-1001234567890");
}

TEST_F(AgentLinkTest, PassesOnWhatMayBeLost) {
    std::vector<std::string> seen;
    AgentLink::Handlers handlers;
    handlers.typing = [&](const auto& typing) { seen.push_back(typing.on() ? "typing" : "-"); };
    handlers.reaction = [&](const auto& reaction) { seen.push_back(reaction.emoji()); };
    handlers.draft = [&](const auto& draft) { seen.push_back(draft.text()); };
    handlers.commands = [&](const auto& list) { seen.push_back(list.commands(0).name()); };
    handlers.log_out = [&] { seen.push_back("log out"); };
    start(answering(handlers));
    AgentToChannel message;
    message.mutable_typing()->set_on(true);
    say(message);
    message.mutable_reaction()->set_emoji("eyes");
    say(message);
    message.mutable_draft()->set_text("so far");
    say(message);
    message.mutable_commands()->add_commands()->set_name("status");
    say(message);
    message.mutable_log_out();
    say(message);
    settle();
    EXPECT_EQ(seen, (Keys{"typing", "eyes", "so far", "status", "log out"}));
}

}  // namespace
