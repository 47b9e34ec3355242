// The text of /metrics, from worker states and status pages.
#include "workers/gateway/metrics.h"

#include <gmock/gmock.h>

#include "workers/gateway/http_answer.h"

namespace gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

class Metrics : public testing::Test {
  protected:
    Metrics() {
        Result<Fd> file = BoardPage::create("agent");
        page.emplace(std::move(*BoardPage::map(file->get(), true)));
        agent.set_name("agent");
        agent.set_kind("agent");
        agent.set_state(WorkerState::READY);
        agent.set_pid(4711);
    }
    std::string text() {
        const WorkerStates workers = {agent};
        const auto pages = [this](const std::string& name) {
            return name == "agent" ? &*page : nullptr;
        };
        return metrics_text({workers, pages, readiness, degraded, "1.2.3", commit, 10'000, channels,
                             nullptr, nullptr, volume_alarm});
    }

    std::optional<BoardPage> page;
    WorkerState agent;
    Readiness readiness;
    bool degraded = false;
    int volume_alarm = 0;
    std::string commit;
    Json channels = Json::object();
};

TEST_F(Metrics, TellOfTheWhole) {
    readiness.ready = true;
    commit = "a\"b\\c\nd";
    EXPECT_THAT(text(), HasSubstr("# HELP hardshell_build_info The version that runs; always 1.\n"
                                  "# TYPE hardshell_build_info gauge\n"
                                  R"(hardshell_build_info{version="1.2.3",commit="a\"b\\c\nd"} 1)"
                                  "\n"));
    EXPECT_THAT(text(), HasSubstr("\nhardshell_ready 1\n"));
    EXPECT_THAT(text(), HasSubstr("\nhardshell_degraded 0\n"));
    degraded = true;
    EXPECT_THAT(text(), HasSubstr("\nhardshell_degraded 1\n"));
}

TEST_F(Metrics, TellOfAWorker) {
    agent.set_restarts(3);
    agent.set_started_ms(1'764'000'000'250);
    agent.set_memory_soft_bytes(30u << 20);
    agent.set_memory_limit_bytes(40u << 20);
    agent.set_log_lines_suppressed(7);
    auto& end = *agent.add_ends();
    end.set_cause("oom");
    end.set_count(2);
    page->beat(8'500);
    page->set(Counter::memory_bytes, 12'000'000);
    page->set(Counter::memory_peak_bytes, 13'000'000);
    page->set(Counter::descriptors, 25);
    const std::string all = text();
    for (const char* line : {
             R"(hardshell_worker_up{worker="agent"} 1)",
             R"(hardshell_worker_state{worker="agent",state="ready"} 1)",
             R"(hardshell_worker_state{worker="agent",state="held"} 0)",
             R"(hardshell_worker_restarts_total{worker="agent"} 3)",
             R"(hardshell_worker_start_time_seconds{worker="agent"} 1764000000.25)",
             R"(hardshell_worker_memory_bytes{worker="agent"} 12000000)",
             R"(hardshell_worker_memory_soft_limit_bytes{worker="agent"} 31457280)",
             R"(hardshell_worker_memory_limit_bytes{worker="agent"} 41943040)",
             R"(hardshell_worker_memory_peak_bytes{worker="agent"} 13000000)",
             R"(hardshell_worker_open_descriptors{worker="agent"} 25)",
             R"(hardshell_worker_heartbeat_age_seconds{worker="agent"} 1.5)",
             R"(hardshell_worker_log_lines_suppressed_total{worker="agent"} 7)",
             R"(hardshell_worker_ends_total{worker="agent",cause="oom"} 2)",
         })
        EXPECT_THAT(all, HasSubstr(std::string("\n") + line + "\n"));
}

TEST_F(Metrics, SayNothingOfWhatIsNotKnown) {
    agent.set_state(WorkerState::WAITING);
    agent.set_pid(0);
    page->beat(9'000);
    const std::string all = text();
    EXPECT_THAT(all, HasSubstr("hardshell_worker_up{worker=\"agent\"} 0\n"));
    EXPECT_THAT(all, HasSubstr("hardshell_worker_state{worker=\"agent\",state=\"waiting\"} 1\n"));
    for (const char* name : {"heartbeat", "start_time", "memory_limit"})
        EXPECT_THAT(all, Not(HasSubstr(std::string("hardshell_worker_") + name)));
}

TEST_F(Metrics, CountNoEndForLackOfMemoryBeforeTheFirst) {
    EXPECT_THAT(text(), HasSubstr("# TYPE hardshell_worker_ends_total counter\n"
                                  "hardshell_worker_ends_total{worker=\"agent\",cause=\"oom\"} 0\n"
                                  "hardshell_worker_ends_total{worker=\"agent\",cause="
                                  "\"machine_oom\"} 0\n"));
    auto& end = *agent.add_ends();
    end.set_cause("machine_oom");
    end.set_count(1);
    const std::string all = text();
    EXPECT_THAT(all, HasSubstr("{worker=\"agent\",cause=\"machine_oom\"} 1\n"));
    EXPECT_THAT(all, HasSubstr("{worker=\"agent\",cause=\"oom\"} 0\n"));
    EXPECT_THAT(all, Not(HasSubstr("cause=\"machine_oom\"} 0\n")));
}

TEST_F(Metrics, TellThatTheVolumeFills) {
    EXPECT_THAT(text(), HasSubstr("\nhardshell_volume_alarm 0\n"));
    volume_alarm = 1;
    page->set(Counter::volume_copies_bytes, 4096);
    page->add(Counter::volume_pruned_files, 2);
    const std::string all = text();
    for (const char* line :
         {"hardshell_volume_alarm 1", R"(hardshell_volume_copies_bytes{worker="agent"} 4096)",
          R"(hardshell_volume_pruned_files_total{worker="agent"} 2)"})
        EXPECT_THAT(all, HasSubstr(std::string("\n") + line + "\n"));
}

TEST_F(Metrics, CountWhatTheWorkerCounts) {
    page->add(Counter::turns_started, 5);
    page->set(Counter::link_queue, 2);
    const std::string all = text();
    EXPECT_THAT(all, HasSubstr("# TYPE hardshell_turns_started_total counter\n"
                               "hardshell_turns_started_total{worker=\"agent\"} 5\n"));
    EXPECT_THAT(all, HasSubstr("\nhardshell_link_queue_frames{worker=\"agent\"} 2\n"));
    EXPECT_THAT(all, Not(HasSubstr("hardshell_clients_connected"))) << "the gateway counts those";
    agent.set_name("other");
    EXPECT_THAT(text(), Not(HasSubstr("hardshell_turns_started_total"))) << "no page of it";
}

TEST_F(Metrics, TellWhoWaitsAndSinceWhen) {
    page->set(Counter::messages_waiting, 3);
    page->set(Counter::oldest_message_ms, 1'764'000'000'250);
    page->set(Counter::model_cost_microdollars, 1'250'000);
    page->set(Counter::volume_bytes, 1 << 30);
    const std::string all = text();
    for (const char* line : {
             R"(hardshell_messages_waiting{worker="agent"} 3)",
             R"(hardshell_oldest_message_time_seconds{worker="agent"} 1764000000.25)",
             R"(hardshell_deliveries_waiting{worker="agent"} 0)",
             R"(hardshell_model_cost_dollars_total{worker="agent"} 1.25)",
             R"(hardshell_volume_bytes{worker="agent"} 1073741824)",
             R"(hardshell_volume_free_bytes{worker="agent"} 0)",
         })
        EXPECT_THAT(all, HasSubstr(std::string("\n") + line + "\n"));
    EXPECT_THAT(all, Not(HasSubstr("hardshell_oldest_delivery"))) << "since 1970 is no answer";
}

TEST_F(Metrics, TellOfEachChannelAccount) {
    channels = Json::parse(R"({
        "telegram": {"accounts": {"default": {"live": {"connected": true, "lastInboundAt": 5500}},
                                  "ops": {"live": {"connected": true, "linked": false, "lastInboundAt": null}},
                                  "new": {"enabled": true}}},
        "odd": {"accounts": 3}, "odder": null})");
    const std::string all = text();
    for (
        const char* line : {
            R"(hardshell_channel_connected{channel="telegram",account="default"} 1)",
            R"(hardshell_channel_connected{channel="telegram",account="ops"} 0)",
            R"(hardshell_channel_last_inbound_time_seconds{channel="telegram",account="default"} 5.5)",
        })
        EXPECT_THAT(all, HasSubstr(std::string("\n") + line + "\n"));
    EXPECT_THAT(all, Not(HasSubstr("account=\"new\""))) << "it said nothing of itself";
    EXPECT_THAT(all,
                Not(HasSubstr("last_inbound_time_seconds{channel=\"telegram\",account=\"ops")));
}

TEST_F(Metrics, AreAllThereIsBehindTheirPort) {
    HttpAsk ask;
    ask.method = "GET";
    ask.path = "/metrics";
    int asked = 0;
    const auto source = [&] {
        ++asked;
        return std::string("numbers 1\n");
    };
    const HttpAnswer found = metrics_answer(ask, source);
    EXPECT_EQ(found.status, 200);
    EXPECT_EQ(found.content(), "numbers 1\n");
    EXPECT_THAT(found.head, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8"));
    ask.path = "/";
    EXPECT_EQ(metrics_answer(ask, source).status, 404);
    ask.path = "/healthz";
    EXPECT_EQ(metrics_answer(ask, source).status, 404);
    ask.path = "/metrics";
    ask.method = "POST";
    EXPECT_EQ(metrics_answer(ask, source).status, 405);
    EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace gateway
