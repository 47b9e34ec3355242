// Images and files that a request names by address: asked for one after another, before the turn.

#include "workers/gateway/media_gatherer.h"

#include <gtest/gtest.h>

#include <map>

namespace gateway {
namespace {

using hardshell::proto::AgentToGateway;

// Time passes when the test says so, for timers of one length.
class HandLoop final : public Loop {
  public:
    Registration watch(int, unsigned, Handler) override { return {}; }
    void rewatch(int, unsigned) override {}
    Registration after(std::chrono::milliseconds delay, Task task) override {
        const uint64_t id = next_++;
        timers_[id] = {delay, std::move(task)};
        return Registration([this, id] { timers_.erase(id); });
    }
    Registration every(std::chrono::milliseconds, Task) override { return {}; }
    void soon(Task) override {}
    Registration before_sleep(Task) override { return {}; }
    int run() override { return 0; }
    void stop(int) override {}

    void pass(std::chrono::milliseconds delay) {
        std::vector<Task> due;
        for (const auto& [id, timer] : timers_)
            if (timer.first == delay) due.push_back(timer.second);
        for (const Task& task : due) task();
    }

  private:
    std::map<uint64_t, std::pair<std::chrono::milliseconds, Task>> timers_;
    uint64_t next_ = 1;
};

class AskedAgent final : public AgentChannel {
  public:
    Done send(const google::protobuf::MessageLite& message) override {
        hardshell::proto::GatewayToAgent read;
        read.ParseFromString(message.SerializeAsString());
        asked.push_back(read.rpc());
        return {};
    }
    void forget_peer(uint64_t) override {}
    std::vector<hardshell::proto::Rpc> asked;
};

class MediaGathering : public testing::Test {
  protected:
    MediaGathering() {
        WorkerState agent;
        agent.set_name("agent");
        agent.set_state(WorkerState::READY);
        agent.set_incarnation(1);
        gate_.workers_changed({agent});
        AgentToGateway hello;
        hello.mutable_link_up();
        gate_.take(hello.SerializeAsString());
    }
    void gather(const char* attachments) {
        TurnOrder order;
        order.message = "see";
        order.attachments = *parse_json(attachments);
        media_.gather(
            std::move(order), [this] { return client_left_; },
            [this](Result<TurnOrder> order_made) { ends_.push_back(order_made); });
    }
    void answer(size_t which, const char* payload, const char* error = "") {
        AgentToGateway message;
        auto& result = *message.mutable_rpc_result();
        result.set_id(channel_.asked.at(which).id());
        result.set_ok(*error == 0);
        result.set_payload_json(payload);
        result.set_error_code(error);
        result.set_error_message(payload);
        gate_.take(message.SerializeAsString());
    }

    BodyBudget bodies_;
    HandLoop loop_;
    AskedAgent channel_;
    AgentGate gate_{loop_, channel_};
    HttpSettings settings_ = read_http_settings(*parse_json(
        R"({"gateway":{"http":{"endpoints":{"responses":{"images":{"maxBytes":1000,
            "maxRedirects":2,"timeoutMs":3000}}}}}})"));
    MediaGatherer media_{loop_, gate_, settings_, bodies_};
    bool client_left_ = false;
    std::vector<Result<TurnOrder>> ends_;
};

constexpr const char* two_addresses =
    R"([{"type":"image","url":"https://h/a","where":"input[0].content[0].image_url"},
        {"type":"file","url":"https://h/b","where":"input[0].content[1].file_url","fileName":"b"}])";
constexpr const char* one_address =
    R"([{"type":"image","url":"https://h/a","where":"input[0].content[0].image_url"}])";

TEST_F(MediaGathering, AsksForOneAfterAnotherWithTheOwnersLimits) {
    gather(two_addresses);
    ASSERT_EQ(channel_.asked.size(), 1u);
    EXPECT_EQ(channel_.asked[0].method(), "internal.fetch");
    EXPECT_EQ(channel_.asked[0].params_json(),
              R"({"url":"https://h/a","maxBytes":1000,"maxRedirects":2,"timeoutMs":3000})");
    answer(0, R"({"mimeType":"image/png","data":"aGk="})");
    ASSERT_EQ(channel_.asked.size(), 2u);
    EXPECT_EQ(channel_.asked[1].params_json(),
              R"({"url":"https://h/b","maxBytes":5242880,"maxRedirects":3,"timeoutMs":10000})");
    EXPECT_TRUE(ends_.empty());
    answer(1, R"({"mimeType":"text/plain","data":"aGVsbG8="})");
    ASSERT_EQ(ends_.size(), 1u);
    ASSERT_TRUE(ends_[0]);
    EXPECT_EQ(ends_[0]->message, "see\n\n[b]\nhello");
    EXPECT_EQ(print_json(ends_[0]->attachments),
              R"([{"type":"image","mimeType":"image/png","content":"aGk="}])");
}

TEST_F(MediaGathering, AsksNobodyWhereAllIsThere) {
    gather(R"([{"type":"image","mimeType":"image/png","content":"aGk="}])");
    EXPECT_EQ(ends_.size(), 1u);
    EXPECT_TRUE(channel_.asked.empty());
}

TEST_F(MediaGathering, NamesTheMemberThatCannotBeFetched) {
    gather(two_addresses);
    answer(0, "it is redirected too often", "INVALID_REQUEST");
    ASSERT_EQ(ends_.size(), 1u);
    ASSERT_FALSE(ends_[0]);
    EXPECT_EQ(ends_[0].error().fault, Fault::bad_message);
    EXPECT_EQ(ends_[0].error().what, "input[0].content[0].image_url: it is redirected too often");
    EXPECT_EQ(channel_.asked.size(), 1u) << "nothing else is fetched for it";
    gather(one_address);
    answer(1, "nobody is there", "UNAVAILABLE");
    ASSERT_EQ(ends_.size(), 2u);
    EXPECT_EQ(ends_[1].error().fault, Fault::unreachable) << "another time it may work";
}

TEST_F(MediaGathering, HasABound) {
    std::string many = "[";
    for (size_t i = 0; i <= MediaGatherer::most_addresses; ++i)
        many += std::string(i > 0 ? "," : "") + R"({"type":"image","url":"https://h/a"})";
    gather((many + "]").c_str());
    ASSERT_EQ(ends_.size(), 1u);
    EXPECT_EQ(ends_[0].error().fault, Fault::bad_message);
    for (size_t i = 0; i <= MediaGatherer::most_at_once; ++i) gather(one_address);
    EXPECT_EQ(channel_.asked.size(), MediaGatherer::most_at_once);
    ASSERT_EQ(ends_.size(), 2u);
    EXPECT_EQ(ends_[1].error().fault, Fault::busy);
    answer(0, R"({"mimeType":"image/png","data":"aGk="})");
    gather(one_address);
    EXPECT_EQ(channel_.asked.size(), MediaGatherer::most_at_once + 1) << "one has ended";
}

TEST_F(MediaGathering, KeepsAllTogetherWithinAMessage) {
    Json attachments = *parse_json(two_addresses);
    attachments.insert(
        attachments.begin(),
        Json{{"type", "file"}, {"content", std::string(media_.most_together() - 400, 'A')}});
    gather(print_json(attachments).c_str());
    ASSERT_EQ(channel_.asked.size(), 1u);
    EXPECT_NE(channel_.asked[0].params_json().find("\"maxBytes\":298,"), std::string::npos)
        << channel_.asked[0].params_json();
    const std::string payload =
        R"({"mimeType":"image/png","data":")" + std::string(400, 'A') + "\"}";
    answer(0, payload.c_str());
    ASSERT_EQ(ends_.size(), 1u);
    ASSERT_FALSE(ends_[0]);
    EXPECT_EQ(ends_[0].error().what,
              "input[0].content[1].file_url: images and files are too much together (more than "
              "12582912 bytes as base64); send fewer");
}

TEST_F(MediaGathering, ReservesWhatItMayHold) {
    gather(one_address);
    EXPECT_EQ(bodies_.used(), 1336u) << "1000 bytes as base64";
    answer(0, R"({"mimeType":"image/png","data":"aGk="})");
    EXPECT_EQ(ends_.size(), 1u);
    EXPECT_EQ(bodies_.used(), 0u);
    bodies_.set_total(2000);
    gather(one_address);
    gather(one_address);
    EXPECT_EQ(channel_.asked.size(), 2u);
    ASSERT_EQ(ends_.size(), 2u);
    EXPECT_EQ(ends_[1].error().fault, Fault::busy);
    answer(1, "no", "INVALID_REQUEST");
    EXPECT_EQ(bodies_.used(), 0u) << "a failure gives it back";
    EXPECT_EQ(media_.most_together(), 2000u) << "no more than there is for all";
    gather(two_addresses);
    EXPECT_EQ(bodies_.used(), 1997u) << "all but the text that is there";
}

TEST_F(MediaGathering, HasOneTimeForAllAddresses) {
    gather(two_addresses);
    answer(0, R"({"mimeType":"image/png","data":"aGk="})");
    ASSERT_EQ(channel_.asked.size(), 2u);
    loop_.pass(MediaGatherer::longest);
    ASSERT_EQ(ends_.size(), 1u);
    ASSERT_FALSE(ends_[0]);
    EXPECT_EQ(ends_[0].error().fault, Fault::timed_out);
    EXPECT_EQ(ends_[0].error().what,
              "input[0].content[1].file_url: what the request names by address was not there "
              "within 45 seconds");
    EXPECT_EQ(bodies_.used(), 0u);
    answer(1, R"({"mimeType":"text/plain","data":"aGVsbG8="})");
    loop_.pass(MediaGatherer::longest);
    EXPECT_EQ(ends_.size(), 1u) << "what comes later is dropped";
    for (size_t i = 0; i < MediaGatherer::most_at_once; ++i) gather(one_address);
    EXPECT_EQ(channel_.asked.size(), 2 + MediaGatherer::most_at_once) << "its place is free";
}

TEST_F(MediaGathering, FetchesNothingForAClientThatLeft) {
    gather(two_addresses);
    client_left_ = true;
    answer(0, R"({"mimeType":"image/png","data":"aGk="})");
    EXPECT_EQ(channel_.asked.size(), 1u);
    EXPECT_TRUE(ends_.empty()) << "no turn begins";
    EXPECT_EQ(bodies_.used(), 0u);
}

}  // namespace
}  // namespace gateway
