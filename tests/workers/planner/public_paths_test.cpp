// Which worker answers which public path, and which tunnels are wanted.
#include "workers/planner/public_paths.h"

#include "tests/workers/planner/planner_fixture.h"

namespace {

using PublicPaths = PlannerTest;

constexpr const char* telegram =
    "{channels:{telegram:{botToken:'1:a',webhookUrl:'https://app.fly.dev/telegram-webhook',"
    "webhookSecret:'s3cret'}}";

bool has_worker(const hardshell::proto::Plan& plan, const std::string& name) {
    for (const auto& worker : plan.workers())
        if (worker.name() == name) return true;
    return false;
}

std::string paths_of(const hardshell::proto::WorkerSettings& settings) {
    std::string text;
    for (const auto& path : settings.public_paths())
        text += path.path() + " " + path.worker() + (path.websocket() ? " stream" : "") + ";";
    return text;
}

std::string doors_of(const hardshell::proto::WorkerSettings& settings) {
    std::string text;
    for (const std::string& door : settings.doors()) text += door + ";";
    return text;
}

TEST_F(PublicPaths, OfTelegramLeadToItsWorker) {
    const auto plan = plan_of(std::string(telegram) + "}");
    EXPECT_EQ(errors(plan), "");
    EXPECT_EQ(paths_of(worker(plan, "gateway").settings()), "/telegram-webhook telegram;");
    EXPECT_EQ(doors_of(worker(plan, "telegram").settings()), "gateway;");
    EXPECT_EQ(doors_of(worker(plan, "agent").settings()), "");
    const auto& path = worker(plan, "gateway").settings().public_paths(0);
    EXPECT_EQ(path.largest_body(), 1u << 20);
    EXPECT_GE(path.answer_ms(), 50'000u);
}

TEST_F(PublicPaths, AreNotThereWithoutASecret) {
    const auto plan =
        plan_of("{channels:{telegram:{botToken:'1:a',webhookUrl:'https://h/telegram-webhook'}}}");
    EXPECT_EQ(paths_of(worker(plan, "gateway").settings()), "");
    EXPECT_EQ(doors_of(worker(plan, "telegram").settings()), "");
    EXPECT_NE(errors(plan).find("/telegram-webhook is not published: without "
                                "channels.telegram.webhookSecret"),
              std::string::npos)
        << errors(plan);
}

TEST_F(PublicPaths, AreNotThereForAChannelThatIsPolled) {
    const auto plan = plan_of("{channels:{telegram:{botToken:'1:a',webhookSecret:'s'}}}");
    EXPECT_EQ(paths_of(worker(plan, "gateway").settings()), "");
    EXPECT_EQ(errors(plan), "");
}

TEST_F(PublicPaths, AreWhatTheOwnerSaysOrWhatTheAddressEndsWith) {
    const auto path_for = [&](const std::string& keys) {
        const auto plan =
            plan_of("{channels:{telegram:{botToken:'1:a',webhookSecret:'s'," + keys + "}}}");
        return paths_of(worker(plan, "gateway").settings());
    };
    EXPECT_EQ(path_for("webhookUrl:'https://h/bots/a?x=1'"), "/bots/a telegram;");
    EXPECT_EQ(path_for("webhookUrl:'https://h'"), "/telegram-webhook telegram;");
    EXPECT_EQ(path_for("webhookUrl:'https://h/'"), "/telegram-webhook telegram;");
    EXPECT_EQ(path_for("webhookUrl:'https://h/out',webhookPath:'/in'"), "/in telegram;");
}

TEST_F(PublicPaths, OfTheGatewayAreNobodyElses) {
    const auto answer = [&](const std::string& path, const std::string& more = "") {
        write("openclaw.json", "{}");
        return write_config(
                   "{channels:{telegram:{botToken:'1:a',webhookSecret:'s',webhookUrl:"
                   "'https://h',webhookPath:'" +
                       path + "'}}" + more + "}",
                   text_member(payload("config.get"), "hash"))
            .refused();
    };
    for (const char* path : {"/", "/healthz", "/v1/responses", "/tools/invoke", "/metrics",
                             "/assets/x.js", "/__openclaw__/canvas", "/avatar/main"}) {
        const std::string said = answer(path);
        EXPECT_NE(said.find("channels.telegram.webhookPath"), std::string::npos) << path << said;
    }
    EXPECT_NE(answer("/hooks/telegram", ",hooks:{enabled:true,token:'t'}")
                  .find("is served by hooks.path"),
              std::string::npos);
    EXPECT_NE(answer("/ui/x", ",gateway:{controlUi:{basePath:'/ui'}}")
                  .find("is served by gateway.controlUi.basePath"),
              std::string::npos);
    EXPECT_EQ(answer("/v1x"), "");
    EXPECT_EQ(answer("/hooks/telegram"), "");
}

TEST_F(PublicPaths, ArePathsAndNothingElse) {
    for (const char* path :
         {"telegram", "/a b", "/a?b", "/a/../b", "//a", "/a/", "/a%2f", "/.git"}) {
        write("openclaw.json", "{}");
        const auto reply = write_config(
            "{channels:{telegram:{botToken:'1:a',webhookSecret:'s',webhookUrl:'https://h',"
            "webhookPath:'" +
                std::string(path) + "'}}}",
            text_member(payload("config.get"), "hash"));
        EXPECT_NE(reply.refused().find("is no path that can be published"), std::string::npos)
            << path << ": " << reply.refused();
    }
}

TEST_F(PublicPaths, BelongToOneWorkerEach) {
    const auto plan = plan_of(
        "{channels:{telegram:{webhookSecret:'s',webhookUrl:'https://h',accounts:{"
        "a:{botToken:'1:a'},b:{botToken:'2:b'}}}}}");
    EXPECT_EQ(worker(plan, "gateway").settings().public_paths_size(), 1);
    EXPECT_NE(errors(plan).find("/telegram-webhook belongs to"), std::string::npos) << errors(plan);
}

TEST_F(PublicPaths, OfVoiceWaitForAWorkerAndItsKey) {
    write("openclaw.json",
          "{plugins:{entries:{'voice-call':{enabled:true,config:{provider:'twilio',"
          "maxConcurrentCalls:3,streaming:{enabled:true}}}}}}");
    EXPECT_EQ(paths_of(worker(plan(), "gateway").settings()), "");
    const Json config = *parse_json(
        R"({"plugins":{"entries":{"voice-call":{"enabled":true,"config":{"provider":"twilio",
        "maxConcurrentCalls":3,"streaming":{"enabled":true}}}}}})");
    hardshell::proto::Plan made;
    for (const char* name : {"gateway", "voice"}) {
        made.add_workers()->set_name(name);
        made.mutable_workers(made.workers_size() - 1)->set_kind(name);
    }
    planner::Notices notices;
    planner::add_public_paths(planner::voice_paths(config), made, notices);
    EXPECT_EQ(paths_of(made.workers(0).settings()), "");
    auto& key = *made.mutable_workers(1)->add_secrets();
    key.set_name("plugins.entries.voice-call.config.twilio.authToken");
    key.set_value("k");
    planner::add_public_paths(planner::voice_paths(config), made, notices);
    EXPECT_EQ(paths_of(made.workers(0).settings()),
              "/voice/webhook voice;/voice/stream voice stream;");
    EXPECT_EQ(made.workers(0).settings().public_paths(1).most_connections(), 21u);
    EXPECT_EQ(doors_of(made.workers(1).settings()), "gateway;");
}

TEST_F(PublicPaths, OfAMockDoNotExist) {
    const Json config = *parse_json(
        R"({"plugins":{"entries":{"voice-call":{"enabled":true,"config":{"provider":"mock"}}}}})");
    EXPECT_TRUE(planner::voice_paths(config).empty());
    EXPECT_TRUE(planner::voice_paths(Json::object()).empty());
}

std::string with_tunnel(const std::string& voice) {
    return std::string(telegram) + ",plugins:{entries:{'voice-call':{enabled:true,config:{" +
           voice + "}}}}}";
}

TEST_F(PublicPaths, AreWhatATunnelLeadsTo) {
    set("NGROK_AUTHTOKEN", "ngrok-token-of-the-owner");
    const auto plan = plan_of(
        with_tunnel("provider:'twilio',tunnel:{provider:'ngrok',ngrokDomain:'bot.example.com'}"));
    EXPECT_NE(errors(plan).find("/voice/webhook is not published: without "
                                "plugins.entries.voice-call.config.twilio.authToken"),
              std::string::npos)
        << errors(plan);
    EXPECT_EQ(paths_of(worker(plan, "tunnel").settings()), "/telegram-webhook telegram;");
    EXPECT_EQ(doors_of(worker(plan, "telegram").settings()), "gateway;tunnel;");
    const Json part = config_of(plan, "tunnel");
    EXPECT_EQ(print_json(part.at("tunnels")),
              R"([{"provider":"ngrok","leadsTo":"paths","domain":"bot.example.com"}])");
    const auto* token =
        secret(plan, "tunnel", "plugins.entries.voice-call.config.tunnel.ngrokAuthToken");
    ASSERT_TRUE(token);
    EXPECT_EQ(token->value(), "ngrok-token-of-the-owner");
    EXPECT_EQ(token->source(), "environment variable NGROK_AUTHTOKEN");
    for (const auto& one : plan.workers()) {
        EXPECT_EQ(one.settings().SerializeAsString().find("ngrok-token-of-the-owner"),
                  std::string::npos)
            << one.name();
        EXPECT_EQ(one.settings().environment().count("NGROK_AUTHTOKEN"), 0u) << one.name();
    }
    // A listener of its own, on loopback, whose port nobody chooses.
    bool is_there = false;
    for (const auto& listener : plan.listeners())
        if (listener.name() == "tunnel") {
            is_there = true;
            EXPECT_EQ(listener.worker(), "tunnel");
            EXPECT_EQ(listener.addresses(0).ip(), "127.0.0.1");
            EXPECT_EQ(listener.addresses(0).port(), 0u);
        }
    EXPECT_TRUE(is_there);
}

TEST_F(PublicPaths, AreNeededForATunnel) {
    const auto plan = plan_of(
        "{plugins:{entries:{'voice-call':{enabled:true,config:{provider:'twilio',tunnel:{provider:"
        "'ngrok',ngrokAuthToken:'t'}}}}}}");
    EXPECT_FALSE(has_worker(plan, "tunnel"));
    EXPECT_NE(warnings(plan).find("no public path is served"), std::string::npos);
    for (const auto& listener : plan.listeners()) EXPECT_NE(listener.name(), "tunnel");
}

TEST_F(PublicPaths, OfTelegramAreWhereTheTunnelIsIfTheOwnerSaysSo) {
    const std::string by_tunnel =
        "{channels:{telegram:{botToken:'1:a',webhookUrl:'tunnel',webhookSecret:'s'}}";
    set("NGROK_AUTHTOKEN", "t");
    const auto plan = plan_of(by_tunnel +
                              ",plugins:{entries:{'voice-call':{enabled:true,config:{"
                              "provider:'twilio',tunnel:{provider:'ngrok'}}}}}}");
    EXPECT_EQ(paths_of(worker(plan, "tunnel").settings()), "/telegram-webhook telegram;");
    EXPECT_EQ(doors_of(worker(plan, "telegram").settings()), "gateway;tunnel;");
    const auto without = plan_of(by_tunnel + "}");
    EXPECT_EQ(doors_of(worker(without, "telegram").settings()), "");
    EXPECT_NE(errors(without).find("telegram is not reached by webhook: webhookUrl is \"tunnel\", "
                                   "and no tunnel is started"),
              std::string::npos)
        << errors(without);
}

TEST_F(PublicPaths, NeedNoTunnelWhereTheirAddressIsKnown) {
    EXPECT_FALSE(has_worker(plan_of(with_tunnel("provider:'twilio',publicUrl:'https://a/voice',"
                                                "tunnel:{provider:'ngrok'}")),
                            "tunnel"));
    EXPECT_FALSE(has_worker(plan_of(with_tunnel("provider:'twilio'")), "tunnel"));
    EXPECT_TRUE(
        has_worker(plan_of(with_tunnel("provider:'twilio',tailscale:{mode:'funnel'}")), "tunnel"));
    const auto mock = plan_of(with_tunnel("provider:'mock',tunnel:{provider:'ngrok'}"));
    EXPECT_FALSE(has_worker(mock, "tunnel"));
    EXPECT_NE(errors(mock).find("mock"), std::string::npos);
}

TEST_F(PublicPaths, AreNotThereForAPluginThatIsDenied) {
    const char* voice =
        "entries:{'voice-call':{enabled:true,config:{provider:'twilio',twilio:{authToken:'t'},"
        "tunnel:{provider:'ngrok',ngrokAuthToken:'t'}}}}}}";
    const auto with_rule = [&](const std::string& rule) {
        return plan_of(std::string(telegram) + ",plugins:{" + rule + "," + voice);
    };
    for (const char* rule : {"enabled:false", "deny:['voice-call']", "allow:['another']"})
        EXPECT_FALSE(has_worker(with_rule(rule), "tunnel")) << rule;
    EXPECT_EQ(paths_of(worker(with_rule("deny:['voice-call']"), "gateway").settings()),
              "/telegram-webhook telegram;");
}

TEST_F(PublicPaths, IgnoreWhatWouldLetForgeriesIn) {
    const auto plan = plan_of(with_tunnel(
        "provider:'twilio',tunnel:{provider:'ngrok',allowNgrokFreeTierLoopbackBypass:true}"));
    EXPECT_NE(errors(plan).find("allowNgrokFreeTierLoopbackBypass is ignored"), std::string::npos);
}

TEST_F(PublicPaths, AreNotWhatTailscaleOfTheGatewayLeadsTo) {
    const auto plan = plan_of("{gateway:{tailscale:{mode:'serve'},port:4567,bind:'loopback'}}");
    EXPECT_EQ(print_json(config_of(plan, "tunnel").at("tunnels")),
              R"([{"provider":"tailscale-serve","leadsTo":"gateway","port":4567}])");
    const auto open = plan_of("{gateway:{tailscale:{mode:'serve'},bind:'lan'}}");
    EXPECT_FALSE(has_worker(open, "tunnel"));
    EXPECT_NE(errors(open).find("requires gateway bind=loopback"), std::string::npos);
    const auto token = plan_of("{gateway:{tailscale:{mode:'funnel'},bind:'loopback'}}");
    EXPECT_FALSE(has_worker(token, "tunnel"));
    EXPECT_NE(errors(token).find("mode=password"), std::string::npos);
    EXPECT_TRUE(has_worker(plan_of("{gateway:{tailscale:{mode:'funnel'},bind:'loopback',"
                                   "auth:{mode:'password',password:'a-long-password'}}}"),
                           "tunnel"));
}

TEST_F(PublicPaths, AreApartFromLoopbackThatCommandsReach) {
    const std::string text = with_tunnel("provider:'twilio',tunnel:{provider:'ngrok'}");
    EXPECT_FALSE(bool_member(config_of(plan_of(text), "tunnel"), "loopbackIsShared"));
    set("HARDSHELL_EXEC_NETWORK", "on");
    EXPECT_TRUE(bool_member(config_of(plan_of(text), "tunnel"), "loopbackIsShared"));
}

}  // namespace
