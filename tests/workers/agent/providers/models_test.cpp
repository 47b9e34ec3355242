// Calls over real sockets against the model double.

#include "workers/agent/models.h"

#include <gmock/gmock.h>

#include "tests/support/model_double.h"
#include "workers/common/base/clock.h"

namespace agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using Reason = ModelFailure::Reason;

constexpr const char* key = "sk-test-0123456789abcdef";

class Recorder : public ModelListener {
  public:
    explicit Recorder(Loop& loop) : loop_(loop) {}
    void text_delta(std::string_view text) override {
        text_ += text;
        ++deltas_;
        if (on_text_) on_text_();
    }
    void thinking_delta(std::string_view text) override { thinking_ += text; }
    void restarted(const ModelFailure& why, const ModelName& next) override {
        text_.clear();
        restarts_.push_back(why);
        next_ = next.full();
    }
    void done(Json message) override {
        message_ = std::move(message);
        loop_.stop(0);
    }
    void failed(const ModelFailure& failure) override {
        failure_ = failure;
        loop_.stop(0);
    }

    Loop& loop_;
    std::string text_;
    std::string thinking_;
    int deltas_ = 0;
    std::vector<ModelFailure> restarts_;
    std::string next_;
    Json message_;
    std::optional<ModelFailure> failure_;
    std::function<void()> on_text_;
};

// Ends the loop with the first attempt.
class FirstFailure final : public Recorder {
  public:
    using Recorder::Recorder;
    void restarted(const ModelFailure& why, const ModelName&) override {
        failure_ = why;
        loop_.stop(0);
    }
};

struct ApiCase {
    const char* provider;
    const char* api;
};

constexpr ApiCase apis[] = {{"first", "anthropic-messages"},
                            {"second", "openai-responses"},
                            {"third", "openai-completions"}};

class ModelCalls : public testing::Test {
  protected:
    // Each API's provider at its own double.
    Models::Options options() {
        Models::Options made;
        for (size_t i = 0; i < 3; ++i) {
            made.config["models"]["providers"][apis[i].provider] = {{"baseUrl", doubles_[i].url()},
                                                                    {"api", apis[i].api}};
            made.keys[apis[i].provider] = Secret(key);
        }
        made.retry_pause = milliseconds(10);
        return made;
    }

    void start(Models& models, std::vector<std::string> candidates,
               milliseconds timeout = seconds(30)) {
        ModelRequest request;
        for (const std::string& name : candidates)
            request.candidates.push_back(models.resolve(name));
        request.system = "Be kind.";
        request.session_id = "s1";
        request.messages.push_back(Json{{"role", "user"}, {"content", "hello double"}});
        request.timeout = timeout;
        call_ = models.start(std::move(request), heard_);
    }

    void run(std::vector<std::string> candidates, const Models::Options& with,
             milliseconds timeout = seconds(30)) {
        Models models(*loop_, with);
        start(models, std::move(candidates), timeout);
        loop_->run();
        call_.reset();
        if (heard_.failure_) {
            EXPECT_THAT(heard_.failure_->text, Not(HasSubstr("0123456")));
        }
        for (const ModelFailure& why : heard_.restarts_)
            EXPECT_THAT(why.text, Not(HasSubstr("0123456")));
    }

    // What the first attempt failed of; empty: it answered.
    std::string first_attempt(const ApiCase& api, const Models::Options& with) {
        Models models(*loop_, with);
        FirstFailure heard{*loop_};
        ModelRequest request;
        request.candidates = {{api.provider, "m"}, {"demo", "demo"}};
        request.messages.push_back(Json{{"role", "user"}, {"content", "x"}});
        const auto call = models.start(std::move(request), heard);
        loop_->run();
        if (!heard.failure_) {
            EXPECT_EQ(heard.text_, ModelReply().text) << api.api;
            return {};
        }
        EXPECT_TRUE(heard.message_.is_null()) << api.api;
        last_reason_ = heard.failure_->reason;
        return heard.failure_->text;
    }

    static ModelReply failing(int status, const char* type, const char* message,
                              const char* retry_after = "") {
        ModelReply reply;
        reply.status = status;
        reply.error_type = type;
        reply.error_message = message;
        reply.retry_after = retry_after;
        return reply;
    }

    std::unique_ptr<Loop> loop_ = make_epoll_loop();
    ModelDouble doubles_[3];
    Recorder heard_{*loop_};
    std::unique_ptr<ModelCall> call_;
    Reason last_reason_ = Reason::provider;
};

TEST_F(ModelCalls, StreamTheAnswerOfEveryApi) {
    for (const ApiCase& api : apis) {
        Recorder heard{*loop_};
        Models models(*loop_, options());
        ModelReply reply;
        reply.text = "Grüße aus der Ferne 😀";
        reply.thinking = "let me see";
        for (ModelDouble& one : doubles_) one.always(reply);
        ModelRequest request;
        request.candidates = {{api.provider, "m"}};
        request.messages.push_back(Json{{"role", "user"}, {"content", "hello double"}});
        const auto call = models.start(std::move(request), heard);
        loop_->run();
        ASSERT_FALSE(heard.failure_) << heard.failure_->text;
        EXPECT_EQ(heard.text_, reply.text) << api.api;
        EXPECT_EQ(heard.thinking_, reply.thinking) << api.api;
        EXPECT_EQ(heard.message_["stopReason"], "stop");
        EXPECT_EQ(heard.message_["api"], api.api);
        EXPECT_EQ(heard.message_["usage"]["totalTokens"], 19);
    }
    EXPECT_EQ(last_user_text(doubles_[1].requests()[0].body), "hello double");
    EXPECT_EQ(doubles_[0].requests()[0].headers["x-api-key"], key);
    EXPECT_EQ(doubles_[2].requests()[0].headers["authorization"], std::string("Bearer ") + key);
}

TEST_F(ModelCalls, StreamWhileTheAnswerArrives) {
    ModelReply reply;
    reply.text = "one two three";
    const std::string whole = model_stream("/v1/messages", reply);
    reply.piece = whole.find("two");  // so far the first word is complete, the second is not
    reply.between = seconds(60);
    doubles_[0].always(reply);
    Models models(*loop_, options());
    start(models, {"first/m"});
    heard_.on_text_ = [&] { loop_->stop(0); };
    loop_->run();
    EXPECT_EQ(heard_.text_, "one ");
    EXPECT_TRUE(heard_.message_.is_null());
}

TEST_F(ModelCalls, ReadStreamsSplitAtEveryByte) {
    for (const ApiCase& api : apis) {
        Recorder heard{*loop_};
        Models models(*loop_, options());
        ModelReply reply;
        reply.piece = 1;
        reply.text = "Grüße 😀";
        for (ModelDouble& one : doubles_) one.always(reply);
        ModelRequest request;
        request.candidates = {{api.provider, "m"}};
        request.messages.push_back(Json{{"role", "user"}, {"content", "x"}});
        const auto call = models.start(std::move(request), heard);
        loop_->run();
        ASSERT_FALSE(heard.failure_) << heard.failure_->text;
        EXPECT_EQ(heard.text_, reply.text);
    }
}

TEST_F(ModelCalls, ReuseTheConnection) {
    Models models(*loop_, options());
    for (int turn = 0; turn < 3; ++turn) {
        start(models, {"first/m"});
        loop_->run();
        ASSERT_FALSE(heard_.failure_) << heard_.failure_->text;
        call_.reset();
        loop_->soon([&] { loop_->stop(0); });
        loop_->run();
    }
    EXPECT_EQ(doubles_[0].requests().size(), 3u);
    EXPECT_EQ(doubles_[0].connections(), 1u);
}

struct FailoverCase {
    const char* what;
    ModelReply reply;
    Reason reason;
};

TEST_F(ModelCalls, FailOverToTheNextCandidate) {
    std::vector<FailoverCase> cases = {
        {"overloaded", failing(529, "overloaded_error", "Overloaded"), Reason::rate_limit},
        {"rate limit", failing(429, "rate_limit_error", "Slow down", "20"), Reason::rate_limit},
        {"server error", failing(500, "api_error", "Oops"), Reason::provider},
        {"refused key", failing(401, "authentication_error", key), Reason::auth},
        {"forbidden", failing(403, "permission_error", "No"), Reason::auth},
        {"no money", failing(402, "billing_error", "Pay"), Reason::billing},
        {"no such model", failing(404, "not_found_error", "model: m"), Reason::provider},
        {"closed", {}, Reason::unreachable},
        {"garbage", {}, Reason::provider},
        {"error after 200", {}, Reason::rate_limit},
        {"broken off", {}, Reason::unreachable},
        {"a page", {}, Reason::provider},
    };
    cases[7].reply.manner = ModelReply::Manner::close_at_once;
    cases[8].reply.manner = ModelReply::Manner::garbage;
    cases[9].reply.manner = ModelReply::Manner::late_error;
    cases[10].reply.break_off_at = 700;
    cases[11].reply.content_type = "text/html";
    for (const FailoverCase& test : cases) {
        heard_.restarts_.clear();
        heard_.message_ = nullptr;
        heard_.failure_.reset();
        doubles_[0].next(test.reply);
        run({"first/m", "second/m"}, options());
        ASSERT_FALSE(heard_.failure_) << test.what << ": " << heard_.failure_->text;
        ASSERT_EQ(heard_.restarts_.size(), 1u) << test.what;
        EXPECT_EQ(heard_.restarts_[0].reason, test.reason) << heard_.restarts_[0].text;
        EXPECT_THAT(heard_.restarts_[0].text, HasSubstr("first/m: "));
        EXPECT_EQ(heard_.next_, "second/m");
        EXPECT_EQ(heard_.text_, ModelReply().text) << test.what;
        EXPECT_EQ(heard_.message_["provider"], "second") << test.what;
    }
}

TEST_F(ModelCalls, FailAtOnceWhenTheRequestIsWrong) {
    doubles_[0].next(failing(400, "invalid_request_error", "messages.0: bad"));
    run({"first/m", "second/m"}, options());
    ASSERT_TRUE(heard_.failure_);
    EXPECT_EQ(heard_.failure_->reason, Reason::format);
    EXPECT_EQ(heard_.failure_->text, "first/m: HTTP 400 invalid_request_error: messages.0: bad");
    EXPECT_TRUE(doubles_[1].requests().empty());
}

TEST_F(ModelCalls, FailAtOnceWhenTheConversationIsTooLong) {
    doubles_[0].next(failing(400, "invalid_request_error", "prompt is too long: 9 > 8"));
    run({"first/m", "second/m"}, options());
    ASSERT_TRUE(heard_.failure_);
    EXPECT_EQ(heard_.failure_->reason, Reason::context_overflow);
}

TEST_F(ModelCalls, PassOverAModelThatHoldsNoTurn) {
    Models::Options small = options();
    small.config["models"]["providers"]["first"]["models"] =
        Json::array({Json{{"id", "m"}, {"contextWindow", 15'999}}});
    run({"first/m"}, small);
    ASSERT_TRUE(heard_.failure_);
    EXPECT_EQ(heard_.failure_->text,
              "first/m: Model context window too small (15999 tokens). Minimum is 16000.");
    EXPECT_TRUE(doubles_[0].requests().empty());
}

TEST_F(ModelCalls, TryThreeTimesWhatMayRecover) {
    for (ModelDouble& one : doubles_) one.always(failing(529, "overloaded_error", "Overloaded"));
    run({"first/m", "second/m"}, options());
    ASSERT_TRUE(heard_.failure_);
    EXPECT_EQ(heard_.failure_->reason, Reason::rate_limit);
    EXPECT_EQ(heard_.failure_->text,
              "All models failed (2): first/m: HTTP 529 overloaded_error: Overloaded (rate_limit) "
              "| second/m: HTTP 529 overloaded_error: Overloaded (rate_limit)");
    EXPECT_EQ(doubles_[0].requests().size(), 3u);
    EXPECT_EQ(doubles_[1].requests().size(), 3u);
}

TEST_F(ModelCalls, RecoverInALaterPass) {
    doubles_[0].next(failing(503, "api_error", "Restarting"));
    run({"first/m", "nobody/m"}, options());
    ASSERT_FALSE(heard_.failure_) << heard_.failure_->text;
    EXPECT_EQ(heard_.text_, ModelReply().text);
    EXPECT_EQ(doubles_[0].requests().size(), 2u);
}

TEST_F(ModelCalls, WaitAsLongAsTheProviderAsks) {
    doubles_[0].next(failing(429, "rate_limit_error", "Slow down", "1"));
    const int64_t begun = monotonic_ms();
    run({"first/m"}, options());
    ASSERT_FALSE(heard_.failure_);
    EXPECT_GE(monotonic_ms() - begun, 1000);
}

TEST_F(ModelCalls, DoNotWaitForAProviderThatAsksForMinutes) {
    doubles_[0].always(failing(429, "rate_limit_error", "Slow down", "300"));
    run({"first/m"}, options());
    ASSERT_TRUE(heard_.failure_);
    EXPECT_EQ(heard_.failure_->retry_after, seconds(300));
    EXPECT_EQ(doubles_[0].requests().size(), 1u);
}

TEST_F(ModelCalls, DoNotRepeatWhatCannotRecover) {
    doubles_[0].always(failing(401, "authentication_error", "invalid x-api-key"));
    run({"first/m"}, options());
    ASSERT_TRUE(heard_.failure_);
    EXPECT_EQ(heard_.failure_->text, "first/m: HTTP 401 authentication_error: invalid x-api-key");
    EXPECT_EQ(doubles_[0].requests().size(), 1u);
}

TEST_F(ModelCalls, NameTheMissingKey) {
    Models::Options none;
    run({"anthropic/claude-opus-4-5", "openai/gpt-4o"}, none);
    ASSERT_TRUE(heard_.failure_);
    EXPECT_EQ(heard_.failure_->reason, Reason::auth);
    EXPECT_EQ(heard_.failure_->text,
              "All models failed (2): anthropic/claude-opus-4-5: no API key for anthropic: set "
              "ANTHROPIC_API_KEY (auth) | openai/gpt-4o: no API key for openai: set "
              "OPENAI_API_KEY (auth)");
}

TEST_F(ModelCalls, SkipACandidateWithoutAKey) {
    run({"anthropic/claude-opus-4-5", "third/m"}, options());
    ASSERT_FALSE(heard_.failure_) << heard_.failure_->text;
    ASSERT_EQ(heard_.restarts_.size(), 1u);
    EXPECT_EQ(heard_.restarts_[0].reason, Reason::auth);
}

TEST_F(ModelCalls, RefuseTokensOfOtherPrograms) {
    Models::Options with = options();
    with.keys["anthropic"] = Secret("sk-ant-oat01-0123456789");
    run({"anthropic/claude-opus-4-5"}, with);
    ASSERT_TRUE(heard_.failure_);
    EXPECT_THAT(heard_.failure_->text, HasSubstr("ANTHROPIC_API_KEY"));
}

TEST_F(ModelCalls, NameAnUnknownProvider) {
    run({"nobody/m"}, options());
    ASSERT_TRUE(heard_.failure_);
    EXPECT_THAT(heard_.failure_->text, HasSubstr("models.providers.nobody"));
}

TEST_F(ModelCalls, NameAServerThatIsNotThere) {
    Models::Options with = options();
    uint16_t gone = 0;
    {
        ModelDouble closed;
        gone = closed.port();
    }
    with.config["models"]["providers"]["first"]["baseUrl"] =
        "http://127.0.0.1:" + std::to_string(gone);
    run({"first/m"}, with);
    ASSERT_TRUE(heard_.failure_);
    EXPECT_EQ(heard_.failure_->reason, Reason::unreachable);
    EXPECT_THAT(heard_.failure_->text, HasSubstr("cannot connect to 127.0.0.1"));
}

TEST_F(ModelCalls, EndASilentAttempt) {
    ModelReply silent;
    silent.manner = ModelReply::Manner::no_answer;
    doubles_[0].always(silent);
    Models::Options with = options();
    with.idle_timeout = milliseconds(50);
    run({"first/m", "second/m"}, with);
    ASSERT_FALSE(heard_.failure_);
    ASSERT_EQ(heard_.restarts_.size(), 1u);
    EXPECT_EQ(heard_.restarts_[0].reason, Reason::timed_out);
    EXPECT_TRUE(doubles_[0].wait_for_closed_connections(1));
}

TEST_F(ModelCalls, EndWithTheRunsTime) {
    ModelReply silent;
    silent.manner = ModelReply::Manner::no_answer;
    doubles_[0].always(silent);
    run({"first/m"}, options(), milliseconds(100));
    ASSERT_TRUE(heard_.failure_);
    EXPECT_EQ(heard_.failure_->reason, Reason::timed_out);
    EXPECT_THAT(heard_.failure_->text, HasSubstr("first/m: "));
}

TEST_F(ModelCalls, CloseTheConnectionWhenCancelled) {
    ModelReply endless;
    endless.text = std::string(5000, 'x') + " " + std::string(5000, 'y');
    endless.between = seconds(60);
    endless.piece = 600;
    doubles_[0].always(endless);
    Models models(*loop_, options());
    start(models, {"first/m"});
    const auto poll = loop_->every(milliseconds(5), [&] {
        if (doubles_[0].requests().empty()) return;
        call_.reset();
        loop_->stop(0);
    });
    loop_->run();
    EXPECT_TRUE(doubles_[0].wait_for_closed_connections(1));
    EXPECT_FALSE(heard_.failure_);
    EXPECT_TRUE(heard_.message_.is_null());
}

TEST_F(ModelCalls, MayBeCancelledFromWithinADelta) {
    ModelReply reply;
    reply.text = "one two three";
    reply.piece = model_stream("/v1/messages", reply).find("three");
    reply.between = seconds(60);
    doubles_[0].always(reply);
    Models models(*loop_, options());
    start(models, {"first/m"});
    heard_.on_text_ = [&] {
        call_.reset();
        loop_->stop(0);
    };
    loop_->run();
    EXPECT_EQ(heard_.deltas_, 1);
    EXPECT_TRUE(heard_.message_.is_null());
    EXPECT_TRUE(doubles_[0].wait_for_closed_connections(1));
}

struct BrokenStream {
    const char* provider;
    std::string bytes;
    size_t end;   // from here on it may count as complete
    size_t step;  // between the places where it is broken off
};

std::vector<BrokenStream> broken_streams() {
    const std::string brief =
        R"(data: {"choices":[{"delta":{"content":"ok"},"finish_reason":"stop"}]})"
        "\n\n";
    const std::string messages = model_stream("/v1/messages", {});
    const std::string responses = model_stream("/responses", {});
    return {{"third", brief + "data: [DONE]\n\n", brief.size() - 1, 1},
            {"first", messages, messages.size() - 1, 89},
            {"second", responses, responses.size() - 1, 89}};
}

TEST_F(ModelCalls, FailWhereverTheStreamBreaksOff) {
    for (const BrokenStream& stream : broken_streams()) {
        ModelDouble one;
        Models::Options with = options();
        with.config["models"]["providers"][stream.provider]["baseUrl"] = one.url();
        Models models(*loop_, with);
        for (size_t at = 0; at < stream.end; at += stream.step) {
            ModelReply reply;
            reply.body = stream.bytes;
            reply.break_off_at = at;
            one.always(reply);
            FirstFailure heard{*loop_};
            ModelRequest request;
            request.candidates = {{stream.provider, "m"}, {"demo", "demo"}};
            request.messages.push_back(Json{{"role", "user"}, {"content", "x"}});
            const auto call = models.start(std::move(request), heard);
            loop_->run();
            ASSERT_TRUE(heard.failure_) << stream.provider << " at " << at;
            ASSERT_EQ(heard.failure_->reason, Reason::unreachable)
                << stream.provider << " at " << at << ": " << heard.failure_->text;
        }
    }
}

TEST_F(ModelCalls, FailOnMegabytesOfGarbage) {
    std::string noise(5u << 20, 'x');
    uint32_t state = 1;
    for (char& byte : noise) byte = static_cast<char>((state = state * 1'664'525 + 1) >> 24);
    std::string lines(5u << 20, 'x');
    for (size_t at = 99; at < lines.size(); at += 100) lines[at] = '\n';
    std::string events;
    while (events.size() < (5u << 20)) events += "data: {\"no\": \"event of any API\"}\n\n";
    for (const std::string& body : {std::string(5u << 20, 'x'), noise, lines, events}) {
        for (const ApiCase& api : apis) {
            ModelReply reply;
            reply.body = body;
            reply.piece = 64 << 10;
            for (ModelDouble& one : doubles_) one.always(reply);
            Models models(*loop_, options());
            FirstFailure heard{*loop_};
            ModelRequest request;
            request.candidates = {{api.provider, "m"}, {"demo", "demo"}};
            request.messages.push_back(Json{{"role", "user"}, {"content", "x"}});
            const auto call = models.start(std::move(request), heard);
            loop_->run();
            EXPECT_TRUE(heard.failure_) << api.api;
            EXPECT_EQ(heard.text_, "") << api.api;
        }
    }
}

TEST_F(ModelCalls, BelieveTheStreamAndNotItsLength) {
    for (const ApiCase& api : apis) {
        ModelReply reply;
        reply.claimed_length = 10u << 20;  // the answer's own end comes first
        for (ModelDouble& one : doubles_) one.always(reply);
        EXPECT_EQ(first_attempt(api, options()), "") << api.api;

        reply.claimed_length = 100;  // what follows is no part of it
        for (ModelDouble& one : doubles_) one.always(reply);
        EXPECT_THAT(first_attempt(api, options()), HasSubstr("broke off")) << api.api;
    }
}

TEST_F(ModelCalls, EndAnAnswerThatStopsInTheMiddle) {
    Models::Options with = options();
    with.idle_timeout = milliseconds(40);
    for (size_t i = 0; i < std::size(apis); ++i) {
        constexpr const char* paths[] = {"/v1/messages", "/responses", "/chat/completions"};
        ModelReply reply;
        reply.text = "one two three";
        reply.piece = model_stream(paths[i], reply).find("two");
        reply.between = seconds(60);
        doubles_[i].always(reply);
        first_attempt(apis[i], with);
        EXPECT_EQ(last_reason_, Reason::timed_out) << apis[i].api;
        EXPECT_TRUE(doubles_[i].wait_for_closed_connections(1)) << apis[i].api;
    }
}

// Never silent for long, and never done.
TEST_F(ModelCalls, EndAnAnswerThatTricklesWithTheRunsTime) {
    for (size_t i = 0; i < std::size(apis); ++i) {
        ModelReply reply;
        reply.piece = 1;
        reply.between = milliseconds(10);
        doubles_[i].always(reply);
        heard_.failure_.reset();
        run({std::string(apis[i].provider) + "/m"}, options(), milliseconds(60));
        ASSERT_TRUE(heard_.failure_) << apis[i].api;
        EXPECT_EQ(heard_.failure_->reason, Reason::timed_out) << apis[i].api;
        EXPECT_TRUE(doubles_[i].wait_for_closed_connections(1)) << apis[i].api;
    }
}

TEST_F(ModelCalls, TrustAPrivateAuthorityOnlyWhenTold) {
    ModelDouble secure{ModelDouble::Options{.tls = true, .port = 0}};
    Models::Options with = options();
    with.config["models"]["providers"]["first"]["baseUrl"] = secure.url();
    with.certificate_file = secure.certificate_file();
    run({"first/m"}, with);
    ASSERT_FALSE(heard_.failure_) << heard_.failure_->text;
    EXPECT_EQ(heard_.text_, ModelReply().text);
    EXPECT_EQ(secure.requests().size(), 1u);

    with.certificate_file.clear();
    with.retry_pause = milliseconds(1);
    run({"first/m"}, with);
    ASSERT_TRUE(heard_.failure_);
    EXPECT_EQ(heard_.failure_->reason, Reason::unreachable);
    EXPECT_THAT(heard_.failure_->text, HasSubstr("no trusted certificate was shown by localhost"));
    EXPECT_EQ(secure.requests().size(), 1u);
}

TEST_F(ModelCalls, DoNotFollowRedirects) {
    ModelReply moved = failing(307, "", "");
    moved.body = "moved";
    doubles_[0].always(moved);
    run({"first/m"}, options());
    ASSERT_TRUE(heard_.failure_);
    EXPECT_THAT(heard_.failure_->text, HasSubstr("redirect"));
    EXPECT_EQ(doubles_[0].requests().size(), 1u);
}

TEST_F(ModelCalls, LetTheDemonstrationSayWhatItIs) {
    Models::Options none;
    Models models(*loop_, none);
    ModelRequest request;
    request.candidates = models.candidates_for("main");
    request.messages.push_back(Json{{"role", "user"}, {"content", "hello  there"}});
    call_ = models.start(std::move(request), heard_);
    EXPECT_EQ(heard_.deltas_, 0);
    loop_->run();
    EXPECT_GT(heard_.deltas_, 10);
    EXPECT_THAT(heard_.text_, HasSubstr("not a real model"));
    EXPECT_THAT(heard_.text_, HasSubstr("\"hello  there\""));
    EXPECT_THAT(heard_.text_, HasSubstr("ANTHROPIC_API_KEY"));
    EXPECT_EQ(heard_.message_["content"][0]["text"], heard_.text_);
    EXPECT_EQ(heard_.message_["provider"], "demo");
}

TEST_F(ModelCalls, MayEndWhileOthersRun) {
    Models models(*loop_, options());
    Recorder other{*loop_};
    ModelRequest request;
    request.candidates = {{"second", "m"}};
    request.messages.push_back(Json{{"role", "user"}, {"content", "x"}});
    auto second = models.start(std::move(request), other);
    start(models, {"first/m"});
    loop_->run();
    if (heard_.message_.is_null() || other.message_.is_null()) loop_->run();
    EXPECT_FALSE(heard_.message_.is_null());
    EXPECT_FALSE(other.message_.is_null());
}

}  // namespace
}  // namespace agent
