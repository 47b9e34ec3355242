#include "workers/voice/phone_number.h"

#include <gtest/gtest.h>

namespace voice {

TEST(PhoneNumber, IsKnownWholeOrNotAtAll) {
    for (const char* number : {"+15550001111", "+491", "+123456789012345"})
        EXPECT_TRUE(is_e164(number)) << number;
    for (const char* wrong : {"", "+", "+0123", "15550001111", "+1", "+1234567890123456",
                              "+1555 000", "+1555a", "++1555", "anonymous", "tel:+1555", "+1555\n"})
        EXPECT_FALSE(is_e164(wrong)) << wrong;
    EXPECT_EQ(e164_of("15550001111"), "+15550001111");
    EXPECT_EQ(e164_of("+15550001111"), "+15550001111");
    EXPECT_EQ(e164_of("unknown"), "");
    EXPECT_EQ(digits_of("+15550001111"), "15550001111");
}

// The published weakness: a part of a listed number, or none at all, was let in.
TEST(Caller, IsLetInByTheExactNumberOnly) {
    const std::vector<std::string> allowed{"+15550001111"};
    EXPECT_EQ(admit_caller(InboundPolicy::allow_list, allowed, "+15550001111"),
              Admission::accepted);
    for (const char* caller :
         {"", "anonymous", "Anonymous", "restricted", "unavailable", "1111", "+1111",
          "+49915550001111", "15550001111", "+1555000111", "+155500011110", " +15550001111",
          "+266696687", "sip:+15550001111@example.com"})
        EXPECT_NE(admit_caller(InboundPolicy::allow_list, allowed, caller), Admission::accepted)
            << caller;
    EXPECT_EQ(admit_caller(InboundPolicy::allow_list, {""}, ""), Admission::hides_number);
    EXPECT_EQ(admit_caller(InboundPolicy::allow_list, {}, "+15550001111"), Admission::not_allowed);
}

TEST(Caller, IsNotTakenUnlessTheOwnerSaysSo) {
    EXPECT_EQ(admit_caller(InboundPolicy::disabled, {"+15550001111"}, "+15550001111"),
              Admission::not_taken);
    EXPECT_EQ(admit_caller(InboundPolicy::open, {}, "+15550001111"), Admission::accepted);
    EXPECT_EQ(admit_caller(InboundPolicy::open, {}, "anonymous"), Admission::hides_number);
}

TEST(Destination, IsListedByNumberOrPrefix) {
    const std::vector<std::string> listed{"+15550001111", "+4930*", "+*", "*", "49*"};
    EXPECT_TRUE(may_be_called(listed, "+15550001111"));
    EXPECT_TRUE(may_be_called(listed, "+4930123"));
    EXPECT_FALSE(may_be_called(listed, "+4940123"));
    EXPECT_FALSE(may_be_called(listed, "+15550001112"));
    EXPECT_FALSE(may_be_called(listed, ""));
    EXPECT_FALSE(may_be_called({}, "+15550001111"));
}

}  // namespace voice
