#include "supervisor/owner_calls.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <optional>

namespace supervisor {
namespace {

using hardshell::proto::ControlReply;
using hardshell::proto::OwnerRequest;
using hardshell::proto::OwnerResult;

class OwnerCallsTest : public testing::Test {
  protected:
    OwnerCallsTest() {
        int ends[2];
        EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
        caller_ =
            std::make_unique<ControlClient>(std::make_unique<FrameStream>(*loop_, Fd(ends[0])));
        command_line_ = std::make_unique<FrameStream>(*loop_, Fd(ends[1]));
        command_line_->on_frame([this](std::string_view frame) {
            reply_.emplace();
            reply_->ParseFromArray(frame.data(), static_cast<int>(frame.size()));
            loop_->stop(0);
        });
    }
    void ask() {
        calls_.ask(*caller_, "device.pair.list", "{}", [this](const OwnerRequest& request) {
            sent_ = request;
            return Done{};
        });
    }
    ControlReply reply() {
        const auto limit = loop_->after(std::chrono::seconds(10), [this] { loop_->stop(1); });
        if (!reply_) loop_->run();
        EXPECT_TRUE(reply_);
        return reply_.value_or(ControlReply{});
    }
    OwnerResult result(uint64_t id, const std::string& payload) {
        OwnerResult made;
        made.set_id(id);
        made.set_payload_json(payload);
        return made;
    }

    std::unique_ptr<Loop> loop_ = make_epoll_loop();
    OwnerCalls calls_{*loop_, std::chrono::milliseconds(20)};
    std::unique_ptr<ControlClient> caller_;
    std::unique_ptr<FrameStream> command_line_;
    OwnerRequest sent_;
    std::optional<ControlReply> reply_;
};

TEST_F(OwnerCallsTest, BringsTheAnswerToWhoAsked) {
    ask();
    EXPECT_EQ(sent_.method(), "device.pair.list");
    EXPECT_EQ(sent_.params_json(), "{}");
    calls_.answered(result(sent_.id() + 1, "another's"));
    calls_.answered(result(sent_.id(), R"({"paired":[]})"));
    EXPECT_EQ(reply().payload_json(), R"({"paired":[]})");
    EXPECT_TRUE(reply_->last());
    EXPECT_EQ(calls_.waiting(), 0u);
    calls_.answered(result(sent_.id(), "twice"));
}

TEST_F(OwnerCallsTest, AnswersForAWorkerThatDied) {
    ask();
    calls_.worker_ended("the gateway worker ended");
    EXPECT_EQ(reply().error(), "the gateway worker ended");
    EXPECT_EQ(calls_.waiting(), 0u);
}

TEST_F(OwnerCallsTest, SaysWhyNothingCouldBeAsked) {
    calls_.ask(*caller_, "m", "{}", [](const OwnerRequest&) {
        return Done(Error{Fault::busy, "gateway is held"});
    });
    EXPECT_EQ(reply().error(), "gateway is held");
    EXPECT_EQ(calls_.waiting(), 0u);
}

TEST_F(OwnerCallsTest, ForgetsACommandLineThatHangsUp) {
    ask();
    caller_.reset();
    EXPECT_EQ(calls_.waiting(), 0u);
    calls_.answered(result(sent_.id(), "too late"));
}

TEST_F(OwnerCallsTest, DoesNotWaitForEver) {
    ask();
    EXPECT_NE(reply().error().find("does not answer"), std::string::npos);
    EXPECT_EQ(calls_.waiting(), 0u);
}

}  // namespace
}  // namespace supervisor
