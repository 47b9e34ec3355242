#include "workers/gateway/tailscale_identity.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "tests/support/tailscaled_double.h"
#include "workers/gateway/loopback_peer.h"
#include "workers/gateway/request_source.h"

namespace gateway {
namespace {

class TailscaleIdentityTest : public testing::Test {
  protected:
    TailscaleIdentityTest() { daemon_.knows("100.64.0.9", "Alice@example.com"); }

    Result<std::string> confirmed(const std::string& address, const std::string& login,
                                  std::optional<unsigned> sender = geteuid()) {
        Result<std::string> outcome = Error{Fault::system, "no answer came"};
        const auto limit = loop_->after(std::chrono::seconds(10), [this] { loop_->stop(1); });
        bool answered = false;
        identity_.confirm({address, login, sender}, [&](const Result<std::string>& found) {
            outcome = found;
            answered = true;
            loop_->stop(0);
        });
        if (!answered) loop_->run();
        EXPECT_EQ(identity_.open_questions(), 0u);
        return outcome;
    }

    std::string path_ = std::filesystem::temp_directory_path().string() + "/tailscaled-" +
                        std::to_string(getpid()) + ".sock";
    TailscaledDouble daemon_{path_};
    std::unique_ptr<Loop> loop_ = make_epoll_loop();
    TailscaleIdentity identity_{*loop_, path_};
};

TEST_F(TailscaleIdentityTest, ConfirmsWhoTailscaledKnows) {
    const auto login = confirmed("100.64.0.9", "alice@EXAMPLE.com");
    ASSERT_TRUE(login) << login.error().what;
    EXPECT_EQ(*login, "Alice@example.com");
    EXPECT_EQ(daemon_.asked(), std::vector<std::string>{"100.64.0.9"});
}

TEST_F(TailscaleIdentityTest, BelievesNoHeader) {
    EXPECT_EQ(confirmed("100.64.0.9", "mallory@example.com").error().fault, Fault::bad_credentials);
    EXPECT_EQ(confirmed("100.64.0.10", "alice@example.com").error().fault, Fault::bad_credentials);
    EXPECT_EQ(confirmed("100.64.0.9&x=1", "alice@example.com").error().fault, Fault::bad_message);
    EXPECT_EQ(confirmed("", "alice@example.com").error().fault, Fault::bad_message);
    daemon_.knows("100.64.0.11", "tagged-devices");
    EXPECT_EQ(confirmed("100.64.0.11", "tagged-devices").error().fault, Fault::bad_credentials);
}

TEST_F(TailscaleIdentityTest, AsksOnlyForWhatTailscaledsUserSent) {
    EXPECT_EQ(confirmed("100.64.0.9", "alice@example.com", geteuid() + 1).error().fault,
              Fault::bad_credentials);
    EXPECT_EQ(confirmed("100.64.0.9", "alice@example.com", {}).error().fault,
              Fault::bad_credentials);
    EXPECT_TRUE(daemon_.asked().empty());
}

TEST_F(TailscaleIdentityTest, GivesUpInTime) {
    daemon_.hangs();
    EXPECT_EQ(confirmed("100.64.0.9", "alice@example.com").error().fault, Fault::timed_out);
}

TEST_F(TailscaleIdentityTest, BoundsItsQuestions) {
    daemon_.hangs();
    size_t refused = 0;
    for (size_t i = 0; i < TailscaleIdentity::most_questions + 3; ++i)
        identity_.confirm({"100.64.0.9", "alice@example.com", geteuid()},
                          [&](const Result<std::string>& login) {
                              if (login.error().fault == Fault::busy) ++refused;
                          });
    EXPECT_EQ(refused, 3u);
}

TEST(TailscaleIdentity, SaysThatThereIsNoTailscaled) {
    const auto loop = make_epoll_loop();
    TailscaleIdentity identity(*loop, "/nonexistent/tailscaled.sock");
    std::string what;
    identity.confirm({"100.64.0.9", "a@b.c", geteuid()},
                     [&](const Result<std::string>& login) { what = login.error().what; });
    EXPECT_NE(what.find("/nonexistent/tailscaled.sock"), std::string::npos) << what;
}

TEST(TailscaleIdentity, ReadsNothingButAWholeAnswer) {
    const auto login = [](const std::string& text) { return login_in_answer(text); };
    EXPECT_EQ(*login("HTTP/1.1 200 OK\r\nA: b\r\n\r\n{\"UserProfile\":{\"LoginName\":\"a@b\"}}"),
              "a@b");
    for (const char* text :
         {"", "200 OK", "HTTP/1.0 200 OK\r\n", "HTTP/1.0 200 OK\r\n\r\n",
          "HTTP/1.0 200 OK\r\n\r\n{\"UserProfile\":{\"LoginName\":\"a@b\"}",
          "HTTP/1.0 200 OK\r\n\r\n{\"UserProfile\":{\"LoginName\":7}}",
          "HTTP/1.0 404 Not Found\r\n\r\n{\"UserProfile\":{\"LoginName\":\"a@b\"}}",
          "HTTP/1.0 2000 OK\r\n\r\n{\"UserProfile\":{\"LoginName\":\"a@b\"}}"})
        EXPECT_FALSE(login(text)) << text;
}

TEST(LoopbackPeer, FindsTheUserAtTheOtherEnd) {
    const Fd listener(socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(listen(listener.get(), 1), 0);
    getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
    const Fd client(socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    const Fd accepted(accept(listener.get(), nullptr, nullptr));
    EXPECT_EQ(user_at_other_end(accepted.get()), std::optional<unsigned>(geteuid()));
    EXPECT_FALSE(user_at_other_end(listener.get()));
}

TEST(LoopbackPeer, ReadsBothTables) {
    std::istringstream four(
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
        "   0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 0 1\n"
        "   1: 0100007F:D431 0100007F:0BB8 01 00000000:00000000 00:00000000 00000000  1001 0 2\n"
        "nonsense\n");
    EXPECT_EQ(user_in_table(four, {"127.0.0.1", 0xD431}, {"127.0.0.1", 3000}),
              std::optional<unsigned>(1001));
    const std::string six =
        "  sl  local_address rem_address st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
        "   0: 0000000000000000FFFF00000100007F:D431 0000000000000000FFFF00000100007F:0BB8 01 "
        "00000000:00000000 00:00000000 00000000  1002 0 2\n"
        "   1: 00000000000000000000000001000000:D432 00000000000000000000000001000000:0BB8 01 "
        "00000000:00000000 00:00000000 00000000  1003 0 2\n";
    std::istringstream mapped(six), plain(six);
    EXPECT_EQ(user_in_table(mapped, {"127.0.0.1", 0xD431}, {"127.0.0.1", 3000}),
              std::optional<unsigned>(1002));
    EXPECT_EQ(user_in_table(plain, {"::1", 0xD432}, {"::1", 3000}), std::optional<unsigned>(1003));
    std::istringstream none("heading\n   0: :1 :2 01 a b c 7\n");
    EXPECT_FALSE(user_in_table(none, {"127.0.0.1", 1}, {"127.0.0.1", 2}));
}

TEST(ClaimedTailscaleAddress, NeedsEverySignOfTheProxy) {
    GatewaySettings settings;
    settings.allow_tailscale = true;
    RequestHeaders whole;
    whole.peer = "127.0.0.1";
    whole.tailscale_login = "alice@example.com";
    whole.forwarded_for = "100.64.0.9";
    whole.has_forwarded_host = whole.has_forwarded_proto = true;
    EXPECT_EQ(claimed_tailscale_address(whole, settings), "100.64.0.9");
    const auto without = [&](auto change) {
        RequestHeaders headers = whole;
        change(headers);
        return claimed_tailscale_address(headers, settings);
    };
    EXPECT_EQ(without([](auto& h) { h.peer = "192.0.2.1"; }), "");
    EXPECT_EQ(without([](auto& h) { h.tailscale_login = ""; }), "");
    EXPECT_EQ(without([](auto& h) { h.forwarded_for = ""; }), "");
    EXPECT_EQ(without([](auto& h) { h.has_forwarded_host = false; }), "");
    EXPECT_EQ(without([](auto& h) { h.has_forwarded_proto = false; }), "");
    // The left of the list is the visitor's to write.
    EXPECT_EQ(without([](auto& h) { h.forwarded_for = "100.64.0.9, 100.64.0.10"; }), "100.64.0.10");
    settings.allow_tailscale = false;
    EXPECT_EQ(claimed_tailscale_address(whole, settings), "");
}

TEST(GatewaySettings, AllowsTailscaleByItselfOnlyWhereItServesWithAToken) {
    const auto allowed = [](const char* config) {
        return read_gateway_settings(*parse_json(config), false).allow_tailscale;
    };
    EXPECT_FALSE(allowed("{}"));
    EXPECT_TRUE(allowed(R"({"gateway":{"tailscale":{"mode":"serve"}}})"));
    EXPECT_FALSE(allowed(R"({"gateway":{"tailscale":{"mode":"funnel"}}})"));
    EXPECT_FALSE(
        allowed(R"({"gateway":{"tailscale":{"mode":"serve"},"auth":{"mode":"password"}}})"));
    EXPECT_FALSE(
        allowed(R"({"gateway":{"tailscale":{"mode":"serve"},"auth":{"allowTailscale":false}}})"));
    EXPECT_TRUE(allowed(R"({"gateway":{"auth":{"allowTailscale":true}}})"));
}

}  // namespace
}  // namespace gateway
