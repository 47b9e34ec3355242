#include "supervisor/secret_mask.h"

#include <gtest/gtest.h>

namespace supervisor {
namespace {

std::string masked(const std::vector<std::string>& secrets, std::string_view text) {
    std::vector<SecretMask::Span> spans;
    SecretMask(secrets).find(text, spans);
    std::string out;
    append_masked(out, text, spans, 0, text.size());
    return out;
}

TEST(SecretMask, LeavesTextWithoutSecretsAlone) {
    EXPECT_EQ(masked({}, "nothing known"), "nothing known");
    EXPECT_EQ(masked({"sk-abcdefgh"}, "sk-abcdefg"), "sk-abcdefg");
    EXPECT_EQ(masked({"short"}, "short"), "short");
}

TEST(SecretMask, FindsASecretAtEveryPlace) {
    for (size_t before = 0; before < 40; ++before)
        for (size_t after = 0; after < 40; ++after)
            EXPECT_EQ(masked({"sk-abcdefgh", "another-secret"},
                             std::string(before, 's') + "sk-abcdefgh" + std::string(after, 'h')),
                      std::string(before, 's') + "***" + std::string(after, 'h'));
}

TEST(SecretMask, LeavesNoRestOfSecretsThatOverlap) {
    EXPECT_EQ(masked({"abcdef", "cdefghij"}, "1abcdefghij2"), "1***2");
    EXPECT_EQ(masked({"abcdefghij", "cdefgh"}, "abcdefghij cdefgh"), "*** ***");
    EXPECT_EQ(masked({"aaaaaa"}, "aaaaaaaaaaaaaaaa"), "***");
    EXPECT_EQ(masked({"secret"}, "secretsecret"), "******");
}

TEST(SecretMask, FindsTheFormThatJsonWrites) {
    EXPECT_EQ(masked({"pass\"word\\1"}, R"({"key":"pass\"word\\1"} pass"word\1)"),
              R"({"key":"***"} ***)");
}

TEST(SecretMask, FindsEveryLineOfASecretAndItsJsonForm) {
    const std::string key = "-----BEGIN KEY-----\r\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n";
    EXPECT_EQ(masked({key}, "got MIIEvQIBADANBg"), "got ***");
    EXPECT_EQ(masked({key}, R"("-----BEGIN KEY-----\r\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n")"),
              R"("***")");
}

TEST(SecretMask, FindsAVeryLongSecretWhole) {
    std::string secret;
    for (int i = 0; secret.size() < 2 * SecretMask::longest + 2; ++i) secret += std::to_string(i);
    EXPECT_EQ(masked({secret}, "<" + secret + ">"), "<***>");
    EXPECT_LE(SecretMask({secret}).reach(), SecretMask::longest);
}

TEST(SecretMask, KnowsTheBeginningOfASecretThatWasCutOff) {
    const SecretMask mask({"s3cret-token", "other-secret"});
    EXPECT_EQ(mask.cut_off("key s3cret-to"), 9u);
    EXPECT_EQ(mask.cut_off("key s3cre"), 0u);  // too short to be told from other words
    EXPECT_EQ(mask.cut_off("other-s"), 7u);
    EXPECT_EQ(mask.cut_off(""), 0u);
}

}  // namespace
}  // namespace supervisor
