#include "workers/tunnel/ngrok_words.h"

#include <gmock/gmock.h>

namespace tunnel {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using What = NgrokLine::What;

}  // namespace

TEST(NgrokWords, AnAddressIsUpWithAddrAndUrl) {
    const NgrokLine line = read_ngrok_line(
        R"({"addr":"http://127.0.0.1:3334","lvl":"info","msg":"started tunnel","name":"command_line",)"
        R"("obj":"tunnels","t":"2026-01-29T12:00:00Z","url":"https://abc.ngrok.app"})");
    EXPECT_EQ(line.what, What::up);
    EXPECT_EQ(line.text, "https://abc.ngrok.app");
}

TEST(NgrokWords, TheApiIsWhereItSays) {
    const NgrokLine line = read_ngrok_line(
        R"({"addr":"127.0.0.1:4042","lvl":"info","msg":"starting web service","obj":"web"})");
    EXPECT_EQ(line.what, What::api);
    EXPECT_EQ(loopback_port_in(line.text), 4042);
    EXPECT_EQ(loopback_port_in("0.0.0.0:4040"), 0);
    EXPECT_EQ(loopback_port_in("127.0.0.1:99999"), 0);
    EXPECT_EQ(loopback_port_in("127.0.0.1:40x"), 0);
}

TEST(NgrokWords, ALostConnectionIsNoError) {
    for (const char* message :
         {"session closed, starting reconnect loop", "failed to reconnect session",
          "heartbeat timeout, terminating session"}) {
        const NgrokLine line = read_ngrok_line(std::string(R"({"lvl":"eror","msg":")") + message +
                                               R"(","err":"EOF"})");
        EXPECT_EQ(line.what, What::lost) << message;
        EXPECT_THAT(line.text, HasSubstr("EOF"));
    }
}

TEST(NgrokWords, AConnectionThatIsThereIsTold) {
    const auto line = read_ngrok_line(
        R"({"lvl":"info","msg":"client session established","obj":"tunnels.session"})");
    EXPECT_EQ(line.what, What::back);
}

TEST(NgrokWords, AnErrorHasItsCode) {
    NgrokLine line = read_ngrok_line(
        R"({"lvl":"crit","msg":"command failed","err":"authentication failed\r\nERR_NGROK_105\r\n"})");
    EXPECT_EQ(line.what, What::error);
    EXPECT_EQ(line.code, 105);
    line = read_ngrok_line("ERROR:  ERR_NGROK_108");
    EXPECT_EQ(line.what, What::error);
    EXPECT_EQ(line.code, 108);
    // A session that cannot be had again because of the account is more than a lost connection.
    line = read_ngrok_line(
        R"({"lvl":"eror","msg":"failed to reconnect session","err":"limited ERR_NGROK_108"})");
    EXPECT_EQ(line.what, What::error);
}

TEST(NgrokWords, TheRestSaysNothing) {
    for (const char* text :
         {"", "{", "[]", "null", "hello", R"({"lvl":"info","msg":"join connections"})",
          R"({"lvl":"warn","msg":"failed to check for update"})", R"({"url":5,"addr":[]})",
          "ERROR:", "ERROR:   "})
        EXPECT_EQ(read_ngrok_line(text).what, What::nothing) << text;
    EXPECT_EQ(ngrok_code_in("ERR_NGROK_"), 0);
    EXPECT_EQ(ngrok_code_in("ERR_NGROK_999999999999"), 999999);
}

TEST(NgrokWords, ControlBytesOfAMessageReachNobody) {
    const NgrokLine line = read_ngrok_line("ERROR:  a\x1b[31mb");
    EXPECT_EQ(line.text, "a [31mb");
}

TEST(NgrokWords, ListsAreOfBothApis) {
    EXPECT_THAT(
        *ngrok_urls(R"({"tunnels":[{"public_url":"http://a"},{"public_url":"https://a"}]})"),
        ElementsAre("https://a", "http://a"));
    EXPECT_THAT(*ngrok_urls(R"({"endpoints":[{"url":"https://b"}]})"), ElementsAre("https://b"));
    EXPECT_THAT(*ngrok_urls(R"({"tunnels":[],"uri":"/api/tunnels"})"), IsEmpty());
    EXPECT_FALSE(ngrok_urls("<html>"));
    EXPECT_FALSE(ngrok_urls(R"({"error_code":103})"));
}

TEST(NgrokWords, WhatTheOwnerHasToMendIsNotTriedAgain) {
    struct Row {
        int code;
        Fault fault;
        const char* says;
    };
    for (const Row& row :
         {Row{102, Fault::bad_credentials, "payment"}, Row{103, Fault::bad_credentials, "support@"},
          Row{115, Fault::bad_config, "ip-restrictions"},
          Row{116, Fault::bad_config, "ip-restrictions"},
          Row{123, Fault::bad_credentials, "email address"},
          Row{105, Fault::bad_credentials, "ngrokAuthToken"},
          Row{107, Fault::bad_credentials, "NGROK_AUTHTOKEN"},
          Row{4018, Fault::bad_credentials, "dashboard.ngrok.com"},
          Row{108, Fault::taken, "another agent"}, Row{313, Fault::bad_config, "plan"},
          Row{3200, Fault::bad_config, "offline"}}) {
        const NgrokVerdict verdict = judge_ngrok(row.code, "text");
        ASSERT_TRUE(verdict.fatal) << row.code;
        EXPECT_EQ(verdict.fatal->fault, row.fault) << row.code;
        EXPECT_THAT(verdict.fatal->what, HasSubstr(row.says));
    }
    EXPECT_FALSE(judge_ngrok(334, "online already").fatal);
    EXPECT_EQ(judge_ngrok(334, "online already").least_wait, std::chrono::seconds(45));
    EXPECT_FALSE(judge_ngrok(0, "timeout").fatal);
    EXPECT_FALSE(judge_ngrok(9999, "unheard of").fatal);
}

}  // namespace tunnel
