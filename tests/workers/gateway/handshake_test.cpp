#include "workers/gateway/handshake.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/workers/gateway/connecting.h"

namespace gateway {
namespace {

using connecting::Device;
using connecting::frame_of;
using connecting::params;
using connecting::with_token;

constexpr int64_t now = 1'800'000'000'000;
const std::string secret = "the-shared-secret";
const std::string challenge = "challenge-nonce";

class HandshakeTest : public testing::Test {
  protected:
    HandshakeTest() {
        EXPECT_GE(sodium_init(), 0);
        remote_.address = remote_.limiter_key = "203.0.113.9";
        local_.address = local_.limiter_key = "127.0.0.1";
        local_.local = true;
    }
    ~HandshakeTest() override { std::filesystem::remove_all(directory_); }

    Verdict decide(const FrameReading& frame, const RequestSource& source) {
        return Handshake(settings_, auth_, pairing_, limiter_)
            .decide(frame, source, challenge, time_, time_);
    }
    Refusal refusal(const Json& made) { return refusal(frame_of(made), remote_); }
    Refusal refusal(const FrameReading& frame, const RequestSource& source) {
        const Verdict verdict = decide(frame, source);
        if (const Refusal* found = std::get_if<Refusal>(&verdict)) return *found;
        ADD_FAILURE() << "was admitted";
        return {};
    }
    Admission admission(const Json& made, const RequestSource& source) {
        Verdict verdict = decide(frame_of(made), source);
        if (Admission* found = std::get_if<Admission>(&verdict)) return std::move(*found);
        ADD_FAILURE() << "was refused: " << std::get<Refusal>(verdict).failure.message;
        return {};
    }
    // Signed, with the right secret, asking for these scopes.
    Json signed_by(const Device& device, const std::vector<std::string>& scopes = {},
                   const std::string& token = secret) {
        Json made = with_token(params(), token);
        if (!scopes.empty()) made["scopes"] = scopes;
        return device.sign(made, challenge, time_);
    }

    std::string directory_ =
        std::filesystem::temp_directory_path().string() + "/handshake-" + random_hex(6);
    GatewaySettings settings_;
    SharedAuth auth_{AuthMode::token, Secret(secret), Secret()};
    PairingStore pairing_{directory_};
    AttemptLimiter limiter_;
    RequestSource remote_;
    RequestSource local_;
    int64_t time_ = now;
};

TEST_F(HandshakeTest, ClosesWithoutAnAnswerWhatIsNoJson) {
    const Refusal made = refusal(read_request("{nonsense"), remote_);
    EXPECT_FALSE(made.answered);
    EXPECT_EQ(made.close_code, 1000);
}

TEST_F(HandshakeTest, ClosesWithoutAnAnswerWhatIsNoRequest) {
    const Refusal made = refusal(read_request(R"({"type":"event","event":"x"})"), remote_);
    EXPECT_FALSE(made.answered);
    EXPECT_EQ(made.close_code, 1008);
}

TEST_F(HandshakeTest, WantsConnectFirst) {
    const Refusal made = refusal(frame_of(Json::object(), "health"), remote_);
    EXPECT_TRUE(made.answered);
    EXPECT_EQ(made.failure.code, "INVALID_REQUEST");
    EXPECT_EQ(made.failure.message, "invalid handshake: first request must be connect");
    EXPECT_EQ(made.close_code, 1008);
}

TEST_F(HandshakeTest, NamesEveryFaultOfTheParameters) {
    Json made = params();
    made["client"]["id"] = "somebody";
    made["client"].erase("version");
    made["surprise"] = 1;
    EXPECT_EQ(refusal(made).failure.message,
              "invalid connect params: at root: unexpected property 'surprise'; "
              "at /client: must have required property 'version'; "
              "at /client/id: must be equal to constant; "
              "at /client/id: must match a schema in anyOf");
}

TEST_F(HandshakeTest, RefusesAnotherProtocolWithItsOwnCloseCode) {
    Json made = with_token(params(), secret);
    made["minProtocol"] = 4;
    made["maxProtocol"] = 5;
    const Refusal refused = refusal(made);
    EXPECT_EQ(refused.failure.message, "protocol mismatch");
    EXPECT_EQ(refused.failure.details_json, R"({"expectedProtocol":3})");
    EXPECT_EQ(refused.close_code, 1002);
}

TEST_F(HandshakeTest, RefusesAnUnknownRole) {
    Json made = with_token(params(), secret);
    made["role"] = "owner";
    EXPECT_EQ(refusal(made).failure.message, "invalid role");
}

TEST_F(HandshakeTest, WantsADeviceOfTheControlUi) {
    const Refusal made = refusal(with_token(params("openclaw-control-ui", "webchat"), secret));
    EXPECT_EQ(made.failure.code, "INVALID_REQUEST");
    EXPECT_NE(made.failure.message.find("HTTPS or localhost"), std::string::npos);
}

TEST_F(HandshakeTest, AdmitsTheControlUiWithoutADeviceWhereTheOwnerAllowsIt) {
    settings_.allow_insecure_auth = true;
    const Json made = params("openclaw-control-ui", "webchat");
    EXPECT_EQ(refusal(made).failure.code, "NOT_PAIRED");
    EXPECT_EQ(admission(with_token(made, secret), remote_).role, "operator");
}

TEST_F(HandshakeTest, SkipsPairingForTheControlUiWhereTheOwnerAllowsIt) {
    settings_.allow_insecure_auth = true;
    const Json made = with_token(params("openclaw-control-ui", "webchat"), secret);
    const Admission admitted = admission(Device().sign(made, challenge, now), remote_);
    EXPECT_TRUE(admitted.token.token.empty());
}

TEST_F(HandshakeTest, IgnoresTheControlUisDeviceWhenDevicesAreOff) {
    settings_.disable_device_auth = true;
    Json made = Device().sign(with_token(params("openclaw-control-ui", "webchat"), secret),
                              "another nonce", now);
    EXPECT_TRUE(admission(made, remote_).device_id.empty());
}

TEST_F(HandshakeTest, WantsADeviceOrASecret) {
    const Refusal made = refusal(params());
    EXPECT_EQ(made.failure.code, "NOT_PAIRED");
    EXPECT_EQ(made.failure.message, "device identity required");
}

TEST_F(HandshakeTest, WantsADeviceOfEveryNode) {
    Json made = with_token(params("node-host", "node"), secret);
    made["role"] = "node";
    EXPECT_EQ(refusal(made).failure.message, "device identity required");
}

TEST_F(HandshakeTest, RefusesADeviceIdThatIsNotItsKeys) {
    Json made = signed_by(Device());
    made["device"]["id"] = std::string(64, 'a');
    EXPECT_EQ(refusal(made).failure.message, "device identity mismatch");
}

TEST_F(HandshakeTest, RefusesAnOldSignature) {
    const Device device;
    EXPECT_EQ(refusal(device.sign(with_token(params(), secret), challenge, now - 600'001))
                  .failure.message,
              "device signature expired");
    Json far = device.sign(with_token(params(), secret), challenge, now);
    far["device"]["signedAt"] = INT64_MAX;
    EXPECT_EQ(refusal(far).failure.message, "device signature expired");
}

TEST_F(HandshakeTest, WantsTheNonceOfAClientThatIsNotLocal) {
    const Json made = Device().sign(with_token(params(), secret), "", now);
    EXPECT_EQ(refusal(made).failure.message, "device nonce required");
    EXPECT_FALSE(admission(made, local_).device_id.empty());
}

TEST_F(HandshakeTest, RefusesANonceOfAnotherChallengeEvenLocally) {
    const Json made = Device().sign(with_token(params(), secret), "of yesterday", now);
    EXPECT_EQ(refusal(frame_of(made), local_).failure.message, "device nonce mismatch");
}

TEST_F(HandshakeTest, RefusesASignatureOverSomethingElse) {
    Json made = signed_by(Device());
    made["scopes"] = {"operator.admin"};
    EXPECT_EQ(refusal(made).failure.message, "device signature invalid");
}

TEST_F(HandshakeTest, TakesAKeyInPem) {
    const Device device;
    std::string der("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12);
    der += device.raw_key();
    char text[128];
    sodium_bin2base64(text, sizeof text, reinterpret_cast<const unsigned char*>(der.data()),
                      der.size(), sodium_base64_VARIANT_ORIGINAL);
    Json made = signed_by(device);
    made["device"]["publicKey"] =
        std::string("-----BEGIN PUBLIC KEY-----\n") + text + "\n-----END PUBLIC KEY-----\n";
    EXPECT_EQ(admission(made, local_).device_id, device.id());
}

TEST_F(HandshakeTest, NamesTheCommandOnFlyWithinTheCloseReason) {
    settings_.fly_app = "my-assistant";
    const Refusal refused = refusal(signed_by(Device()));
    const Json details = *parse_json(refused.failure.details_json);
    const std::string command = text_member(details, "command");
    EXPECT_EQ(command, "hardshell devices approve " + text_member(details, "requestId"));
    EXPECT_NE(refused.failure.message.substr(0, longest_close_reason).find(command + "`"),
              std::string::npos);
    EXPECT_NE(refused.failure.message.find("fly ssh console -a my-assistant"), std::string::npos);
}

struct CredentialRow {
    const char* what;
    AuthMode mode;
    Json auth;
    const char* refused;  // empty: admitted
};

TEST_F(HandshakeTest, LetsTheCredentialDecideByMode) {
    const CredentialRow rows[] = {
        {"right token", AuthMode::token, {{"token", secret}}, ""},
        {"wrong token", AuthMode::token, {{"token", "no"}}, "unauthorized: gateway token mismatch"},
        {"longer token",
         AuthMode::token,
         {{"token", secret + "x"}},
         "unauthorized: gateway token mismatch"},
        {"password in token mode",
         AuthMode::token,
         {{"password", secret}},
         "unauthorized: gateway token missing"},
        {"right password", AuthMode::password, {{"password", secret}}, ""},
        {"wrong password",
         AuthMode::password,
         {{"password", "no"}},
         "unauthorized: gateway password mismatch"},
        {"token in password mode",
         AuthMode::password,
         {{"token", secret}},
         "unauthorized: gateway password missing"},
    };
    for (const CredentialRow& row : rows) {
        SCOPED_TRACE(row.what);
        auth_ = SharedAuth(row.mode, Secret(secret), Secret(secret));
        Json made = params();
        made["auth"] = row.auth;
        const Verdict verdict = decide(frame_of(made), remote_);
        const Refusal* refused = std::get_if<Refusal>(&verdict);
        EXPECT_EQ(refused == nullptr, std::string(row.refused).empty());
        if (refused) {
            EXPECT_EQ(refused->failure.message.rfind(row.refused, 0), 0u)
                << refused->failure.message;
            EXPECT_EQ(refused->close_code, 1008);
        }
    }
}

TEST_F(HandshakeTest, GivesTheOwnersSecretAnyScopeAndAdminByDefault) {
    EXPECT_EQ(admission(with_token(params(), secret), remote_).scopes,
              std::vector<std::string>{"operator.admin"});
    Json made = with_token(params(), secret);
    made["scopes"] = {"operator.read"};
    EXPECT_EQ(admission(made, remote_).scopes, std::vector<std::string>{"operator.read"});
}

TEST_F(HandshakeTest, GrantsNothingForWhereAClientComesFrom) {
    settings_.trusted_proxies = {"127.0.0.1"};
    settings_.fly_app = "app";
    const auto coming_from = [&](const char* peer, const char* forwarded_for) {
        RequestHeaders headers;
        headers.peer = peer;
        headers.host = "localhost";
        headers.forwarded_for = headers.fly_client_ip = forwarded_for;
        headers.tailscale_login = "alice@example.com";
        headers.forwarded = *forwarded_for != '\0';
        return source_of(headers, settings_);
    };
    const RequestSource sources[] = {
        coming_from("127.0.0.1", ""), coming_from("127.0.0.1", "127.0.0.1"),
        coming_from("127.0.0.1", "203.0.113.9"), coming_from("172.16.0.2", "127.0.0.1"),
        coming_from("203.0.113.9", "127.0.0.1")};
    EXPECT_TRUE(sources[0].local);
    size_t silent = 0;
    for (const RequestSource& source : sources) {
        SCOPED_TRACE(source.address);
        EXPECT_EQ(refusal(frame_of(params()), source).failure.code, "NOT_PAIRED");
        EXPECT_EQ(refusal(frame_of(with_token(params(), "no")), source).cause, "token_mismatch");
        EXPECT_EQ(refusal(frame_of(signed_by(Device(), {}, "no")), source).cause, "token_mismatch");
        EXPECT_EQ(refusal(frame_of(Device().sign(params(), challenge, now)), source).cause,
                  "token_missing");
        // Being here saves the owner a question, and that is all.
        const Verdict verdict = decide(frame_of(signed_by(Device())), source);
        silent += std::holds_alternative<Admission>(verdict) ? 1 : 0;
    }
    EXPECT_EQ(silent, 1u);
}

TEST_F(HandshakeTest, PairsALocalDeviceInSilenceAndGivesItAToken) {
    const Device device;
    const Admission first = admission(signed_by(device), local_);
    EXPECT_TRUE(first.newly_paired);
    EXPECT_EQ(first.token.token.size(), 32u);
    const Admission second = admission(signed_by(device), remote_);
    EXPECT_FALSE(second.newly_paired);
    EXPECT_EQ(second.token.token, first.token.token);
}

TEST_F(HandshakeTest, AsksTheOwnerAboutAnyOtherDevice) {
    const Device device;
    std::vector<std::string> events;
    pairing_.on_event([&](const std::string& name, const Json&) { events.push_back(name); });
    const Refusal refused = refusal(signed_by(device));
    EXPECT_EQ(refused.failure.code, "NOT_PAIRED");
    const std::string id = text_member(*parse_json(refused.failure.details_json), "requestId");
    EXPECT_FALSE(id.empty());
    EXPECT_EQ(refused.failure.message, "pairing required: run `hardshell devices approve " + id +
                                           "` where the gateway runs");
    // The same again asks nothing new.
    EXPECT_EQ(refusal(signed_by(device)).failure.details_json, refused.failure.details_json);
    EXPECT_EQ(events, std::vector<std::string>{"device.pair.requested"});
    ASSERT_TRUE(pairing_.approve(id, now));
    EXPECT_EQ(admission(signed_by(device), remote_).device_id, device.id());
}

TEST_F(HandshakeTest, DoesNotLetAWaitingRequestKeepALocalDeviceOut) {
    const Device device;
    (void)refusal(signed_by(device));
    EXPECT_TRUE(admission(signed_by(device), local_).newly_paired);
}

TEST_F(HandshakeTest, AdmitsADeviceByItsTokenForTheScopesItHas) {
    const Device device;
    const Admission paired = admission(signed_by(device, {"operator.read"}), local_);
    const std::string token = paired.token.token;
    EXPECT_EQ(admission(signed_by(device, {"operator.read"}, token), remote_).token.token, token);
    EXPECT_EQ(refusal(signed_by(device, {"operator.admin"}, token))
                  .failure.message.rfind("unauthorized", 0),
              0u);
    // Another device cannot use it.
    EXPECT_EQ(refusal(signed_by(Device(), {"operator.read"}, token)).cause, "token_mismatch");
}

TEST_F(HandshakeTest, WantsApprovalForMoreScopes) {
    const Device device;
    (void)admission(signed_by(device, {"operator.read"}), local_);
    EXPECT_EQ(refusal(signed_by(device, {"operator.read", "operator.write"})).failure.code,
              "NOT_PAIRED");
}

TEST_F(HandshakeTest, StopsListeningToWhoGuesses) {
    const Json wrong = with_token(params(), "guess");
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(refusal(wrong).cause, "token_mismatch") << "attempt " << i;
    // A short secret can be guessed: the right one must wait too.
    const Refusal refused = refusal(with_token(params(), secret));
    EXPECT_EQ(refused.cause, "rate_limited");
    EXPECT_EQ(refused.failure.message.rfind("unauthorized", 0), 0u);
    EXPECT_TRUE(refused.failure.retryable);
    // Others are not kept out, and time heals.
    (void)admission(with_token(params(), secret), local_);
    time_ += *refused.failure.retry_after_ms;
    (void)admission(with_token(params(), secret), remote_);
}

TEST_F(HandshakeTest, CountsAGuessThatComesWithADeviceToo) {
    const Device device;
    for (int i = 0; i < 20; ++i) (void)refusal(signed_by(device, {}, "guess"));
    EXPECT_EQ(refusal(signed_by(device)).cause, "rate_limited");
}

TEST_F(HandshakeTest, AdmitsAPairedDeviceHoweverManyOthersGuess) {
    const Device device;
    (void)admission(signed_by(device), local_);
    for (int i = 0; i < 20; ++i) (void)refusal(with_token(params(), "guess"));
    ASSERT_EQ(refusal(with_token(params(), secret)).cause, "rate_limited");
    (void)admission(signed_by(device), remote_);
    // Its name alone does not help, nor a signature over another challenge.
    Json forged = signed_by(device);
    forged["device"]["signature"] = signed_by(Device())["device"]["signature"];
    EXPECT_EQ(refusal(forged).cause, "rate_limited");
    Json replayed = device.sign(with_token(params(), secret), "another challenge", time_);
    EXPECT_EQ(refusal(replayed).cause, "rate_limited");
}

TEST_F(HandshakeTest, HearsALongTokenHoweverManyOthersGuess) {
    const std::string token = "9f86d081884c7d659a2feaa0c55ad015";
    auth_ = SharedAuth(AuthMode::token, Secret(token), Secret());
    for (int i = 0; i < 20; ++i) (void)refusal(with_token(params(), "guess"));
    EXPECT_EQ(refusal(with_token(params(), "guess")).cause, "rate_limited");
    (void)admission(with_token(params(), token), remote_);
}

TEST_F(HandshakeTest, LimitsAPairedDeviceThatGuessesByItself) {
    const Device device, other;
    (void)admission(signed_by(device), local_);
    (void)admission(signed_by(other), local_);
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(refusal(signed_by(device, {}, "guess")).cause, "token_mismatch");
    EXPECT_EQ(refusal(signed_by(device)).cause, "rate_limited");
    // Nobody else pays for it.
    (void)admission(signed_by(other), remote_);
    (void)admission(with_token(params(), secret), remote_);
}

TEST_F(HandshakeTest, GivesADeviceThatAsksForNothingWhatItsTokenHolds) {
    const Device device;
    const Admission paired = admission(signed_by(device, {"operator.read"}), local_);
    const Admission again = admission(signed_by(device, {}, paired.token.token), remote_);
    EXPECT_EQ(again.scopes, std::vector<std::string>{"operator.read"});
    EXPECT_EQ(again.by, Credential::device_token);
}

TEST_F(HandshakeTest, PairsATailscaleLoginLikeAnyOther) {
    RequestSource source = remote_;
    source.tailscale_login = "alice@example.com";
    // Without a device nobody could take it back.
    EXPECT_EQ(refusal(frame_of(params()), source).failure.message, "device identity required");
    const Device device;
    const Json made = device.sign(params(), challenge, time_);
    const Refusal refused = refusal(frame_of(made), source);
    EXPECT_EQ(refused.cause, "pairing_required");
    const std::string id = text_member(*parse_json(refused.failure.details_json), "requestId");
    ASSERT_TRUE(pairing_.approve(id, time_));
    EXPECT_EQ(admission(made, source).by, Credential::tailscale);
    // The name in the header alone is worth nothing.
    EXPECT_EQ(refusal(frame_of(made), remote_).cause, "token_missing");
}

TEST(AttemptLimiter, LetsADeviceAnswerForItselfOnly) {
    AttemptLimiter limiter;
    const std::string device = AttemptLimiter::source_of_device("d");
    for (int i = 0; i < 300; ++i) limiter.failed("10.0.0." + std::to_string(i), now);
    EXPECT_EQ(limiter.wait_ms(device, now), 0);
    for (int i = 0; i < 20; ++i) limiter.failed(device, now);
    EXPECT_GT(limiter.wait_ms(device, now), 0);
    EXPECT_EQ(limiter.wait_ms(AttemptLimiter::source_of_device("e"), now), 0);
}

TEST(AttemptLimiter, BoundsAllAddressesTogether) {
    AttemptLimiter limiter;
    for (int i = 0; i < 300; ++i) limiter.failed("10.0.0." + std::to_string(i), now);
    EXPECT_GT(limiter.wait_ms("198.51.100.7", now), 0);
    EXPECT_EQ(limiter.wait_ms("198.51.100.7", now + 1000), 0);
}

TEST(DeviceIdentity, RefusesWhatIsNoKey) {
    EXPECT_FALSE(raw_public_key(""));
    EXPECT_FALSE(raw_public_key("AAAA"));
    EXPECT_FALSE(raw_public_key("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"));
    EXPECT_FALSE(raw_public_key("-----END PUBLIC KEY----------BEGIN PUBLIC KEY-----"));
    EXPECT_FALSE(raw_public_key(std::string(43, '!')));
    EXPECT_TRUE(raw_public_key(std::string(43, 'A')));
    EXPECT_TRUE(raw_public_key(std::string(43, 'A') + "="));
}

}  // namespace
}  // namespace gateway
