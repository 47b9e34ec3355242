// hardshell.json and HARDSHELL_* variables: what is taken, and what is said about the rest.
#include "workers/planner/own_settings.h"

#include <gmock/gmock.h>

#include <limits>

#include "tests/workers/planner/planner_fixture.h"

namespace {

using hardshell::proto::Listener;
using hardshell::proto::Plan;
using testing::HasSubstr;

class OwnSettings : public PlannerTest {
  protected:
    Plan plan_with(const std::string& text) const {
        write("hardshell.json", text);
        return plan();
    }
    static const Listener* metrics(const Plan& plan) {
        for (const Listener& listener : plan.listeners())
            if (listener.name() == "metrics") return &listener;
        return nullptr;
    }
    static std::string addresses(const Listener& listener) {
        std::string text;
        for (const auto& address : listener.addresses()) {
            EXPECT_TRUE(address.optional());
            text += address.ip() + " " + std::to_string(address.port()) +
                    (address.dual_stack() ? " dual;" : ";");
        }
        return text;
    }
};

TEST_F(OwnSettings, NeedNoFile) {
    const Plan plan = this->plan();
    EXPECT_EQ(errors(plan), "");
    EXPECT_EQ(warnings(plan), "");
    EXPECT_EQ(plan.supervisor().log_format(), "");
    EXPECT_EQ(plan.supervisor().memory_total_bytes(), 0u);
    ASSERT_NE(metrics(plan), nullptr);
    EXPECT_EQ(metrics(plan)->worker(), "gateway");
    EXPECT_EQ(addresses(*metrics(plan)), "127.0.0.1 9091;::1 9091;");
}

TEST_F(OwnSettings, AreReadFromTheFileBesideTheConfiguration) {
    const Plan plan = plan_with(R"({
        // JSON5
        log: {format: 'json', linesPerSecond: 50},
        memory: {
            total: '200 MB',
            workers: {
                agent: {soft: '80MiB', limit: '0.125g'},
                'telegram:ops': {limit: 33554432},
            },
        },
        metrics: {bind: 'all', port: 9200},
    })");
    EXPECT_EQ(errors(plan), "");
    EXPECT_EQ(warnings(plan), "");
    const auto& settings = plan.supervisor();
    EXPECT_EQ(settings.log_format(), "json");
    EXPECT_EQ(settings.log_lines_per_second(), 50u);
    EXPECT_EQ(settings.memory_total_bytes(), 200'000'000u);
    ASSERT_EQ(settings.memory_size(), 2);
    EXPECT_EQ(settings.memory(0).worker(), "agent");
    EXPECT_EQ(settings.memory(0).soft_bytes(), 80u << 20);
    EXPECT_EQ(settings.memory(0).limit_bytes(), 128u << 20);
    EXPECT_EQ(settings.memory(1).worker(), "telegram:ops");
    EXPECT_EQ(settings.memory(1).limit_bytes(), 32u << 20);
    EXPECT_EQ(addresses(*metrics(plan)), ":: 9200 dual;");
}

TEST_F(OwnSettings, GiveWayToVariables) {
    set("HARDSHELL_LOG_FORMAT", "text");
    set("HARDSHELL_LOG_LINES_PER_SECOND", "unlimited");
    set("HARDSHELL_MEMORY_TOTAL", "268435456");
    set("HARDSHELL_METRICS_PORT", "9300");
    const Plan plan = plan_with(R"({log: {format: 'json', linesPerSecond: 5},
        memory: {total: '1GiB'}, metrics: {port: 9200}})");
    EXPECT_EQ(errors(plan), "");
    EXPECT_EQ(plan.supervisor().log_format(), "text");
    EXPECT_EQ(plan.supervisor().log_lines_per_second(), std::numeric_limits<uint32_t>::max());
    EXPECT_EQ(plan.supervisor().memory_total_bytes(), 256u << 20);
    EXPECT_EQ(addresses(*metrics(plan)), "127.0.0.1 9300;::1 9300;");
}

TEST_F(OwnSettings, ServeMetricsToThePrivateNetworkOnFly) {
    set("FLY_MACHINE_ID", "148e");
    EXPECT_EQ(addresses(*metrics(plan())), ":: 9091 dual;");
    EXPECT_EQ(addresses(*metrics(plan_with("{metrics: {bind: 'loopback'}}"))),
              "127.0.0.1 9091;::1 9091;");
}

TEST_F(OwnSettings, TurnMetricsOff) {
    EXPECT_EQ(metrics(plan_with("{metrics: {bind: 'off'}}")), nullptr);
    EXPECT_EQ(metrics(plan_with("{metrics: {port: 'off'}}")), nullptr);
    set("HARDSHELL_METRICS_PORT", "off");
    EXPECT_EQ(metrics(plan_with("{metrics: {bind: 'all'}}")), nullptr);
}

TEST_F(OwnSettings, KeepMetricsOffThePublicPort) {
    write("hardshell.json", "{metrics: {port: 3000}}");
    const Plan plan = this->plan({"--allow-unconfigured", "--port", "3000"});
    EXPECT_EQ(metrics(plan), nullptr);
    EXPECT_THAT(errors(plan), HasSubstr("metrics.port 3000 is the gateway's own port"));
}

TEST_F(OwnSettings, NameTheLineOfABrokenFile) {
    const Plan plan = plan_with("{\n  log: {format: 'json'\n");
    EXPECT_THAT(errors(plan), HasSubstr(path("hardshell.json") + ":3:1: "));
    EXPECT_THAT(errors(plan), HasSubstr("; the defaults apply"));
    EXPECT_EQ(plan.supervisor().log_format(), "");
    EXPECT_NE(metrics(plan), nullptr);
    EXPECT_EQ(plan.degraded(), "");
    EXPECT_THAT(errors(plan_with("[1]")), HasSubstr("expected an object, received a list"));
}

TEST_F(OwnSettings, KeepTheDefaultOfABadValue) {
    const Plan plan = plan_with(R"({
        log: {format: 'xml', linesPerSecond: -1},
        memory: {total: '12', workers: {agent: {soft: '3 parsecs', limit: true}, gateway: 7}},
        metrics: {bind: 'lan', port: 70000},
    })");
    const std::string file = path("hardshell.json");
    EXPECT_THAT(errors(plan),
                HasSubstr(file + R"(:2:23: log.format: expected "text" or "json", received "xml"; )"
                                 "the default applies\n"));
    EXPECT_THAT(errors(plan), HasSubstr("log.linesPerSecond: expected a whole number"));
    EXPECT_THAT(errors(plan), HasSubstr("memory.total: expected a size of at least 1 MiB"));
    EXPECT_THAT(errors(plan), HasSubstr(R"(memory.workers.agent.soft: expected a size)"));
    EXPECT_THAT(errors(plan), HasSubstr(R"(received "3 parsecs")"));
    EXPECT_THAT(errors(plan), HasSubstr(R"(memory.workers.agent.limit: expected a size)"));
    EXPECT_THAT(errors(plan), HasSubstr("memory.workers.gateway: expected an object, received 7"));
    EXPECT_THAT(errors(plan), HasSubstr("metrics.bind: expected"));
    EXPECT_THAT(errors(plan), HasSubstr("metrics.port: expected a port"));
    EXPECT_EQ(plan.supervisor().memory_size(), 0);
    EXPECT_EQ(addresses(*metrics(plan)), "127.0.0.1 9091;::1 9091;");
}

TEST_F(OwnSettings, SayWhichVariableIsWrong) {
    set("HARDSHELL_METRICS_PORT", "http");
    const Plan plan = this->plan();
    EXPECT_THAT(errors(plan), HasSubstr("environment variable HARDSHELL_METRICS_PORT: expected a "
                                        "port from 1 to 65535, or \"off\", received \"http\""));
    EXPECT_EQ(addresses(*metrics(plan)), "127.0.0.1 9091;::1 9091;");
}

TEST_F(OwnSettings, WarnOfAnUnknownKeyAndNameTheNearest) {
    const Plan plan = plan_with(R"({
        log: {fromat: 'json'},
        memroy: {total: '1GiB'},
        memory: {workers: {agnet: {soft: '1GiB'}, agent: {hard: '1GiB'}}},
        restart: {},
    })");
    EXPECT_EQ(errors(plan), "");
    EXPECT_THAT(warnings(plan), HasSubstr(":2:15: log.fromat: unknown key; did you mean "
                                          "\"format\"?; it is ignored\n"));
    EXPECT_THAT(warnings(plan), HasSubstr("memroy: unknown key; did you mean \"memory\"?"));
    EXPECT_THAT(warnings(plan),
                HasSubstr("memory.workers.agnet: unknown key; did you mean \"agent\"?"));
    EXPECT_THAT(warnings(plan), HasSubstr("memory.workers.agent.hard: unknown key; known here: "
                                          "soft or limit"));
    EXPECT_THAT(warnings(plan), HasSubstr("restart: unknown key; known here: "));
}

TEST_F(OwnSettings, RefuseASoftLimitBeyondTheHardOne) {
    const Plan plan = plan_with("{memory: {workers: {agent: {soft: '90MiB', limit: '80MiB'}}}}");
    EXPECT_THAT(errors(plan), HasSubstr("memory.workers.agent.soft is larger than its limit"));
    EXPECT_EQ(plan.supervisor().memory(0).soft_bytes(), 0u);
    EXPECT_EQ(plan.supervisor().memory(0).limit_bytes(), 80u << 20);
}

TEST_F(OwnSettings, SurviveADirectoryInPlaceOfTheFile) {
    std::filesystem::create_directories(path("hardshell.json"));
    EXPECT_THAT(errors(plan()), HasSubstr("hardshell.json is not a regular file; the defaults"));
}

TEST(Size, IsReadInDecimalAndBinaryUnits) {
    struct Row {
        const char* text;
        std::optional<uint64_t> bytes;
    };
    const Row rows[] = {
        {"1048576", 1u << 20},
        {"256MiB", 256u << 20},
        {"256 MiB", 256u << 20},
        {"200 MB", 200'000'000},
        {"1.5g", 3u << 29},
        {"4kb", 4000},
        {"0", 0},
        {"", std::nullopt},
        {"MiB", std::nullopt},
        {"1.2.3M", std::nullopt},
        {".5G", std::nullopt},
        {"5.", std::nullopt},
        {"-1M", std::nullopt},
        {"1 TiB", std::nullopt},
        {"99999999999G", std::nullopt},
    };
    for (const Row& row : rows) EXPECT_EQ(planner::size_in(row.text), row.bytes) << row.text;
}

}  // namespace
