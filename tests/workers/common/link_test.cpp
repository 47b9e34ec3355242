#include "workers/common/link.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "proto/envelope.pb.h"
#include "proto/gateway_agent.pb.h"
#include "proto/supervisor_worker.pb.h"

using namespace std::chrono_literals;
using hardshell::proto::GatewayToAgent;
using hardshell::proto::LinkEnd;

namespace {

class LinkTest : public testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/link-XXXXXX";
        directory = mkdtemp(name);
    }
    void TearDown() override { std::filesystem::remove_all(directory); }

    LinkEnd end(bool binds) const {
        LinkEnd made;
        made.set_name("gateway-agent");
        made.set_peer(binds ? "gateway" : "agent");
        made.set_endpoint("ipc://" + directory + "/socket");
        made.set_binds(binds);
        return made;
    }
    std::unique_ptr<Link> open(bool binds, uint64_t incarnation) {
        auto link = Link::open(*loop, end(binds), incarnation);
        EXPECT_TRUE(link) << link.error().what;
        return std::move(*link);
    }
    static GatewayToAgent message(uint64_t id, size_t size = 0) {
        GatewayToAgent made;
        made.mutable_rpc()->set_id(id);
        made.mutable_rpc()->set_params_json(std::string(size, 'p'));
        return made;
    }
    static uint64_t id_of(std::string_view bytes) {
        GatewayToAgent parsed;
        EXPECT_TRUE(parsed.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
        return parsed.rpc().id();
    }
    int run(std::chrono::milliseconds limit = 10s) {
        auto timer = loop->after(limit, [this] { loop->stop(-1); });
        return loop->run();
    }
    // Until `link` has received `count` messages in all, stored in `into`.
    int receive(Link& link, std::vector<uint64_t>& into, size_t count) {
        link.on_message([&, count](std::string_view bytes) {
            into.push_back(id_of(bytes));
            if (into.size() == count) loop->stop(0);
        });
        return run();
    }

    std::unique_ptr<Loop> loop = make_epoll_loop();
    std::string directory;
};

TEST_F(LinkTest, DeliversInOrderBothWays) {
    constexpr uint64_t count = 10'000;
    auto agent = open(true, 1);
    auto gateway = open(false, 1);
    uint64_t at_agent = 0, at_gateway = 0;
    const auto receiver = [&](uint64_t& received) {
        return [&](std::string_view bytes) {
            ASSERT_EQ(id_of(bytes), ++received);
            if (at_agent == count && at_gateway == count) loop->stop(0);
        };
    };
    agent->on_message(receiver(at_agent));
    gateway->on_message(receiver(at_gateway));
    for (uint64_t id = 1; id <= count; ++id) {
        ASSERT_TRUE(gateway->send(message(id, 100)));
        ASSERT_TRUE(agent->send(message(id, 100)));
    }
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(at_agent, count);
    EXPECT_EQ(at_gateway, count);
    EXPECT_EQ(agent->waiting(), 0u);
    EXPECT_EQ(gateway->counts().refused, 0u);
}

// Each answer is sent from within the handler of the question: the case in which a wake-up that
// was read by sending would be missed.
TEST_F(LinkTest, SendsTogetherBeforeItSleepsAndInOrder) {
    auto agent = open(true, 1);
    auto gateway = open(false, 1);
    ASSERT_TRUE(gateway->send_together(message(1)));
    ASSERT_TRUE(gateway->send_together(message(2)));
    EXPECT_EQ(gateway->waiting(), 2u);
    ASSERT_TRUE(gateway->send(message(3)));
    EXPECT_EQ(gateway->waiting(), 0u);
    ASSERT_TRUE(gateway->send_together(message(4)));
    std::vector<uint64_t> received;
    ASSERT_EQ(receive(*agent, received, 4), 0);
    EXPECT_EQ(received, (std::vector<uint64_t>{1, 2, 3, 4}));
}

TEST_F(LinkTest, NeverStallsInAConversation) {
    constexpr uint64_t rounds = 5'000;
    auto agent = open(true, 1);
    auto gateway = open(false, 1);
    agent->on_message([&](std::string_view bytes) {
        ASSERT_TRUE(agent->send(message(id_of(bytes))));
        ASSERT_TRUE(agent->send(message(id_of(bytes))));
    });
    uint64_t answers = 0;
    gateway->on_message([&](std::string_view bytes) {
        ++answers;
        const uint64_t id = id_of(bytes);
        ASSERT_EQ(id, (answers + 1) / 2);
        if (answers % 2 == 0 && id < rounds) {
            ASSERT_TRUE(gateway->send(message(id + 1)));
        }
        if (answers == rounds * 2) loop->stop(0);
    });
    ASSERT_TRUE(gateway->send(message(1)));
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(answers, rounds * 2);
}

TEST_F(LinkTest, KeepsWhatIsSentBeforeThePeerIsThere) {
    auto gateway = open(false, 1);
    for (uint64_t id = 1; id <= 500; ++id) ASSERT_TRUE(gateway->send(message(id)));
    auto agent = open(true, 1);
    std::vector<uint64_t> received;
    EXPECT_EQ(receive(*agent, received, 500), 0);
    for (uint64_t id = 1; id <= 500; ++id) ASSERT_EQ(received[id - 1], id);
}

TEST_F(LinkTest, ReportsANewLifeOfThePeerBeforeItsFirstMessage) {
    auto gateway = open(false, 3);
    auto agent = open(true, 1);
    std::vector<std::string> seen;
    gateway->on_peer([&](uint64_t life) { seen.push_back("life " + std::to_string(life)); });
    gateway->on_message([&](std::string_view bytes) {
        seen.push_back("message " + std::to_string(id_of(bytes)));
        loop->stop(0);
    });
    ASSERT_TRUE(agent->send(message(1)));
    ASSERT_EQ(run(), 0);
    agent.reset();
    agent = open(true, 2);
    ASSERT_TRUE(agent->send(message(2)));
    ASSERT_EQ(run(), 0);
    EXPECT_EQ(seen, (std::vector<std::string>{"life 1", "message 1", "life 2", "message 2"}));

    std::vector<uint64_t> received;
    ASSERT_TRUE(gateway->send(message(7)));
    EXPECT_EQ(receive(*agent, received, 1), 0);  // the same gateway reaches the new agent
}

TEST_F(LinkTest, DropsFramesOfAnEarlierLife) {
    auto gateway = open(false, 1);
    auto agent = open(true, 1);
    gateway->peer_is(2, false);
    std::vector<uint64_t> received;
    ASSERT_TRUE(agent->send(message(1)));
    auto check = loop->every(1ms, [&] {
        if (gateway->counts().stale == 1) loop->stop(0);
    });
    gateway->on_message([&](std::string_view bytes) { received.push_back(id_of(bytes)); });
    EXPECT_EQ(run(), 0);
    EXPECT_TRUE(received.empty());
}

// ZeroMQ hands what the dead one did not read to its successor.
TEST_F(LinkTest, DropsFramesForAnEarlierLifeOfItsOwn) {
    auto gateway = open(false, 1);
    gateway->send_to_known_life_only();
    gateway->peer_is(1, false);
    ASSERT_TRUE(gateway->send(message(1)));
    gateway->peer_is(2, true);
    ASSERT_TRUE(gateway->send(message(2)));
    auto agent = open(true, 2);
    std::vector<uint64_t> received;
    agent->on_message([&](std::string_view bytes) {
        received.push_back(id_of(bytes));
        loop->stop(0);
    });
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(received, std::vector<uint64_t>{2});
    EXPECT_EQ(agent->counts().stale, 1u);
}

TEST_F(LinkTest, CountsWhatIsNoEnvelope) {
    auto agent = open(true, 1);
    zmq::context_t context(1);
    zmq::socket_t stranger(context, zmq::socket_type::dealer);
    stranger.set(zmq::sockopt::linger, 0);
    stranger.connect(end(false).endpoint());
    hardshell::proto::Envelope without_incarnation;
    without_incarnation.set_sequence(1);
    without_incarnation.set_message("x");
    for (const std::string& frame :
         {std::string("\xff\xff\xff"), std::string(), without_incarnation.SerializeAsString()})
        ASSERT_TRUE(stranger.send(zmq::buffer(frame), zmq::send_flags::none));
    int messages = 0;
    agent->on_message([&](std::string_view) { ++messages; });
    auto check = loop->every(1ms, [&] {
        if (agent->counts().malformed == 3) loop->stop(0);
    });
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(messages, 0);
}

TEST_F(LinkTest, RefusesWhenThePeerDoesNotKeepUp) {
    auto agent = open(true, 1);  // nobody connects
    Done sent;
    uint64_t taken = 0;
    while ((sent = agent->send(message(1, 1 << 20))) && taken < 1000) ++taken;
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().fault, Fault::busy);
    EXPECT_EQ(agent->counts().refused, 1u);
    EXPECT_GE(taken, 30u);
    EXPECT_LE(taken, 32u);
    agent->peer_is(1, true);
    EXPECT_EQ(agent->waiting(), 0u);
    EXPECT_TRUE(agent->send(message(2)));
}

TEST_F(LinkTest, RefusesAMessageThatIsTooLarge) {
    auto agent = open(true, 1);
    EXPECT_EQ(agent->send(message(1, Link::largest_frame + 1)).error().fault, Fault::bad_message);
}

TEST_F(LinkTest, CarriesAMessageNearTheLargestSize) {
    auto agent = open(true, 1);
    auto gateway = open(false, 1);
    size_t size = 0;
    agent->on_message([&](std::string_view bytes) {
        size = bytes.size();
        loop->stop(0);
    });
    ASSERT_TRUE(gateway->send(message(1, Link::largest_frame - 4096)));
    EXPECT_EQ(run(), 0);
    EXPECT_GT(size, Link::largest_frame - 4096);
}

TEST_F(LinkTest, MayBeClosedByItsOwnHandler) {
    auto agent = open(true, 1);
    auto gateway = open(false, 1);
    const std::string captured(300, 'c');
    size_t size = 0;
    agent->on_message([&, captured](std::string_view) {
        agent.reset();
        size = captured.size();
        loop->stop(0);
    });
    for (uint64_t id = 1; id <= 3; ++id) ASSERT_TRUE(gateway->send(message(id)));
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(size, 300u);
}

TEST_F(LinkTest, SaysWhichLinkCannotBeOpened) {
    LinkEnd wrong = end(true);
    wrong.set_endpoint("ipc:///nowhere/at/all/socket");
    const auto link = Link::open(*loop, wrong, 1);
    ASSERT_FALSE(link);
    EXPECT_NE(link.error().what.find("/nowhere/at/all/socket"), std::string::npos);
    EXPECT_NE(link.error().what.find("gateway"), std::string::npos);
}

// What else the loop has to do, the sign that the process lives among it, must not wait for the
// end of what never ends.
TEST_F(LinkTest, LetsTheLoopTurnHoweverManyMessagesWait) {
    constexpr uint64_t count = 60;
    auto agent = open(true, 1);
    auto gateway = open(false, 1);
    uint64_t seen = 0;
    int turns = 0;
    agent->on_message([&](std::string_view) {
        std::this_thread::sleep_for(5ms);  // a request that costs something
        if (++seen == count) loop->stop(0);
    });
    const auto tick = loop->every(1ms, [&] { turns += seen > 0 && seen < count ? 1 : 0; });
    for (uint64_t id = 1; id <= count; ++id) ASSERT_TRUE(gateway->send(message(id)));
    EXPECT_EQ(run(), 0);
    EXPECT_GE(turns, 4);
}

}  // namespace
