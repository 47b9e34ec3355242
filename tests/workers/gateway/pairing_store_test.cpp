#include "workers/gateway/pairing_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "workers/gateway/device_identity.h"

namespace gateway {
namespace {

constexpr int64_t now = 1'800'000'000'000;

class PairingStoreTest : public testing::Test {
  protected:
    PairingStoreTest() { (void)store_.load(now); }
    ~PairingStoreTest() override { std::filesystem::remove_all(directory_); }

    static DeviceClaim claim(const std::string& id, std::vector<std::string> scopes) {
        DeviceClaim made;
        made.device_id = id;
        made.public_key = "key-of-" + id;
        made.client_id = "cli";
        made.client_mode = "cli";
        made.role = "operator";
        made.scopes = std::move(scopes);
        return made;
    }
    std::string paired(const DeviceClaim& made) {
        const auto id = store_.request(made, true, now);
        EXPECT_TRUE(id && store_.approve(*id, now));
        return store_.token_for(made, now)->token;
    }
    static bool accepts(const PairingStore& store, const DeviceClaim& made,
                        const std::string& token) {
        const auto scopes =
            store.scopes_of_token(made.device_id, made.public_key, made.role, Secret(token));
        return scopes && covers(*scopes, made.scopes);
    }
    std::string text_of(const std::string& name) const {
        std::ifstream file(directory_ + "/" + name);
        std::stringstream text;
        text << file.rdbuf();
        return text.str();
    }
    void write_file(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories(directory_);
        std::ofstream(directory_ + "/" + name) << text;
    }

    std::string directory_ =
        std::filesystem::temp_directory_path().string() + "/pairing-" + random_hex(6);
    PairingStore store_{directory_};
};

TEST_F(PairingStoreTest, KeepsDevicesOverARestart) {
    const DeviceClaim made = claim("d", {"operator.write", "operator.read"});
    const std::string token = paired(made);
    PairingStore again(directory_);
    EXPECT_TRUE(again.load(now).empty());
    EXPECT_TRUE(again.is_paired(made));
    EXPECT_TRUE(accepts(again, made, token));
    EXPECT_EQ(again.token_for(made, now)->scopes,
              (std::vector<std::string>{"operator.read", "operator.write"}));
}

TEST_F(PairingStoreTest, WritesFilesForTheOwnerAlone) {
    (void)paired(claim("d", {"operator.admin"}));
    struct stat status {};
    ASSERT_EQ(stat((directory_ + "/paired.json").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    EXPECT_FALSE(std::filesystem::exists(directory_ + "/paired.json.tmp"));
}

TEST_F(PairingStoreTest, ReadsWhatTheStockGatewayWrote) {
    write_file("paired.json",
               R"({"d":{"deviceId":"d","publicKey":"key-of-d","role":"operator",
               "roles":["operator"],"scopes":["operator.admin"],"future":{"kept":true},
               "tokens":{"operator":{"token":"0123456789abcdef0123456789abcdef",
               "role":"operator","scopes":["operator.admin"],"createdAtMs":5}},
               "createdAtMs":5,"approvedAtMs":6}})");
    PairingStore again(directory_);
    EXPECT_TRUE(again.load(now).empty());
    const DeviceClaim made = claim("d", {"operator.admin"});
    EXPECT_TRUE(accepts(again, made, "0123456789abcdef0123456789abcdef"));
    EXPECT_EQ(again.token_for(made, now)->issued_at_ms, 5);
    ASSERT_TRUE(again.remember(made));
    EXPECT_NE(text_of("paired.json").find("\"kept\": true"), std::string::npos);
}

TEST_F(PairingStoreTest, RefusesWrongRevokedAndNarrowTokens) {
    const DeviceClaim made = claim("d", {"operator.read"});
    const std::string token = paired(made);
    EXPECT_FALSE(accepts(store_, made, ""));
    EXPECT_FALSE(accepts(store_, made, token + "0"));
    EXPECT_FALSE(accepts(store_, claim("d", {"operator.admin"}), token));
    DeviceClaim other_key = made;
    other_key.public_key = "another";
    EXPECT_FALSE(accepts(store_, other_key, token));
    Json revoked = *parse_json(text_of("paired.json"));
    revoked["d"]["tokens"]["operator"]["revokedAtMs"] = now;
    write_file("paired.json", print_json(revoked));
    ASSERT_TRUE(store_.load(now).empty());
    EXPECT_FALSE(accepts(store_, made, token));
    EXPECT_NE(store_.token_for(made, now)->token, token);
}

TEST_F(PairingStoreTest, RotatesATokenWithinWhatWasApproved) {
    const DeviceClaim made = claim("d", {"operator.read", "operator.write"});
    const std::string old = paired(made);
    const auto rotated = store_.rotate("d", "operator", {}, now + 5);
    ASSERT_TRUE(rotated);
    EXPECT_NE(rotated->token, old);
    EXPECT_EQ(rotated->scopes, made.scopes);
    EXPECT_EQ(rotated->issued_at_ms, now + 5);
    EXPECT_FALSE(accepts(store_, made, old));
    EXPECT_TRUE(accepts(store_, made, rotated->token));
    const auto narrow =
        store_.rotate("d", "operator", std::vector<std::string>{"operator.read"}, now);
    EXPECT_FALSE(accepts(store_, made, narrow->token));
    EXPECT_TRUE(accepts(store_, claim("d", {"operator.read"}), narrow->token));
    for (const auto& refused :
         {store_.rotate("d", "operator", std::vector<std::string>{"operator.admin"}, now),
          store_.rotate("d", "node", {}, now), store_.rotate("x", "operator", {}, now)}) {
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().fault, Fault::bad_message);
    }
    // What was refused changed nothing.
    PairingStore again(directory_);
    EXPECT_TRUE(again.load(now).empty());
    EXPECT_TRUE(accepts(again, claim("d", {"operator.read"}), narrow->token));
}

TEST_F(PairingStoreTest, RevokesATokenOnceAndForAll) {
    const DeviceClaim made = claim("d", {"operator.read"});
    const std::string token = paired(made);
    EXPECT_EQ(*store_.revoke("d", "operator", now + 1), now + 1);
    EXPECT_EQ(*store_.revoke("d", "operator", now + 2), now + 1);
    EXPECT_FALSE(accepts(store_, made, token));
    PairingStore again(directory_);
    EXPECT_TRUE(again.load(now).empty());
    EXPECT_FALSE(accepts(again, made, token));
    EXPECT_EQ(store_.revoke("d", "node", now).error().what, "unknown deviceId/role");
    EXPECT_EQ(store_.revoke("x", "operator", now).error().what, "unknown deviceId/role");
}

TEST_F(PairingStoreTest, KeepsTheNameThatTheOwnerGave) {
    DeviceClaim made = claim("d", {"operator.read"});
    made.display_name = "its own";
    paired(made);
    ASSERT_TRUE(store_.rename("d", "kitchen"));
    ASSERT_TRUE(store_.remember(made));
    made.scopes = {"operator.write"};
    paired(made);
    EXPECT_EQ(text_member(store_.list(now)["paired"][0], "displayName"), "kitchen");
    EXPECT_EQ(store_.rename("x", "y").error().fault, Fault::bad_message);
}

TEST_F(PairingStoreTest, UsesARequestAgainOnlyForTheSameWish) {
    const auto first = store_.request(claim("d", {"operator.read"}), false, now);
    EXPECT_EQ(*store_.request(claim("d", {"operator.read"}), false, now + 1), *first);
    // What the owner is asked to approve is what will be granted.
    const auto wider = store_.request(claim("d", {"operator.admin"}), false, now + 2);
    EXPECT_NE(*wider, *first);
    EXPECT_FALSE(store_.approve(*first, now + 3));
    EXPECT_FALSE(store_.grants_at_most(*wider, {"operator.read"}));
    EXPECT_TRUE(store_.approve(*wider, now + 3));
}

TEST_F(PairingStoreTest, ForgetsRequestsAfterFiveMinutes) {
    const auto id = store_.request(claim("d", {"operator.read"}), false, now);
    EXPECT_EQ(store_.list(now + 300'000)["pending"].size(), 1u);
    EXPECT_FALSE(store_.approve(*id, now + 300'001));
    EXPECT_EQ(store_.list(now + 300'001)["pending"].size(), 0u);
}

TEST_F(PairingStoreTest, AddsScopesToWhatWasGranted) {
    (void)paired(claim("d", {"operator.read"}));
    (void)paired(claim("d", {"operator.write"}));
    EXPECT_TRUE(store_.is_paired(claim("d", {"operator.read", "operator.write"})));
    EXPECT_FALSE(store_.is_paired(claim("d", {"operator.admin"})));
}

TEST_F(PairingStoreTest, TellsOfRequestsAndDecisions) {
    std::vector<std::string> told;
    store_.on_event([&](const std::string& event, const Json& payload) {
        told.push_back(event + " " + text_member(payload, "decision"));
    });
    const auto one = store_.request(claim("a", {"operator.read"}), false, now);
    const auto two = store_.request(claim("b", {"operator.read"}), true, now);
    ASSERT_TRUE(store_.reject(*one, now));
    ASSERT_TRUE(store_.approve(*two, now));
    EXPECT_EQ(told,
              (std::vector<std::string>{"device.pair.requested ", "device.pair.resolved rejected",
                                        "device.pair.resolved approved"}));
    EXPECT_FALSE(store_.reject("nobody", now));
}

TEST_F(PairingStoreTest, ShowsNoTokens) {
    const std::string token = paired(claim("d", {"operator.admin"}));
    const Json list = store_.list(now);
    EXPECT_EQ(print_json(list).find(token), std::string::npos);
    EXPECT_EQ(text_member(list["paired"][0]["tokens"][0], "role"), "operator");
}

TEST_F(PairingStoreTest, KeepsABrokenFileAsideAndSaysSo) {
    for (const char* broken : {"{\"d\":", "[]", "{\"d\":1}", ""}) {
        write_file("paired.json", broken);
        PairingStore again(directory_);
        const auto problems = again.load(now);
        ASSERT_EQ(problems.size(), 1u) << broken;
        EXPECT_NE(problems[0].find("paired.json"), std::string::npos);
        EXPECT_EQ(text_of("paired.json.corrupt-" + std::to_string(now)), broken);
        EXPECT_EQ(again.list(now)["paired"].size(), 0u);
    }
}

TEST_F(PairingStoreTest, GrantsNothingThatItCannotStore) {
    const auto id = store_.request(claim("d", {"operator.read"}), false, now);
    ASSERT_TRUE(id);
    // A directory in the file's place: writing fails even for root.
    std::filesystem::create_directories(directory_ + "/paired.json.tmp");
    EXPECT_FALSE(store_.approve(*id, now));
    EXPECT_FALSE(store_.is_paired(claim("d", {"operator.read"})));
}

TEST_F(PairingStoreTest, BoundsWhatWaits) {
    for (size_t i = 0; i < PairingStore::most_requests; ++i)
        ASSERT_TRUE(store_.request(claim(std::to_string(i), {}), false, now));
    EXPECT_FALSE(store_.request(claim("one more", {}), false, now));
}

}  // namespace
}  // namespace gateway
