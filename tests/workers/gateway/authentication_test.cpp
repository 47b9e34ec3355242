#include "workers/gateway/authentication.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <filesystem>

#include "workers/gateway/device_identity.h"

namespace gateway {
namespace {

using Scopes = std::vector<std::string>;

constexpr int64_t now = 1'800'000'000'000;
const std::string owners = "the-owners-secret";

// Everything that can be shown, in every state it can be in.
enum class Shown {
    nothing,
    right_token,
    wrong_token,
    right_password,
    wrong_password,
    device_token,
    revoked_token,
    token_of_another_device
};
enum class Device { none, stranger, paired };
enum class Login { none, known };
enum class Asked { nothing, what_it_is_paired_for, more };

const Shown all_shown[] = {Shown::nothing,        Shown::right_token,
                           Shown::wrong_token,    Shown::right_password,
                           Shown::wrong_password, Shown::device_token,
                           Shown::revoked_token,  Shown::token_of_another_device};

struct Case {
    AuthMode mode;
    Shown shown;
    Device device;
    Login login;
    Asked asked;
    std::string role;
};

class AuthenticationTest : public testing::Test {
  protected:
    AuthenticationTest() {
        EXPECT_GE(sodium_init(), 0);
        mine_ = paired("mine", "operator");
        others_ = paired("other", "operator");
        revoked_ = paired("revoked", "operator");
        EXPECT_TRUE(devices_.revoke("revoked", "operator", now));
    }
    ~AuthenticationTest() override { std::filesystem::remove_all(directory_); }

    static DeviceClaim claim(const std::string& id, const std::string& role) {
        DeviceClaim made;
        made.device_id = id;
        made.public_key = "key of " + id;
        made.role = role;
        made.scopes = {"operator.read", "operator.write"};
        return made;
    }
    std::string paired(const std::string& id, const std::string& role) {
        const DeviceClaim made = claim(id, role);
        EXPECT_TRUE(devices_.approve(*devices_.request(made, true, now), now));
        return devices_.token_for(made, now)->token;
    }

    Offer offer_of(const Case& row) const {
        Offer offer;
        offer.role = row.role;
        if (row.asked == Asked::what_it_is_paired_for) offer.scopes = {"operator.read"};
        if (row.asked == Asked::more) offer.scopes = {"operator.read", "operator.admin"};
        if (row.device != Device::none)
            offer.device = claim(row.device == Device::stranger      ? "nobody"
                                 : row.shown == Shown::revoked_token ? "revoked"
                                                                     : "mine",
                                 row.role);
        if (row.login == Login::known) offer.tailscale_login = "alice@example.com";
        switch (row.shown) {
            case Shown::nothing:
                break;
            case Shown::right_token:
                offer.token = Secret(owners);
                break;
            case Shown::wrong_token:
                offer.token = Secret("no");
                break;
            case Shown::right_password:
                offer.password = Secret(owners);
                break;
            case Shown::wrong_password:
                offer.password = Secret("no");
                break;
            case Shown::device_token:
                offer.token = Secret(mine_);
                break;
            case Shown::revoked_token:
                offer.token = Secret(revoked_);
                break;
            case Shown::token_of_another_device:
                offer.token = Secret(others_);
                break;
        }
        return offer;
    }

    std::string directory_ =
        std::filesystem::temp_directory_path().string() + "/authentication-" + random_hex(6);
    PairingStore devices_{directory_};
    std::string mine_, others_, revoked_;
};

// What must come out, said once more and in other words than the code says it.
struct Expected {
    bool granted = false;
    Credential by = Credential::shared_secret;
    Scopes scopes = {};
};

Expected expected_of(const Case& row) {
    const Scopes asked = row.asked == Asked::nothing ? Scopes{}
                         : row.asked == Asked::more  ? Scopes{"operator.read", "operator.admin"}
                                                     : Scopes{"operator.read"};
    const bool is_node = row.role == "node";
    const Scopes as_asked = !asked.empty() ? asked : is_node ? Scopes{} : Scopes{"operator.admin"};
    const Shown right = row.mode == AuthMode::token ? Shown::right_token : Shown::right_password;
    if (row.shown == right && (row.device != Device::none || !is_node))
        return {true, Credential::shared_secret, as_asked};
    if (row.shown == Shown::device_token && row.device == Device::paired && !is_node &&
        row.asked != Asked::more)
        return {true, Credential::device_token,
                asked.empty() ? Scopes{"operator.read", "operator.write"} : asked};
    if (row.login == Login::known && row.device != Device::none)
        return {true, Credential::tailscale, as_asked};
    return {};
}

std::string text_of(const Case& row) {
    return "mode " + std::to_string(static_cast<int>(row.mode)) + " shown " +
           std::to_string(static_cast<int>(row.shown)) + " device " +
           std::to_string(static_cast<int>(row.device)) + " login " +
           std::to_string(static_cast<int>(row.login)) + " asked " +
           std::to_string(static_cast<int>(row.asked)) + " role " + row.role;
}

TEST_F(AuthenticationTest, DecidesEveryCombination) {
    size_t granted = 0, denied = 0;
    for (const AuthMode mode : {AuthMode::token, AuthMode::password})
        for (const Shown shown : all_shown)
            for (const Device device : {Device::none, Device::stranger, Device::paired})
                for (const Login login : {Login::none, Login::known})
                    for (const Asked asked :
                         {Asked::nothing, Asked::what_it_is_paired_for, Asked::more})
                        for (const char* role : {"operator", "node"}) {
                            const Case row{mode, shown, device, login, asked, role};
                            SCOPED_TRACE(text_of(row));
                            const SharedAuth shared(mode, Secret(owners), Secret(owners));
                            const auto outcome = authenticate(offer_of(row), shared, devices_);
                            const Expected expected = expected_of(row);
                            const Grant* grant = std::get_if<Grant>(&outcome);
                            ASSERT_EQ(grant != nullptr, expected.granted);
                            (grant ? granted : denied) += 1;
                            if (!grant) {
                                EXPECT_EQ(std::get<Denial>(outcome).is_guess,
                                          shown != Shown::nothing);
                                continue;
                            }
                            EXPECT_EQ(grant->by, expected.by);
                            EXPECT_EQ(grant->scopes, expected.scopes);
                        }
    // Neither half of the table is empty by mistake.
    EXPECT_GT(granted, 100u);
    EXPECT_GT(denied, 100u);
}

TEST_F(AuthenticationTest, NamesWhatIsWrong) {
    const SharedAuth token(AuthMode::token, Secret(owners), {});
    const SharedAuth password(AuthMode::password, {}, Secret(owners));
    const auto cause = [&](const SharedAuth& shared, const char* shown_token,
                           const char* shown_password) {
        Offer offer{"operator", {}, Secret(shown_token), Secret(shown_password), {}, {}};
        return std::get<Denial>(authenticate(offer, shared, devices_)).cause;
    };
    EXPECT_EQ(cause(token, "", ""), "token_missing");
    EXPECT_EQ(cause(token, "no", ""), "token_mismatch");
    EXPECT_EQ(cause(token, "", "no"), "token_missing");
    EXPECT_EQ(cause(password, "", ""), "password_missing");
    EXPECT_EQ(cause(password, "", "no"), "password_mismatch");
}

TEST_F(AuthenticationTest, TakesNoSecretWhereNoneIsConfigured) {
    const SharedAuth nothing(AuthMode::token, {}, {});
    Offer offer{"operator", {}, {}, {}, {}, {}};
    EXPECT_TRUE(std::holds_alternative<Denial>(authenticate(offer, nothing, devices_)));
}

TEST_F(AuthenticationTest, KnowsADeviceByItsKeyAndNotByItsName) {
    Offer offer{"operator", {}, Secret(mine_), {}, claim("mine", "operator"), {}};
    const SharedAuth shared(AuthMode::token, Secret(owners), {});
    EXPECT_TRUE(std::holds_alternative<Grant>(authenticate(offer, shared, devices_)));
    offer.device->public_key = "another key";
    EXPECT_TRUE(std::holds_alternative<Denial>(authenticate(offer, shared, devices_)));
}

TEST(SharedAuth, CallsBeyondGuessingOnlyALongRandomToken) {
    const auto beyond = [](AuthMode mode, const std::string& secret) {
        return SharedAuth(mode, Secret(secret), Secret(secret)).is_beyond_guessing();
    };
    EXPECT_TRUE(beyond(AuthMode::token, "9f86d081884c7d659a2feaa0c55ad015"));
    EXPECT_TRUE(beyond(AuthMode::token, "kX3_vT9qLm2-Zw8RbN5cYd7H"));
    EXPECT_FALSE(beyond(AuthMode::token, "iloveyou1234567890"));
    EXPECT_FALSE(beyond(AuthMode::token, std::string(64, 'a')));
    EXPECT_FALSE(beyond(AuthMode::token, ""));
    EXPECT_FALSE(beyond(AuthMode::password, "9f86d081884c7d659a2feaa0c55ad015"));
}

}  // namespace
}  // namespace gateway
