// Calls with several keys of one provider, over real sockets; their file on a real disk.

#include <gmock/gmock.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "tests/support/model_double.h"
#include "workers/agent/models.h"
#include "workers/common/base/clock.h"

namespace agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Heard final : public ModelListener {
  public:
    explicit Heard(Loop& loop) : loop_(loop) {}
    void text_delta(std::string_view) override {}
    void thinking_delta(std::string_view) override {}
    void restarted(const ModelFailure&, const ModelName&) override {
        if (on_restart) on_restart();
    }
    void done(Json message) override {
        said = text_member(message["content"][0], "text");
        loop_.stop(0);
    }
    void failed(const ModelFailure& failure) override {
        said = "failed: " + failure.text;
        loop_.stop(0);
    }
    std::string said;
    std::function<void()> on_restart;

  private:
    Loop& loop_;
};

class Keys : public testing::Test {
  protected:
    Keys() {
        char name[] = "/tmp/hardshell-keys-XXXXXX";
        directory = ::mkdtemp(name);
        write(R"({"version": 1, "unknown": {"kept": true}, "profiles": {
            "p:a": {"type": "api_key", "provider": "p", "key": "key-of-a-0123456789"},
            "p:b": {"type": "api_key", "provider": "p", "key": "key-of-b-0123456789"}},
            "order": {"p": ["p:a", "p:b"]}})");
    }
    ~Keys() override { std::filesystem::remove_all(directory); }

    std::string path(const std::string& agent = "main") const {
        return directory + "/agents/" + agent + "/agent/auth-profiles.json";
    }
    void write(const std::string& text, const std::string& agent = "main") {
        std::filesystem::create_directories(std::filesystem::path(path(agent)).parent_path());
        std::ofstream(path(agent)) << text;
        ::chmod(path(agent).c_str(), 0600);
    }
    Json file() const {
        std::ifstream in(path());
        return Json::parse(in);
    }
    Models::Options options() {
        Models::Options made;
        for (const char* provider : {"p", "q"})
            made.config["models"]["providers"][provider] = {{"baseUrl", doubled.url() + "/v1"},
                                                            {"api", "openai-completions"}};
        made.config["agents"]["defaults"]["model"]["primary"] = "p/m";
        made.keys["q"] = Secret("key-of-q-0123456789");
        if (!own_key.empty()) made.keys["p"] = Secret(own_key);
        made.retry_pause = std::chrono::milliseconds(5);
        made.state_dir = directory;
        return made;
    }
    ModelRequest request(const std::string& profile = "", const std::string& agent = "main") {
        ModelRequest made;
        made.candidates = candidates;
        made.agent = agent;
        made.profile = profile;
        made.messages.push_back(Json{{"role", "user"}, {"content", "hello"}});
        return made;
    }
    // One life of the process for each call: what it notes is on the disk when it ends.
    std::string ask(const std::string& profile = "", const std::string& agent = "main") {
        Models models(*loop, options());
        Heard heard(*loop);
        const auto call = models.start(request(profile, agent), heard);
        loop->run();
        EXPECT_THAT(heard.said, Not(HasSubstr("0123456789")));
        return heard.said;
    }
    void write_only_one() {
        write(R"({"profiles": {
            "p:a": {"type": "api_key", "provider": "p", "key": "key-of-a-0123456789"}}})");
    }
    std::vector<std::string> used() {
        std::vector<std::string> keys;
        for (const ModelRequestSeen& request : doubled.requests()) {
            const std::string& header = request.headers.at("authorization");
            keys.push_back(header.substr(14, header.find("-0123") - 14));
        }
        return keys;
    }
    static ModelReply refusing(int status, const char* type, const char* retry_after = "") {
        ModelReply reply;
        reply.status = status;
        reply.error_type = type;
        reply.error_message = "no";
        reply.retry_after = retry_after;
        return reply;
    }

    std::string directory;
    std::unique_ptr<Loop> loop = make_epoll_loop();
    ModelDouble doubled;
    std::vector<ModelName> candidates{{"p", "m"}};
    std::string own_key;
};

}  // namespace

TEST_F(Keys, ANextOneIsTriedWhenOneIsRefusedWhichThenRests) {
    doubled.next(refusing(429, "rate_limit_error", "20"));
    const int64_t before = wall_ms();
    EXPECT_EQ(ask(), "Hello from the model double.");
    EXPECT_THAT(used(), ElementsAre("a", "b"));
    const Json noted = file();
    EXPECT_GE(noted["usageStats"]["p:a"]["cooldownUntil"], before + 20'000);
    EXPECT_EQ(noted["usageStats"]["p:a"]["errorCount"], 1);
    EXPECT_EQ(noted["lastGood"]["p"], "p:b");
    EXPECT_EQ(noted["unknown"]["kept"], true);
    ask();
    EXPECT_THAT(used(), ElementsAre("a", "b", "b")) << "it rests";
    struct stat info {};
    ASSERT_EQ(::stat(path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(Keys, AllThatRestAreSaidToAndTheNextModelIsTried) {
    doubled.next(refusing(401, "authentication_error"));
    doubled.next(refusing(402, "billing_error"));
    EXPECT_THAT(ask(), HasSubstr("p/m (p:a)"));
    EXPECT_THAT(ask(), HasSubstr("rests until"));
    EXPECT_THAT(used(), ElementsAre("a", "b")) << "nobody was asked";
    candidates = {{"p", "m"}, {"q", "m"}};
    EXPECT_EQ(ask(), "Hello from the model double.");
    EXPECT_THAT(used(), ElementsAre("a", "b", "q"));
}

TEST_F(Keys, TheOnlyOneIsThereForOthersWhileACallTriesItAgain) {
    write_only_one();
    doubled.next(refusing(529, "overloaded_error"));
    Models models(*loop, options());
    Heard first(*loop), second(*loop);
    std::unique_ptr<ModelCall> other;
    first.on_restart = [&] { other = models.start(request(), second); };
    const auto call = models.start(request(), first);
    while (first.said.empty() || second.said.empty()) loop->run();
    EXPECT_EQ(first.said, "Hello from the model double.");
    EXPECT_EQ(second.said, "Hello from the model double.");
}

TEST_F(Keys, TheOnlyOneRestsOnceACallHasGivenUp) {
    write_only_one();
    doubled.always(refusing(529, "overloaded_error"));
    const int64_t before = wall_ms();
    EXPECT_THAT(ask(), HasSubstr("overloaded_error"));
    EXPECT_THAT(used(), ElementsAre("a", "a", "a"));
    EXPECT_GE(file()["usageStats"]["p:a"]["cooldownUntil"], before + 60'000);
    EXPECT_THAT(ask(), HasSubstr("rests until"));
    EXPECT_EQ(file()["usageStats"]["p:a"]["errorCount"], 1) << "nobody was asked again";
}

TEST_F(Keys, TheOnlyOneRestsOnceAnotherModelHasAnswered) {
    write_only_one();
    candidates = {{"p", "m"}, {"q", "m"}};
    doubled.next(refusing(529, "overloaded_error"));
    EXPECT_EQ(ask(), "Hello from the model double.");
    EXPECT_THAT(used(), ElementsAre("a", "q"));
    EXPECT_EQ(file()["usageStats"]["p:a"]["errorCount"], 1);
}

TEST_F(Keys, TheOneOfTheSettingsIsTheLast) {
    own_key = "key-of-e-0123456789";
    doubled.next(refusing(401, "authentication_error"));
    doubled.next(refusing(403, "permission_error"));
    EXPECT_EQ(ask(), "Hello from the model double.");
    EXPECT_THAT(used(), ElementsAre("a", "b", "e"));
}

TEST_F(Keys, WhatIsWrongWithTheConversationIsNoFaultOfAKey) {
    doubled.next(refusing(400, "invalid_request_error"));
    EXPECT_THAT(ask(), HasSubstr("failed"));
    EXPECT_THAT(used(), ElementsAre("a")) << "another key would be told the same";
    EXPECT_FALSE(file().contains("usageStats"));
}

TEST_F(Keys, AChosenOneIsTheOnlyOne) {
    doubled.next(refusing(401, "authentication_error"));
    EXPECT_THAT(ask("p:b"), HasSubstr("p/m (p:b)"));
    EXPECT_THAT(used(), ElementsAre("b"));
}

TEST_F(Keys, AnAgentWithoutAFileUsesTheDefaultOnes) {
    write(R"({"profiles": {"p:o": {"type": "api_key", "provider": "p",
        "key": "key-of-o-0123456789"}}})",
          "own");
    ask("", "other");
    ask("", "own");
    ask("", "../own");
    EXPECT_THAT(used(), ElementsAre("a", "o", "a"));
}

TEST_F(Keys, AFileThatCannotBeReadHasNone) {
    write("{ not json");
    own_key = "key-of-e-0123456789";
    EXPECT_EQ(ask(), "Hello from the model double.");
    EXPECT_THAT(used(), ElementsAre("e"));
    std::ifstream in(path());
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "{ not json");
}

TEST_F(Keys, TheOneThatWorkedLastIsNotTheNextWithoutAnOrder) {
    write(R"({"profiles": {
        "p:a": {"type": "api_key", "provider": "p", "key": "key-of-a-0123456789"},
        "p:b": {"type": "api_key", "provider": "p", "key": "key-of-b-0123456789"}}})");
    ask();
    ask();
    ask();
    EXPECT_THAT(used(), ElementsAre("a", "b", "a"));
}

}  // namespace agent
