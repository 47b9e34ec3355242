#include "workers/gateway/config_gate.h"

#include <gtest/gtest.h>

#include <vector>

#include "workers/gateway/config_methods.h"

namespace {

using gateway::ConfigGate;

class TheConfigGate : public testing::Test {
  protected:
    std::unique_ptr<Loop> loop = make_epoll_loop();
    std::vector<ConfigGate::ConfigCall> sent;
    Done outcome;
    std::vector<ConfigGate::ConfigAnswer> answers;
    ConfigGate gate{*loop, [this](const ConfigGate::ConfigCall& call) {
                        sent.push_back(call);
                        return outcome;
                    }};

    void ask(const std::string& method) {
        gate.ask(method, "{}", [this](const auto& answer) { answers.push_back(answer); });
    }
    void answer(uint64_t id, const std::string& payload) {
        ConfigGate::ConfigAnswer given;
        given.set_id(id);
        given.set_payload_json(payload);
        gate.take(given);
    }
};

TEST_F(TheConfigGate, GivesEachAnswerToWhoAskedForIt) {
    ask("config.get");
    ask("config.schema");
    ASSERT_EQ(sent.size(), 2u);
    EXPECT_EQ(sent[1].method(), "config.schema");
    EXPECT_NE(sent[0].id(), sent[1].id());
    answer(sent[1].id(), "second");
    answer(sent[0].id(), "first");
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers[0].payload_json(), "second");
    EXPECT_EQ(answers[1].payload_json(), "first");
}

TEST_F(TheConfigGate, KeepsWhatStillHolds) {
    ask("config.get");
    EXPECT_TRUE(sent[0].keeps());
    EXPECT_EQ(sent[0].known(), 0u);
    ConfigGate::ConfigAnswer first;
    first.set_id(sent[0].id());
    first.set_payload_json("first");
    first.set_version(4);
    gate.take(first);
    ask("config.get");
    EXPECT_EQ(sent[1].known(), 4u);
    ConfigGate::ConfigAnswer same;
    same.set_id(sent[1].id());
    same.set_version(4);
    same.set_unchanged(true);
    gate.take(same);
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers[1].payload_json(), "first");
    ask("config.schema");
    EXPECT_FALSE(sent[2].keeps());
    gate.ask("config.get", R"({"includeSecrets":true})", [](const auto&) {});
    EXPECT_FALSE(sent[3].keeps()) << "what holds secrets is not kept";
}

// Asked by two at once: the second is told that the answer which the first got still holds.
TEST_F(TheConfigGate, KnowsTheAnswerThatCameMeanwhileByItsVersion) {
    ask("config.get");
    ask("config.get");
    ConfigGate::ConfigAnswer first;
    first.set_id(sent[0].id());
    first.set_payload_json("first");
    first.set_version(7);
    gate.take(first);
    ConfigGate::ConfigAnswer same;
    same.set_id(sent[1].id());
    same.set_version(8);
    same.set_unchanged(true);
    gate.take(same);
    EXPECT_EQ(answers[1].error_code(), "UNAVAILABLE") << "it never came";
    ask("config.get");
    EXPECT_EQ(sent[2].known(), 0u) << "the next one is whole";
}

TEST_F(TheConfigGate, AnswersOnceOnly) {
    ask("config.get");
    answer(sent[0].id(), "a");
    answer(sent[0].id(), "b");
    answer(77, "c");
    EXPECT_EQ(answers.size(), 1u);
}

TEST_F(TheConfigGate, SaysWhenNobodyCanBeAsked) {
    outcome = Error{Fault::unreachable, "the supervisor is gone"};
    ask("config.get");
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].error_code(), "UNAVAILABLE");
    EXPECT_EQ(answers[0].error_message(), "the supervisor is gone");
}

TEST_F(TheConfigGate, HasRoomForSoManyAndNoMore) {
    for (size_t count = 0; count < ConfigGate::most_open; ++count) ask("config.get");
    EXPECT_TRUE(answers.empty());
    ask("config.get");
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].error_code(), "UNAVAILABLE");
}

TEST(ConfigMethods, CheckTheirParameters) {
    const auto faults = [](const char* method, const char* params) {
        return gateway::faults_of(*parse_json(params), *gateway::config_params(method));
    };
    EXPECT_EQ(faults("config.get", "{}"), "");
    EXPECT_EQ(faults("config.get", R"({"includeSecrets":true})"), "");
    EXPECT_NE(faults("config.get", R"({"x":1})"), "");
    EXPECT_EQ(faults("config.set", R"({"raw":"{}","baseHash":"0"})"), "");
    EXPECT_NE(faults("config.set", R"({"raw":""})"), "");
    EXPECT_NE(faults("config.set", R"({"raw":"{}","note":"n"})"), "");
    EXPECT_EQ(
        faults("config.apply", R"({"raw":"{}","note":"n","sessionKey":"s","restartDelayMs":0})"),
        "");
    EXPECT_NE(faults("config.patch", R"({"raw":"{}","restartDelayMs":-1})"), "");
    EXPECT_NE(faults("config.schema", R"({"x":1})"), "");
    EXPECT_EQ(gateway::config_params("config.nothing"), nullptr);
}

TEST(ConfigMethods, PassARefusalOnWithItsDetails) {
    hardshell::proto::ConfigAnswer answer;
    answer.set_error_code("INVALID_REQUEST");
    answer.set_error_message("invalid config: gateway.port: expected a whole number");
    answer.set_error_details_json(R"({"issues":[]})");
    const gateway::Failure failure = gateway::failure_of(answer);
    EXPECT_EQ(failure.code, "INVALID_REQUEST");
    EXPECT_EQ(failure.details_json, R"({"issues":[]})");
    EXPECT_FALSE(failure.retryable);
}

}  // namespace
