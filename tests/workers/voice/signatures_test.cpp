#include "workers/voice/signatures.h"

#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <memory>

#include "workers/voice/form.h"

namespace voice {

namespace {

using testing::HasSubstr;

const Secret token("12345");
constexpr const char* host = "https://example.ngrok.app/voice/webhook";

std::string base64_of(const std::string& bytes) {
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
    text.resize(static_cast<size_t>(size));
    return text;
}

// --- Twilio: the vector of the specification.

SignedRequest twilio_request() {
    return {host,
            "callId=abc&type=status",
            "CallSid=CA123&From=%2B15550001111&To=%2B15550002222&CallStatus=in-progress&Direction="
            "inbound",
            {{"content-type", "application/x-www-form-urlencoded"},
             {"x-twilio-signature", "sFwe7ShHYbml/2dNDdsa22sAxaQ="}}};
}

void sign_twilio(SignedRequest& request, const std::string& url) {
    request.headers[1].second = twilio_signature(token, twilio_base(url, request.body));
}

// What somebody does to a request he has seen, or makes up.
struct Attack {
    const char* name;
    void (*change)(SignedRequest&);
};

const Attack twilio_attacks[] = {
    {"no signature", [](SignedRequest& r) { r.headers.pop_back(); }},
    {"an empty signature", [](SignedRequest& r) { r.headers[1].second = ""; }},
    {"another signature", [](SignedRequest& r) { r.headers[1].second = "bad"; }},
    {"the beginning of the right one", [](SignedRequest& r) { r.headers[1].second.resize(10); }},
    {"more behind the right one", [](SignedRequest& r) { r.headers[1].second += "A"; }},
    {"a huge one", [](SignedRequest& r) { r.headers[1].second = std::string(100'000, 'A'); }},
    {"another caller", [](SignedRequest& r) { r.body.replace(r.body.find("1111"), 4, "3333"); }},
    {"one more field", [](SignedRequest& r) { r.body += "&SpeechResult=hi"; }},
    {"a field twice", [](SignedRequest& r) { r.body += "&From=%2B15550009999"; }},
    {"no body", [](SignedRequest& r) { r.body.clear(); }},
    {"another query", [](SignedRequest& r) { r.query = "callId=abd&type=status"; }},
    {"no query", [](SignedRequest& r) { r.query.clear(); }},
    // The signature is right for the host that the attacker's headers name.
    {"a forwarded host",
     [](SignedRequest& r) {
         sign_twilio(r, "https://evil.ngrok-free.app/voice/webhook?" + r.query);
         for (const char* name :
              {"x-forwarded-host", "x-original-host", "ngrok-forwarded-host", "host", "forwarded"})
             r.headers.emplace_back(name, "evil.ngrok-free.app");
     }},
    {"a forwarded scheme",
     [](SignedRequest& r) {
         sign_twilio(r, "http://example.ngrok.app/voice/webhook?" + r.query);
         r.headers.emplace_back("x-forwarded-proto", "http");
     }},
    {"a loopback peer of ngrok",
     [](SignedRequest& r) {
         r.headers[1].second = "bad";
         r.headers.emplace_back("x-forwarded-for", "127.0.0.1");
         r.headers.emplace_back("host", "evil.ngrok.io");
     }},
    // A body that is said to be JSON is not part of what is signed.
    {"a body that is called JSON",
     [](SignedRequest& r) {
         r.headers[0].second = "application/json";
         r.headers[1].second = twilio_signature(token, std::string(host) + "?" + r.query);
     }},
    {"a JSON body with the hash of another",
     [](SignedRequest& r) {
         r.headers[0].second = "application/json; charset=utf-8";
         r.query = "bodySHA256=" + std::string(64, 'a');
         r.headers[1].second = twilio_signature(token, std::string(host) + "?" + r.query);
     }},
    {"a byte that is none", [](SignedRequest& r) { r.body += "&a=%zz"; }},
    {"very many fields",
     [](SignedRequest& r) {
         for (int at = 0; at < 1000; ++at) r.body += "&a=1";
         sign_twilio(r, std::string(host) + "?" + r.query);
     }},
};

// --- Telnyx: seed 32 times 0x07.

constexpr const char* telnyx_public = "6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=";
constexpr int64_t telnyx_time = 1769900000;

SignedRequest telnyx_request() {
    return {"https://example.com/voice/webhook",
            "",
            R"({"data":{"event_type":"call.initiated"}})",
            {{"telnyx-timestamp", std::to_string(telnyx_time)},
             {"telnyx-signature-ed25519",
              "ZHTajBxergGoRqsGi3RbeP/F5aFbmFgeq5se9PQ4cwdMLek0GmF1MwIw39/Cny/0+"
              "ETuUFRE8rcI9umH8mqOBg=="}}};
}

void sign_telnyx(SignedRequest& request) {
    const std::string seed(32, '\x07');
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr,
                                     reinterpret_cast<const unsigned char*>(seed.data()), 32),
        EVP_PKEY_free);
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          EVP_MD_CTX_free);
    const std::string message =
        std::string(request.header("telnyx-timestamp")) + "|" + request.body;
    std::string signature(64, '\0');
    size_t size = signature.size();
    ASSERT_EQ(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()), 1);
    ASSERT_EQ(
        EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                       reinterpret_cast<const unsigned char*>(message.data()), message.size()),
        1);
    request.headers[1].second = base64_of(signature);
}

const Attack telnyx_attacks[] = {
    {"no signature", [](SignedRequest& r) { r.headers.pop_back(); }},
    {"no time", [](SignedRequest& r) { r.headers.erase(r.headers.begin()); }},
    {"another body", [](SignedRequest& r) { r.body += " "; }},
    {"another time", [](SignedRequest& r) { r.headers[0].second = "1769900001"; }},
    {"NaN",
     [](SignedRequest& r) {
         r.headers[0].second = "NaN";
         sign_telnyx(r);
     }},
    {"an exponent",
     [](SignedRequest& r) {
         r.headers[0].second = "1e99";
         sign_telnyx(r);
     }},
    {"a sign",
     [](SignedRequest& r) {
         r.headers[0].second = "+1769900000";
         sign_telnyx(r);
     }},
    {"a blank",
     [](SignedRequest& r) {
         r.headers[0].second = " 1769900000";
         sign_telnyx(r);
     }},
    {"a huge time",
     [](SignedRequest& r) {
         r.headers[0].second = "99999999999999999999";
         sign_telnyx(r);
     }},
    {"too old",
     [](SignedRequest& r) {
         r.headers[0].second = "1769899699";
         sign_telnyx(r);
     }},
    {"too new",
     [](SignedRequest& r) {
         r.headers[0].second = "1769900301";
         sign_telnyx(r);
     }},
    {"base64 with a line break", [](SignedRequest& r) { r.headers[1].second.insert(40, "\n"); }},
    // The last letter holds four bits that no byte has.
    {"base64 with other bits left over",
     [](SignedRequest& r) { r.headers[1].second.replace(85, 1, "h"); }},
    {"base64 without padding", [](SignedRequest& r) { r.headers[1].second.resize(86); }},
    {"base64 of another alphabet",
     [](SignedRequest& r) {
         for (char& c : r.headers[1].second)
             if (c == '/') c = '_';
     }},
    {"a short signature", [](SignedRequest& r) { r.headers[1].second = "AAAA"; }},
    {"a signature of zeros",
     [](SignedRequest& r) { r.headers[1].second = base64_of(std::string(64, '\0')); }},
};

// --- Plivo

constexpr const char* plivo_url = "https://p.example.com/voice/webhook";

SignedRequest plivo_request() {
    return {plivo_url,
            "provider=plivo&flow=answer&callId=abc",
            "CallUUID=u-1&Direction=outbound&From=15550001111&To=15550002222",
            {{"x-plivo-signature-v3", "4AqmHwzqohfrVOdBdWTJTC7rP5K0dJJI81M7zqeDkhQ="},
             {"x-plivo-signature-v3-nonce", "12345678901234567890"}}};
}

const Attack plivo_attacks[] = {
    {"no signature", [](SignedRequest& r) { r.headers.erase(r.headers.begin()); }},
    {"no nonce", [](SignedRequest& r) { r.headers.pop_back(); }},
    {"another nonce", [](SignedRequest& r) { r.headers[1].second = "1"; }},
    {"empty entries", [](SignedRequest& r) { r.headers[0].second = " , ,,"; }},
    {"another body", [](SignedRequest& r) { r.body += "&Digits=1"; }},
    {"another query", [](SignedRequest& r) { r.query += "&x=1"; }},
    // Version 2 signs neither query nor body.
    {"only version 2",
     [](SignedRequest& r) {
         const std::string nonce = "12345678901234567890";
         r.headers = {{"x-plivo-signature-v2", plivo_signature(token, plivo_url, nonce)},
                      {"x-plivo-signature-v2-nonce", nonce}};
     }},
    {"version 2 under the name of version 3",
     [](SignedRequest& r) {
         r.headers[0].second = plivo_signature(token, plivo_url, r.headers[1].second);
     }},
};

}  // namespace

TEST(TwilioSignature, IsRightForTheVectorOfTheSpecification) {
    const auto verified = verify_twilio(twilio_request(), token);
    ASSERT_TRUE(verified) << verified.error().what;
    EXPECT_EQ(verified->replay_key.size(), 32u);
}

TEST(TwilioSignature, IsRightWithAndWithoutTheUsualPort) {
    SignedRequest request = twilio_request();
    sign_twilio(request, "https://example.ngrok.app:443/voice/webhook?" + request.query);
    EXPECT_TRUE(verify_twilio(request, token));
    request = twilio_request();
    request.public_url = "https://example.ngrok.app:443/voice/webhook";
    EXPECT_TRUE(verify_twilio(request, token));
    request.public_url = "https://example.ngrok.app:8443/voice/webhook";
    EXPECT_FALSE(verify_twilio(request, token));
}

TEST(TwilioSignature, SortsTheValuesOfOneName) {
    SignedRequest request = twilio_request();
    request.body = "a=2&a=1&B=3&a=2";
    request.headers[1].second =
        twilio_signature(token, std::string(host) + "?" + request.query + "B3a1a2");
    EXPECT_TRUE(verify_twilio(request, token));
}

TEST(TwilioSignature, CoversAJsonBodyByItsHash) {
    SignedRequest request = twilio_request();
    request.headers[0].second = "application/json; charset=utf-8";
    request.body = R"({"a":1})";
    request.query = "bodySHA256=015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862";
    request.headers[1].second = twilio_signature(token, std::string(host) + "?" + request.query);
    const auto verified = verify_twilio(request, token);
    EXPECT_TRUE(verified) << verified.error().what;
    request.body = R"({"a":2})";
    EXPECT_FALSE(verify_twilio(request, token));
}

TEST(TwilioSignature, RefusesEveryAttack) {
    for (const Attack& attack : twilio_attacks) {
        SignedRequest request = twilio_request();
        attack.change(request);
        const auto verified = verify_twilio(request, token);
        EXPECT_FALSE(verified) << attack.name;
        if (!verified) {
            EXPECT_EQ(verified.error().what.find("12345"), std::string::npos) << attack.name;
        }
    }
}

TEST(TwilioSignature, IsNeverRightWithoutAToken) {
    SignedRequest request = twilio_request();
    request.headers[1].second = twilio_signature(
        Secret(), twilio_base(std::string(host) + "?" + request.query, request.body));
    EXPECT_FALSE(verify_twilio(request, Secret()));
}

TEST(TwilioSignature, HasOneReplayKeyHoweverTheBodyIsWritten) {
    const auto first = verify_twilio(twilio_request(), token);
    SignedRequest again = twilio_request();
    again.body =
        "Direction=inbound&CallStatus=in%2Dprogress&To=%2B15550002222&From=%2b15550001111&&CallSid="
        "CA123";
    const auto second = verify_twilio(again, token);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->replay_key, second->replay_key);
    again.query = "callId=abc&type=status2";
    sign_twilio(again, std::string(host) + "?" + again.query);
    EXPECT_NE(verify_twilio(again, token)->replay_key, first->replay_key);
}

// What is signed does not say where a name ends and its value begins: whoever has a message can cut
// it elsewhere, and has the same one.
TEST(TwilioSignature, HasOneReplayKeyHoweverItsFieldsAreCut) {
    const auto first = verify_twilio(twilio_request(), token);
    SignedRequest again = twilio_request();
    again.body =
        "CallSidCA123CallStatus=in-progress&Direction=inboundFrom%2B15550001111&To="
        "%2B15550002222";
    const auto second = verify_twilio(again, token);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->replay_key, second->replay_key);
    SignedRequest doubled = twilio_request();
    doubled.body += "&CallSid=CA123";
    const auto third = verify_twilio(doubled, token);
    ASSERT_TRUE(third) << "Twilio signs it once";
    EXPECT_EQ(first->replay_key, third->replay_key);
}

TEST(TelnyxKey, IsTakenRawAndInItsEnvelope) {
    const auto raw = telnyx_key(telnyx_public);
    ASSERT_TRUE(raw);
    EXPECT_EQ(raw->size(), 32u);
    const std::string envelope("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12);
    const auto wrapped = telnyx_key(base64_of(envelope + *raw));
    ASSERT_TRUE(wrapped);
    EXPECT_EQ(*wrapped, *raw);
    for (const std::string& wrong :
         {std::string(), std::string("x"), base64_of(std::string(31, 'a')),
          base64_of(std::string(33, 'a')), base64_of(std::string(12, 'x') + *raw),
          base64_of(*raw + envelope)}) {
        const auto key = telnyx_key(wrong);
        ASSERT_FALSE(key) << wrong;
        EXPECT_EQ(key.error().fault, Fault::bad_config);
    }
}

TEST(TelnyxSignature, IsRightForTheVectorOfTheSpecification) {
    const auto verified =
        verify_telnyx(telnyx_request(), *telnyx_key(telnyx_public), telnyx_time + 299);
    EXPECT_TRUE(verified) << verified.error().what;
}

TEST(TelnyxSignature, RefusesEveryAttack) {
    for (const Attack& attack : telnyx_attacks) {
        SignedRequest request = telnyx_request();
        attack.change(request);
        EXPECT_FALSE(verify_telnyx(request, *telnyx_key(telnyx_public), telnyx_time))
            << attack.name;
    }
}

TEST(TelnyxSignature, IsNeverRightWithoutAKey) {
    EXPECT_FALSE(verify_telnyx(telnyx_request(), "", telnyx_time));
    EXPECT_FALSE(verify_telnyx(telnyx_request(), std::string(32, '\0'), telnyx_time));
}

TEST(PlivoSignature, IsRightForTheVectorOfTheSpecification) {
    EXPECT_EQ(plivo_base(plivo_url, plivo_request().query, plivo_request().body),
              std::string(plivo_url) +
                  "?callId=abc&flow=answer&provider=plivo.CallUUIDu-1DirectionoutboundFrom"
                  "15550001111To15550002222");
    EXPECT_EQ(plivo_base("https://h/p", "a=1", "CallUUID=xyz"), "https://h/p?a=1.CallUUIDxyz");
    const auto verified = verify_plivo(plivo_request(), token);
    EXPECT_TRUE(verified) << verified.error().what;
}

TEST(PlivoSignature, IsRightWhereOneOfSeveralIs) {
    SignedRequest request = plivo_request();
    request.headers[0].second = "AAAA, " + request.headers[0].second;
    EXPECT_TRUE(verify_plivo(request, token));
}

TEST(PlivoSignature, RefusesEveryAttack) {
    for (const Attack& attack : plivo_attacks) {
        SignedRequest request = plivo_request();
        attack.change(request);
        EXPECT_FALSE(verify_plivo(request, token)) << attack.name;
    }
    EXPECT_FALSE(verify_plivo(plivo_request(), Secret()));
}

TEST(PlivoSignature, HasOneReplayKeyHoweverTheQueryIsOrdered) {
    SignedRequest again = plivo_request();
    again.query = "callId=abc&flow=answer&provider=plivo";
    const auto first = verify_plivo(plivo_request(), token);
    const auto second = verify_plivo(again, token);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->replay_key, second->replay_key);
}

// The same, of a body that is moved into the query, and of what is listed beside the right
// signature.
TEST(PlivoSignature, HasOneReplayKeyHoweverTheMessageIsCut) {
    const auto first = verify_plivo(plivo_request(), token);
    SignedRequest moved = plivo_request();
    moved.query =
        "callId=abc&flow=answer&provider=plivo.CallUUIDu-1Directionoutbound"
        "From15550001111To15550002222";
    moved.body.clear();
    SignedRequest listed = plivo_request();
    listed.headers[0].second = "AAAA," + listed.headers[0].second + ", BBBB";
    for (const SignedRequest& again : {moved, listed}) {
        const auto second = verify_plivo(again, token);
        ASSERT_TRUE(first && second);
        EXPECT_EQ(first->replay_key, second->replay_key);
    }
}

TEST(Form, IsReadAndWrittenWhole) {
    const auto fields = read_form("a=1+2&b=%26%3d&c&=d&a=%C3%BC");
    ASSERT_TRUE(fields);
    EXPECT_EQ(value_of(*fields, "a"), "1 2");
    EXPECT_EQ(value_of(*fields, "b"), "&=");
    EXPECT_EQ(value_of(*fields, "c"), "");
    EXPECT_EQ(value_of(*fields, "z"), "");
    EXPECT_EQ(write_form({{"a b", "ü&="}}), "a%20b=%C3%BC%26%3D");
    for (const char* wrong : {"a=%", "a=%1", "a=%zz", "%"}) EXPECT_FALSE(read_form(wrong)) << wrong;
}

}  // namespace voice
