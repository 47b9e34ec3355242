// What the worker does while something breaks, counted message by message.

#include <algorithm>
#include <csignal>
#include <set>

#include "tests/workers/discord/discord_stage.h"
#include "workers/common/base/json.h"

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

class DiscordWorkerFault : public DiscordStage {
  protected:
    static DiscordDouble::Options quick_heartbeats() {
        DiscordDouble::Options options;
        options.heartbeat_ms = 300;
        return options;
    }
    static DiscordDouble::Options unlimited() {
        DiscordDouble::Options options;
        options.message_limit = 1'000'000;
        return options;
    }
    void expect_each_once(const std::vector<std::string>& got, int count,
                          const std::string& prefix) {
        std::multiset<std::string> all(got.begin(), got.end());
        for (int i = 0; i < count; ++i)
            EXPECT_EQ(all.count(prefix + std::to_string(i)), 1u) << prefix << i;
        EXPECT_EQ(all.size(), static_cast<size_t>(count));
    }
    bool wait_for_resumes(int count) {
        return discord_->wait([&] { return discord_->resumes() >= count; });
    }
    bool wait_until_connected() {
        return worker_->wait([&] { return worker_->status().connected(); });
    }
};

TEST_F(DiscordWorkerFault, LosesNothingWhenTheConnectionIsCut) {
    make_and_start();
    for (int i = 0; i < 30; ++i) {
        if (i % 10 == 5) discord_->cut_all();
        ask("m" + std::to_string(i));
    }
    ASSERT_TRUE(wait_for_inbound(30)) << log();
    expect_each_once(texts(), 30, "m");
    EXPECT_EQ(discord_->identifies(), 1);
}

TEST_F(DiscordWorkerFault, LosesNothingWhenTheNetworkIsABlackHole) {
    make_and_start(usual_config, quick_heartbeats());
    ask("m0");
    ASSERT_TRUE(wait_for_inbound(1));
    discord_->black_hole(true);
    ask("m1");
    ask("m2");
    // Nobody answers the heartbeat: the connection counts as lost.
    ASSERT_TRUE(worker_->wait([&] { return !worker_->status().connected(); })) << log();
    EXPECT_THAT(log(), HasSubstr("no answer to a heartbeat"));
    discord_->black_hole(false);
    ASSERT_TRUE(wait_for_inbound(3)) << log();
    expect_each_once(texts(), 3, "m");
    EXPECT_EQ(discord_->identifies(), 1);
    EXPECT_GE(discord_->resumes(), 1);
}

TEST_F(DiscordWorkerFault, LosesNothingWhenAFrameBreaksOff) {
    make_and_start();
    discord_->break_in_a_frame();
    ask("m0");
    ASSERT_TRUE(wait_for_resumes(1)) << log();
    ask("m1");
    ASSERT_TRUE(wait_for_inbound(2)) << log();
    expect_each_once(texts(), 2, "m");
}

TEST_F(DiscordWorkerFault, ResumesAfterEachCloseCodeThatAllowsIt) {
    make_and_start();
    int count = 0;
    for (const int code : {4000, 4001, 4002, 4005, 4008}) {
        discord_->close_gateway(code);
        ask("m" + std::to_string(count));
        ++count;
        ASSERT_TRUE(wait_for_inbound(static_cast<size_t>(count))) << code << log();
        ASSERT_TRUE(wait_until_connected());
    }
    expect_each_once(texts(), count, "m");
    EXPECT_EQ(discord_->identifies(), 1);
    EXPECT_EQ(discord_->resumes(), count);
}

TEST_F(DiscordWorkerFault, ResumesAfterACloseWithoutACode) {
    make_and_start();
    discord_->close_gateway(0);
    ask("m0");
    ASSERT_TRUE(wait_for_inbound(1)) << log();
    ASSERT_TRUE(wait_for_resumes(1));
    EXPECT_EQ(discord_->identifies(), 1);
}

TEST_F(DiscordWorkerFault, KeepsItsSessionWhenTheHostForResumesIsDead) {
    DiscordDouble::Options options;
    options.has_resume_port = true;
    make_and_start(usual_config, options);
    discord_->cut_all();
    ask("m0");
    ASSERT_TRUE(wait_for_inbound(1)) << log();
    ASSERT_TRUE(wait_for_resumes(1));
    discord_->refuse_resumes(true);
    discord_->cut_all();
    ask("m1");
    ASSERT_TRUE(wait_for_inbound(2)) << log();
    expect_each_once(texts(), 2, "m");
    EXPECT_EQ(discord_->identifies(), 1);
    EXPECT_THAT(log(), HasSubstr("cannot be reached, but Discord can; resuming at"));
}

TEST_F(DiscordWorkerFault, TakesEventsInFragmentsAndAnswersInChunks) {
    make();
    discord_->fragment_events(1'000);
    discord_->chunk_answers(true);
    start();
    const std::string large(200'000, 'p');
    discord_->say(World::general, World::ann, mention("m0"), {{"override", {{"padding", large}}}});
    ask("m1");
    ASSERT_TRUE(wait_for_inbound(2)) << log();
    expect_each_once(texts(), 2, "m");
    worker_->deliver("one", World::general, "an answer");
    ASSERT_TRUE(wait_until_settled("one")) << log();
    EXPECT_EQ(worker_->outcome("one")->outcome(), Report::SENT);
    EXPECT_EQ(discord_->resumes(), 0);
}

TEST_F(DiscordWorkerFault, WaitsForAHostThatNobodyKnows) {
    discord_ = std::make_unique<DiscordDouble>();
    ChannelWorker::Options options;
    options.program = "discord";
    options.config_json = usual_config;
    options.secrets = {{"channels.discord.token", DiscordDouble::token}};
    options.environment = {{"HARDSHELL_DISCORD_API_URL", "https://no-such-host.invalid/api/v10"},
                           {"NODE_EXTRA_CA_CERTS", discord_->certificate_file()}};
    worker_ = std::make_unique<ChannelWorker>(options);
    worker_->start();
    ASSERT_TRUE(worker_->wait([&] {
        return log().find("no-such-host.invalid") != std::string::npos;
    })) << log();
    EXPECT_FALSE(worker_->status().connected());
    EXPECT_EQ(worker_->failure(), "");
    worker_->stop();
    EXPECT_EQ(worker_->wait_for_exit(), 0);
}

TEST_F(DiscordWorkerFault, ResumesWhenDiscordAsksToReconnect) {
    make_and_start();
    discord_->ask_to_reconnect();
    ask("m0");
    ASSERT_TRUE(wait_for_inbound(1)) << log();
    ASSERT_TRUE(wait_for_resumes(1));
    EXPECT_EQ(discord_->identifies(), 1);
    ASSERT_TRUE(discord_->wait([&] { return !discord_->close_codes().empty(); }));
    EXPECT_THAT(discord_->close_codes(), ElementsAre(4900));
}

TEST_F(DiscordWorkerFault, BeginsAnewWhenTheSessionIsInvalid) {
    make_and_start();
    discord_->invalidate_session(false);
    ASSERT_TRUE(discord_->wait([&] { return discord_->identifies() == 2; })) << log();
    ASSERT_TRUE(wait_until_connected());
    ask("m0");
    ASSERT_TRUE(wait_for_inbound(1)) << log();
    EXPECT_EQ(discord_->resumes(), 0);
}

TEST_F(DiscordWorkerFault, EndsWhenTheTokenIsRefusedByTheGateway) {
    make();
    discord_->refuse_identify(4004);
    worker_->start();
    EXPECT_EQ(worker_->wait_for_exit(), 77);
    EXPECT_THAT(worker_->failure(), HasSubstr("4004"));
    EXPECT_THAT(worker_->failure(), HasSubstr("the test"));
    EXPECT_EQ(discord_->identifies(), 1);
}

TEST_F(DiscordWorkerFault, EndsWhenTheTokenIsRefusedByTheApi) {
    make();
    discord_->revoke_token();
    worker_->start();
    EXPECT_EQ(worker_->wait_for_exit(), 77);
    EXPECT_THAT(worker_->failure(), HasSubstr("the test"));
    EXPECT_THAT(discord_->requests(), SizeIs(1));  // asked once, and never again
}

TEST_F(DiscordWorkerFault, NamesTheIntentThatIsMissing) {
    make();
    discord_->refuse_identify(4014);
    worker_->start();
    EXPECT_EQ(worker_->wait_for_exit(), 78);
    EXPECT_THAT(worker_->failure(), HasSubstr("enable Message Content Intent"));
}

TEST_F(DiscordWorkerFault, KeepsTheLastSessionsOfTheDay) {
    make();
    discord_->set_identifies_left(5);
    worker_->start();
    ASSERT_TRUE(worker_->wait([&] {
        return log().find("only 5 new sessions are left today") != std::string::npos;
    })) << log();
    EXPECT_EQ(discord_->identifies(), 0);
}

TEST_F(DiscordWorkerFault, DropsWhatComesTwice) {
    make_and_start();
    discord_->dispatch_twice(true);
    for (int i = 0; i < 10; ++i) ask("m" + std::to_string(i));
    ASSERT_TRUE(wait_for_inbound(10)) << log();
    discord_->dispatch_twice(false);
    ask("m10");
    ASSERT_TRUE(wait_for_inbound(11));
    expect_each_once(texts(), 11, "m");
    EXPECT_EQ(worker_->offers(), 11u);
}

TEST_F(DiscordWorkerFault, TakesWhatComesOutOfOrder) {
    make_and_start();
    discord_->swap_events(true);
    for (int i = 0; i < 10; ++i) ask("m" + std::to_string(i));
    discord_->swap_events(false);
    ask("m10");
    ASSERT_TRUE(wait_for_inbound(11)) << log();
    expect_each_once(texts(), 11, "m");
}

TEST_F(DiscordWorkerFault, ResumesAfterItWasKilled) {
    make_and_start();
    ask("m0");
    ASSERT_TRUE(wait_for_inbound(1));
    worker_->kill();
    ask("m1");
    start();
    ask("m2");
    ASSERT_TRUE(wait_for_inbound(3)) << log();
    expect_each_once(texts(), 3, "m");
    EXPECT_EQ(discord_->identifies(), 1);
    EXPECT_THAT(log(), HasSubstr("discord gateway: resumed"));
}

TEST_F(DiscordWorkerFault, OffersAgainWhatTheAgentHadNotAcceptedWhenItWasKilled) {
    make_and_start();
    worker_->accepts(false);
    for (int i = 0; i < 20; ++i) ask("m" + std::to_string(i));
    ASSERT_TRUE(wait_for_inbound(20)) << log();
    const size_t before = worker_->offers();
    worker_->kill();
    start();
    worker_->accepts(true);
    ASSERT_TRUE(worker_->wait([&] { return worker_->offers() >= before + 20; })) << log();
    expect_each_once(texts(), 20, "m");
    EXPECT_EQ(discord_->identifies(), 1);
}

TEST_F(DiscordWorkerFault, OffersACommandAgainThatTheAgentHadNotAcceptedWhenItWasKilled) {
    make_and_start();
    worker_->accepts(false);
    discord_->command(World::general, World::ann, "status");
    ASSERT_TRUE(wait_for_inbound(1)) << log();
    worker_->kill();
    worker_->accepts(true);
    start();
    ASSERT_TRUE(worker_->wait([&] { return worker_->offers() == 2; })) << log();
    // What the earlier process began can still be finished.
    worker_->deliver("answer", World::general, "All is well.", [&](auto& message) {
        message.set_reply_to_id(worker_->inbound()[0].message_id());
    });
    ASSERT_TRUE(wait_until_settled("answer")) << log();
    EXPECT_THAT(discord_->requests_to("POST", "/webhooks/"), SizeIs(1));
}

// Nobody can tell whether it has arrived, and its channel is the wrong place to say it again.
TEST_F(DiscordWorkerFault, AnswersNoCommandInItsChannelWhenKilledBetweenSendingAndReport) {
    make_and_start();
    discord_->command(World::general, World::ann, "status");
    ASSERT_TRUE(wait_for_inbound(1)) << log();
    discord_->fail_next(
        {.method = "POST", .path_begins = "/webhooks/", .acts = true, .is_silent = true});
    worker_->deliver("answer", World::general, "For you alone.", [&](auto& message) {
        message.set_reply_to_id(worker_->inbound()[0].message_id());
    });
    ASSERT_TRUE(discord_->wait([&] {
        return !discord_->requests_to("POST", "/webhooks/").empty();
    })) << log();
    worker_->kill();
    start();
    ASSERT_TRUE(wait_until_settled("answer")) << log();
    EXPECT_EQ(worker_->outcome("answer")->outcome(), Report::LOST);
    EXPECT_THAT(discord_->requests_to("POST", "/webhooks/"), SizeIs(1));
    EXPECT_THAT(discord_->requests_to("POST", std::string("/channels/") + World::general),
                IsEmpty());
}

TEST_F(DiscordWorkerFault, ResumesFromWhatTheAgentHasAfterAPlannedStop) {
    make_and_start();
    ask("m0");
    ASSERT_TRUE(wait_for_inbound(1));
    worker_->stop();
    EXPECT_EQ(worker_->wait_for_exit(), 0);
    ask("m1");
    start();
    ASSERT_TRUE(wait_for_inbound(2)) << log();
    expect_each_once(texts(), 2, "m");
    EXPECT_EQ(worker_->offers(), 2u);  // a stop that was asked for repeats nothing
    EXPECT_EQ(discord_->identifies(), 1);
    ASSERT_TRUE(discord_->wait([&] { return !discord_->close_codes().empty(); }));
    EXPECT_THAT(discord_->close_codes(), ElementsAre(4900));
}

TEST_F(DiscordWorkerFault, SendsNothingTwiceWhenKilledBetweenSendingAndReport) {
    make_and_start(usual_config, unlimited());
    // Discord takes it and says nothing.
    discord_->fail_next({.method = "POST",
                         .path_begins = std::string("/channels/") + World::general + "/messages",
                         .acts = true,
                         .is_silent = true});
    worker_->deliver("one", World::general, "only once");
    ASSERT_TRUE(discord_->wait([&] { return !discord_->written(World::general).empty(); }))
        << log();
    worker_->kill();
    start();
    ASSERT_TRUE(wait_until_settled("one")) << log();
    EXPECT_EQ(worker_->outcome("one")->outcome(), Report::SENT);
    EXPECT_THAT(discord_->written(World::general), ElementsAre("only once"));
}

TEST_F(DiscordWorkerFault, SendsNothingTwiceWhenAnswersGetLost) {
    make_and_start(usual_config, unlimited());
    for (int i = 0; i < 10; ++i) {
        if (i % 3 == 1)
            discord_->fail_next({.method = "POST",
                                 .path_begins = std::string("/channels/") + World::general,
                                 .acts = true,
                                 .cuts = true});
        worker_->deliver("d" + std::to_string(i), World::general, "w" + std::to_string(i));
    }
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(wait_until_settled("d" + std::to_string(i))) << log();
    expect_each_once(discord_->written(World::general), 10, "w");
}

// As after a night without power: Discord has forgotten the nonce.
TEST_F(DiscordWorkerFault, LooksForWhatAnEarlierProcessMayHaveSentLongAgo) {
    make_and_start(usual_config, unlimited());
    discord_->say(World::general, World::bot, "only once");
    const auto long_ago = [](hardshell::proto::DeliverMessage& message) {
        message.set_first_part_is_ambiguous(true);
        message.set_made_ms(discord_double::wall_now_ms() - 70'000);
    };
    worker_->deliver("one", World::general, "only once", long_ago);
    ASSERT_TRUE(wait_until_settled("one")) << log();
    EXPECT_EQ(worker_->outcome("one")->outcome(), Report::SENT);
    worker_->deliver("two", World::general, "not there yet", long_ago);
    ASSERT_TRUE(wait_until_settled("two")) << log();
    EXPECT_THAT(discord_->written(World::general), ElementsAre("only once", "not there yet"));
}

TEST_F(DiscordWorkerFault, WaitsForWhatItHasToKnowAboutAPlace) {
    make_and_start(R"({"channels":{"discord":{"guilds":{"300000000000000001":{"channels":)"
                   R"({"general":{"allow":true}}}}}}})");
    // A thread that the gateway has not told of, and an API that is down for longer than a request
    // is repeated.
    discord_->fail_next({.method = "GET", .path_begins = "/channels/", .status = 503, .times = 4});
    const std::string thread = discord_->open_thread(World::general, "unheard of");
    discord_->say(thread, World::ann, mention("in there"));
    ASSERT_TRUE(wait_for_inbound(1)) << log();
    EXPECT_EQ(worker_->inbound()[0].place().parent_id(), World::general);
}

// Stopped for longer than a heartbeat of its own: time went on without it.
TEST_F(DiscordWorkerFault, ResumesAtOnceAfterTheMachineStoodStill) {
    make_and_start();
    ::kill(worker_->pid(), SIGSTOP);
    const auto stood_still = std::chrono::steady_clock::now() + std::chrono::milliseconds(5'300);
    ask("said meanwhile");
    discord_->wait([&] { return std::chrono::steady_clock::now() > stood_still; });
    ::kill(worker_->pid(), SIGCONT);
    ASSERT_TRUE(wait_for_resumes(1)) << log();
    ASSERT_TRUE(wait_for_inbound(1)) << log();
    EXPECT_THAT(log(), HasSubstr("the machine stood still"));
    EXPECT_EQ(discord_->identifies(), 1);
    EXPECT_THAT(texts(), ElementsAre("said meanwhile"));
}

TEST_F(DiscordWorkerFault, WaitsOutAnOutageOfTheApi) {
    make_and_start();
    discord_->fail_next({.method = "POST", .path_begins = "/channels/", .status = 503, .times = 4});
    worker_->deliver("one", World::general, "first");
    worker_->deliver("two", World::general, "second");
    ASSERT_TRUE(wait_until_settled("two")) << log();
    EXPECT_THAT(discord_->written(World::general), ElementsAre("first", "second"));
}

TEST_F(DiscordWorkerFault, RegistersItsCommandsWhenTheApiIsBack) {
    make_and_start();
    // For longer than a request is repeated.
    discord_->fail_next(
        {.method = "PUT", .path_begins = "/applications/", .status = 503, .times = 3});
    ChannelWorker::ToChannel list;
    list.mutable_commands()->add_commands()->set_name("status");
    worker_->say(list);
    EXPECT_TRUE(worker_->wait([&] {
        return log().find("1 commands are registered") != std::string::npos;
    })) << log();
    EXPECT_THAT(discord_->requests_to("PUT", "/applications/"), SizeIs(4));
}

TEST_F(DiscordWorkerFault, StartsWhenDiscordComesBack) {
    make();
    discord_->refuse_connections(true);
    worker_->start();
    ASSERT_TRUE(worker_->wait([&] {
        return log().find("no connection to localhost") != std::string::npos;
    })) << log();
    discord_->refuse_connections(false);
    ASSERT_TRUE(wait_until_connected()) << log();
    EXPECT_EQ(discord_->identifies(), 1);
}

TEST_F(DiscordWorkerFault, KeepsToTheLimits) {
    DiscordDouble::Options options;
    options.message_window_ms = 500;
    make_and_start(usual_config, options);
    for (int i = 0; i < 17; ++i)
        worker_->deliver("d" + std::to_string(i), World::general, "w" + std::to_string(i));
    for (int i = 0; i < 17; ++i) ASSERT_TRUE(wait_until_settled("d" + std::to_string(i))) << log();
    expect_each_once(discord_->written(World::general), 17, "w");
    EXPECT_EQ(discord_->limited(), 0);  // the headers said how long to wait
}

TEST_F(DiscordWorkerFault, WaitsAsLongAsDiscordSaysAfterALimit) {
    make_and_start();
    discord_->fail_next({.method = "POST",
                         .path_begins = "/channels/",
                         .status = 429,
                         .body = {{"message", "You are being rate limited."},
                                  {"retry_after", 0.4},
                                  {"global", true}},
                         .headers = {{"X-RateLimit-Global", "true"}, {"Retry-After", "1"}}});
    const auto begun = std::chrono::steady_clock::now();
    worker_->deliver("one", World::general, "after all");
    ASSERT_TRUE(wait_until_settled("one")) << log();
    EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(400));
    EXPECT_THAT(discord_->written(World::general), ElementsAre("after all"));
}

TEST_F(DiscordWorkerFault, FindsTheWaitWhereverItIsTold) {
    make_and_start();
    const DiscordDouble::Fault faults[] = {
        {.method = "POST", .status = 429, .body = {{"retry_after", "0.9"}}},
        {.method = "POST", .status = 429, .body = {}, .headers = {{"RETRY-AFTER", "0.9"}}},
        {.method = "POST",
         .status = 429,
         .body = Json::object(),
         .headers = {{"X-RateLimit-Reset-After", "0.9"}}},
    };
    for (const DiscordDouble::Fault& fault : faults) {
        const std::string id = std::to_string(&fault - faults);
        discord_->fail_next(fault);
        const auto begun = std::chrono::steady_clock::now();
        worker_->deliver(id, World::general, id);
        ASSERT_TRUE(wait_until_settled(id)) << log();
        EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(900)) << id;
        EXPECT_EQ(worker_->outcome(id)->outcome(), Report::SENT);
    }
}

TEST_F(DiscordWorkerFault, RefusesForGoodWhatDiscordRefuses) {
    make_and_start();
    discord_->fail_next(
        {"POST", "/channels/", 403, {{"message", "Missing Permissions"}, {"code", 50013}}});
    worker_->deliver("one", World::general, "no");
    worker_->deliver("two", "999", "nowhere");
    ASSERT_TRUE(wait_until_settled("one"));
    ASSERT_TRUE(wait_until_settled("two"));
    EXPECT_EQ(worker_->outcome("one")->outcome(), Report::REFUSED);
    EXPECT_THAT(worker_->outcome("one")->reason(), HasSubstr("lacks a permission"));
    EXPECT_THAT(worker_->outcome("two")->reason(), HasSubstr("the channel is gone"));
}

TEST_F(DiscordWorkerFault, OffersAgainWhenTheAgentIsReplaced) {
    make_and_start();
    worker_->accepts(false);
    ask("m0");
    ASSERT_TRUE(wait_for_inbound(1));
    worker_->accepts(true);
    worker_->restart_agent();
    ask("m1");
    ASSERT_TRUE(wait_for_inbound(2)) << log();
    expect_each_once(texts(), 2, "m");
    worker_->deliver("one", World::general, "still here");
    ASSERT_TRUE(wait_until_settled("one")) << log();
}

TEST_F(DiscordWorkerFault, AccountsForAFloodOfAThousandMessages) {
    make_and_start(usual_config, unlimited());
    for (int i = 0; i < 1'000; ++i) {
        if (i == 300) discord_->cut_all();
        if (i == 700) worker_->kill();
        if (i == 720) start();
        ask("m" + std::to_string(i));
    }
    ASSERT_TRUE(wait_for_inbound(1'000)) << texts().size() << log().substr(0, 4'000);
    expect_each_once(texts(), 1'000, "m");
    EXPECT_EQ(discord_->identifies(), 1);
}

TEST_F(DiscordWorkerFault, LetsDiscordKeepWhatTheAgentHasNoRoomFor) {
    make_and_start();
    worker_->accepts(false);
    for (int i = 0; i < 2'000; ++i) ask("m" + std::to_string(i));
    ASSERT_TRUE(worker_->wait([&] {
        return log().find("the connection to Discord rests") != std::string::npos;
    })) << log().substr(0, 4'000);
    worker_->accepts(true);
    ASSERT_TRUE(wait_for_inbound(2'000)) << texts().size();
    expect_each_once(texts(), 2'000, "m");
    EXPECT_EQ(discord_->identifies(), 1);
}

}  // namespace
