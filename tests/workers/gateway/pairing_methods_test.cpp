#include "workers/gateway/pairing_methods.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "workers/gateway/device_identity.h"

namespace gateway {
namespace {

constexpr int64_t now = 1'800'000'000'000;
using End = PairingMethods::End;

class PairingMethodsTest : public testing::Test {
  protected:
    PairingMethodsTest() {
        EXPECT_GE(sodium_init(), 0);
        std::filesystem::create_directory(directory_);
        devices_.on_event([this](const std::string& name, const Json& payload) {
            events_.emplace_back(name, payload);
        });
        nodes_.on_event([this](const std::string& name, const Json& payload) {
            events_.emplace_back(name, payload);
        });
        methods_.on_token_ended([this](const std::string& device, const std::string& role,
                                       End how) {
            ended_.push_back(device + " " + role + (how == End::revoked ? " revoked" : " rotated"));
        });
    }
    ~PairingMethodsTest() override { std::filesystem::remove_all(directory_); }

    std::string asks(const std::string& device, const std::vector<std::string>& scopes,
                     const std::string& role = "operator") {
        DeviceClaim claim;
        claim.device_id = device;
        claim.public_key = "key of " + device;
        claim.role = role;
        claim.scopes = scopes;
        const Result<std::string> id = devices_.request(claim, false, now);
        EXPECT_TRUE(id);
        return *id;
    }
    void pair(const std::string& device, const std::vector<std::string>& scopes,
              const std::string& role = "operator") {
        EXPECT_TRUE(devices_.approve(asks(device, scopes, role), now));
    }
    Json ok(const char* method, const Json& params, const Manager& manager) {
        const auto outcome = methods_.call(method, params, manager, now);
        if (const Failure* failure = std::get_if<Failure>(&outcome)) {
            ADD_FAILURE() << method << ": " << failure->message;
            return {};
        }
        return std::get<Json>(outcome);
    }
    std::string refused(const char* method, const Json& params, const Manager& manager) {
        const auto outcome = methods_.call(method, params, manager, now);
        const Failure* failure = std::get_if<Failure>(&outcome);
        if (!failure) return "not refused: " + print_json(std::get<Json>(outcome));
        EXPECT_EQ(failure->code, "INVALID_REQUEST");
        return failure->message;
    }
    Json on_disk(const std::string& name) const {
        std::ifstream file(directory_ + "/" + name);
        std::stringstream text;
        text << file.rdbuf();
        return *parse_json(text.str());
    }

    std::string directory_ =
        std::filesystem::temp_directory_path().string() + "/pairing-methods-" + random_hex(6);
    PairingStore devices_{directory_ + "/devices"};
    NodeStore nodes_{directory_ + "/nodes"};
    PairingMethods methods_{devices_, nodes_};
    std::vector<std::pair<std::string, Json>> events_;
    std::vector<std::string> ended_;
    const Manager owner_ = owner_at_the_machine();
    const Manager manager_{{"operator.pairing", "operator.read"}, "mine"};
};

TEST_F(PairingMethodsTest, NamesWhatIsWrongWithTheParameters) {
    EXPECT_EQ(refused("device.pair.approve", {}, owner_),
              "invalid device.pair.approve params: must be object");
    EXPECT_EQ(refused("device.token.rotate", {{"deviceId", ""}, {"scopes", {1}}}, owner_),
              "invalid device.token.rotate params: must have required property 'role'; at "
              "/deviceId: must NOT have fewer than 1 characters; at /scopes/0: must be string");
    EXPECT_EQ(refused("node.pair.request", {{"nodeId", "n"}, {"x", 1}}, owner_),
              "invalid node.pair.request params: at root: unexpected property 'x'");
}

TEST_F(PairingMethodsTest, LetsNobodyApproveMoreThanHeHolds) {
    const std::string wide = asks("wide", {"operator.admin"});
    const std::string narrow = asks("narrow", {"operator.read"});
    EXPECT_EQ(refused("device.pair.approve", {{"requestId", wide}}, manager_),
              "missing scope: operator.admin");
    const Json approved = ok("device.pair.approve", {{"requestId", narrow}}, manager_);
    EXPECT_EQ(text_member(approved, "requestId"), narrow);
    EXPECT_EQ(text_member(member(approved, "device"), "deviceId"), "narrow");
    EXPECT_EQ(print_json(approved).find("\"token\""), std::string::npos);
    ok("device.pair.approve", {{"requestId", wide}}, owner_);
    EXPECT_EQ(refused("device.pair.approve", {{"requestId", wide}}, owner_), "unknown requestId");
    EXPECT_EQ(refused("device.pair.reject", {{"requestId", "x"}}, owner_), "unknown requestId");
}

TEST_F(PairingMethodsTest, RotatesWithinTheScopesOfCallerAndDevice) {
    pair("mine", {"operator.admin", "operator.pairing", "operator.read"});
    pair("other", {"operator.read"});
    const Json mine = {{"deviceId", "mine"}, {"role", "operator"}};
    const auto with = [](Json params, std::vector<std::string> scopes) {
        params["scopes"] = std::move(scopes);
        return params;
    };
    EXPECT_EQ(
        refused("device.token.rotate", {{"deviceId", "other"}, {"role", "operator"}}, manager_),
        "missing scope: operator.admin");
    EXPECT_EQ(refused("device.token.rotate", with(mine, {"operator.admin"}), manager_),
              "missing scope: operator.admin");
    EXPECT_EQ(refused("device.token.rotate", with(mine, {"operator.write"}), owner_),
              "the device was not approved for these scopes");
    EXPECT_TRUE(ended_.empty());
    // Without scopes the session's own, not those of the wider old token.
    const Json rotated = ok("device.token.rotate", mine, manager_);
    EXPECT_EQ(member(rotated, "scopes"), Json({"operator.pairing", "operator.read"}));
    EXPECT_EQ(text_member(rotated, "token").size(), 32u);
    EXPECT_EQ(int_member(rotated, "rotatedAtMs"), now);
    EXPECT_EQ(ended_, std::vector<std::string>{"mine operator rotated"});
    const Json wide = ok("device.token.rotate", with(mine, {"operator.admin"}), owner_);
    EXPECT_EQ(member(wide, "scopes"), Json({"operator.admin"}));
    EXPECT_EQ(
        text_member(member(member(on_disk("devices/paired.json")["mine"], "tokens"), "operator"),
                    "token"),
        text_member(wide, "token"));
}

TEST_F(PairingMethodsTest, RevokesOwnTokensOrAnyForTheAdministrator) {
    pair("mine", {"operator.read"});
    pair("other", {"operator.read"});
    EXPECT_EQ(
        refused("device.token.revoke", {{"deviceId", "other"}, {"role", "operator"}}, manager_),
        "missing scope: operator.admin");
    EXPECT_EQ(ok("device.token.revoke", {{"deviceId", "mine"}, {"role", "operator"}}, manager_),
              (Json{{"deviceId", "mine"}, {"role", "operator"}, {"revokedAtMs", now}}));
    ok("device.token.revoke", {{"deviceId", "other"}, {"role", "operator"}}, owner_);
    EXPECT_EQ(refused("device.token.revoke", {{"deviceId", "other"}, {"role", "node"}}, owner_),
              "unknown deviceId/role");
    EXPECT_EQ(ended_,
              (std::vector<std::string>{"mine operator revoked", "other operator revoked"}));
}

TEST_F(PairingMethodsTest, PairsANodeTheOlderWay) {
    const Json asked =
        ok("node.pair.request", {{"nodeId", "n1"}, {"displayName", "Phone"}, {"caps", {"camera"}}},
           owner_);
    EXPECT_EQ(text_member(asked, "status"), "pending");
    EXPECT_TRUE(bool_member(asked, "created"));
    const std::string id = text_member(member(asked, "request"), "requestId");
    const Json again = ok("node.pair.request", {{"nodeId", "n1"}}, owner_);
    EXPECT_FALSE(bool_member(again, "created", true));
    EXPECT_EQ(text_member(member(again, "request"), "requestId"), id);

    const Json approved = ok("node.pair.approve", {{"requestId", id}}, owner_);
    const std::string token = text_member(member(approved, "node"), "token");
    EXPECT_EQ(token.size(), 32u);
    const auto verified = [&](const std::string& shown) {
        return ok("node.pair.verify", {{"nodeId", "n1"}, {"token", shown}}, owner_);
    };
    EXPECT_TRUE(bool_member(verified(token), "ok"));
    EXPECT_EQ(verified(token + "0"), Json({{"ok", false}}));
    EXPECT_EQ(ok("node.pair.verify", {{"nodeId", "n2"}, {"token", token}}, owner_),
              Json({{"ok", false}}));
    const Json list = ok("node.pair.list", Json::object(), owner_);
    ASSERT_EQ(member(list, "paired").size(), 1u);
    EXPECT_EQ(print_json(list).find(token), std::string::npos);
    EXPECT_EQ(on_disk("nodes/pending.json").size(), 0u);
    EXPECT_EQ(text_member(on_disk("nodes/paired.json")["n1"], "token"), token);
    ASSERT_EQ(events_.size(), 2u);
    EXPECT_EQ(events_[0].first, "node.pair.requested");
    EXPECT_EQ(events_[1].second,
              (Json{{"requestId", id}, {"nodeId", "n1"}, {"decision", "approved"}, {"ts", now}}));
    // Over a restart.
    NodeStore later(directory_ + "/nodes");
    EXPECT_TRUE(later.load(now).empty());
    EXPECT_TRUE(bool_member(later.verify("n1", token), "ok"));
}

TEST_F(PairingMethodsTest, ForgetsNodesThatWaitTooLongAndBoundsThem) {
    const Json asked = ok("node.pair.request", {{"nodeId", "n"}}, owner_);
    const Json approve = {{"requestId", text_member(member(asked, "request"), "requestId")}};
    EXPECT_TRUE(std::holds_alternative<Failure>(
        methods_.call("node.pair.approve", approve, owner_, now + NodeStore::request_life_ms + 1)));
    for (size_t i = 0; i < NodeStore::most_requests; ++i)
        ok("node.pair.request", {{"nodeId", std::to_string(i)}}, owner_);
    const auto full = methods_.call("node.pair.request", {{"nodeId", "more"}}, owner_, now);
    EXPECT_EQ(std::get<Failure>(full).code, "UNAVAILABLE");
}

TEST_F(PairingMethodsTest, RenamesNodesOfBothKinds) {
    pair("device-node", {}, "node");
    pair("operator", {"operator.read"});
    const auto rename = [](const char* id, const char* name) {
        return Json{{"nodeId", id}, {"displayName", name}};
    };
    EXPECT_EQ(ok("node.rename", rename("device-node", "  Kitchen "), owner_),
              rename("device-node", "Kitchen"));
    EXPECT_EQ(text_member(on_disk("devices/paired.json")["device-node"], "displayName"), "Kitchen");
    EXPECT_EQ(refused("node.rename", rename("operator", "x"), owner_), "unknown nodeId");
    EXPECT_EQ(refused("node.rename", rename("device-node", "  "), owner_), "displayName required");
    const Json asked = ok("node.pair.request", {{"nodeId", "n"}}, owner_);
    ok("node.pair.approve", {{"requestId", text_member(member(asked, "request"), "requestId")}},
       owner_);
    ok("node.rename", rename("n", "Hall"), owner_);
    EXPECT_EQ(text_member(on_disk("nodes/paired.json")["n"], "displayName"), "Hall");
}

}  // namespace
}  // namespace gateway
