// RFC 6455 by the byte, at the front end's echo path: each case sends frames, valid or not, and
// says what has to come back and how the connection has to end. In the order of the RFC's chapters.

#include <algorithm>
#include <set>

#include "tests/journeys/journey.h"
#include "tests/support/tcp_socket.h"
#include "tests/support/websocket_bytes.h"

namespace {

using websocket_bytes::bytes_of;
using websocket_bytes::chopped;
using websocket_bytes::close_payload;
using websocket_bytes::fragmented;
using websocket_bytes::Frame;

constexpr const char* echo_path = "/echo";
constexpr unsigned continuation = 0, text = 1, binary = 2, close_frame = 8, ping = 9, pong = 10;

struct Seen {
    unsigned opcode = 0;
    std::string payload;
    bool operator==(const Seen& other) const = default;
};

struct Case {
    std::string name;
    std::vector<std::string> writes;
    // What comes back, in this order. Where the connection fails what came before may be missing.
    std::vector<Seen> answers;
    // Codes of the close frame with which the server ends it (it may end it without one: section
    // 7.1.7 only recommends it); empty: it goes on, until we close.
    std::set<int> fails_with;
    // The close frame's code is that of ours: the closing handshake itself is the case.
    bool closes = false;
    int close_code = 1000;
};

// Rules that the server's library (libwebsockets 4.1.6) does not keep, with the reason. A case that
// passes all the same is to be struck from this list: it fails here. What of them depends on how
// much the server reads at once is sent in one write.
struct Exception {
    std::string_view prefix;
    std::string_view why;
};
constexpr Exception exceptions[] = {
    {"Masking_",
     "5.1: libwebsockets reads a frame without a mask as it is, and its interface tells "
     "nobody that the mask was missing"},
    {"Ping_TenAtOnce",
     "5.5.2: a ping that arrives before the pong of the one before it is out is "
     "dropped, and its interface tells nobody of pings"},
    {"Fragments_TwoPingsInBetween", "5.5.2: the same"},
};

std::string frame(unsigned opcode, std::string_view payload, bool final = true) {
    return bytes_of({.opcode = opcode, .payload = payload, .final = final});
}

// Section 5.2, 5.6: lengths, text and binary.
void add_lengths(std::vector<Case>& cases) {
    for (const unsigned opcode : {text, binary})
        for (const size_t size : {0, 1, 125, 126, 127, 128, 65535, 65536, 65537, 200'000}) {
            const std::string payload(size, opcode == text ? '*' : '\xfe');
            const std::string name =
                std::string(opcode == text ? "Text" : "Binary") + "Of" + std::to_string(size);
            const std::string bytes = frame(opcode, payload);
            cases.push_back({"Length_" + name, {bytes}, {{opcode, payload}}, {}});
            cases.push_back(
                {"Length_" + name + "Chopped", chopped(bytes, 997), {{opcode, payload}}, {}});
            if (size <= 128)
                cases.push_back(
                    {"Length_" + name + "ByteByByte", chopped(bytes, 1), {{opcode, payload}}, {}});
        }
    for (const size_t mebibytes : {1, 4, 16}) {
        const std::string payload(mebibytes << 20, 'm');
        cases.push_back({"Length_" + std::to_string(mebibytes) + "MiB",
                         {frame(binary, payload)},
                         {{binary, payload}},
                         {}});
        cases.push_back({"Length_" + std::to_string(mebibytes) + "MiBInFragments",
                         {fragmented(text, payload, 65536)},
                         {{text, payload}},
                         {}});
    }
    const std::string over((16u << 20) + 1, 'o');
    cases.push_back({"Length_MoreThanTheServerTakes", {frame(binary, over)}, {}, {1009}});
    std::string absurd = frame(binary, std::string(65536, 'x')).substr(0, 14);
    for (int i = 2; i < 10; ++i) absurd[static_cast<size_t>(i)] = '\xff';
    cases.push_back({"Length_WithTheTopBitSet", {absurd}, {}, {1002, 1009}});
}

// Section 5.5.2, 5.5.3.
void add_pings(std::vector<Case>& cases) {
    for (const size_t size : {0, 1, 8, 124, 125}) {
        const std::string payload(size, '\xfd');
        const std::string name = "Ping_Of" + std::to_string(size);
        cases.push_back({name, {frame(ping, payload)}, {{pong, payload}}, {}});
        cases.push_back(
            {name + "ByteByByte", chopped(frame(ping, payload), 1), {{pong, payload}}, {}});
    }
    cases.push_back({"Ping_Of126", {frame(ping, std::string(126, 'x'))}, {}, {1002}});
    cases.push_back({"Ping_WithALongLengthField",
                     {bytes_of({.opcode = ping, .payload = "x", .length_bytes = 2})},
                     {},
                     {1002}});
    cases.push_back(
        {"Pong_NobodyAskedFor", {frame(pong, ""), frame(text, "a")}, {{text, "a"}}, {}});
    cases.push_back({"Pong_OfFullSizeNobodyAskedFor",
                     {frame(pong, std::string(125, 'p')), frame(ping, "b")},
                     {{pong, "b"}},
                     {}});
    cases.push_back({"Pong_Of126", {frame(pong, std::string(126, 'p'))}, {}, {1002}});
    Case ten{"Ping_TenAtOnce", {""}, {}, {}};
    for (int i = 0; i < 10; ++i) {
        const std::string payload = "ping " + std::to_string(i);
        ten.writes.front() += frame(ping, payload);
        ten.answers.push_back({pong, payload});
    }
    cases.push_back(ten);
    cases.push_back(
        {"Ping_BeforeAText", {frame(ping, "p"), frame(text, "t")}, {{pong, "p"}, {text, "t"}}, {}});
}

// Section 5.2: reserved bits and opcodes without a meaning.
void add_reserved(std::vector<Case>& cases) {
    for (unsigned bits = 1; bits < 8; ++bits)
        for (const unsigned opcode : {text, binary, ping, pong, close_frame}) {
            const std::string payload =
                opcode == close_frame ? close_payload(1000) : std::string("r");
            const std::string bad =
                bytes_of({.opcode = opcode, .payload = payload, .reserved = bits});
            const std::string name =
                "Reserved_Bits" + std::to_string(bits) + "Opcode" + std::to_string(opcode);
            cases.push_back({name, {bad}, {}, {1002}});
            if (opcode == text)
                cases.push_back(
                    {name + "AfterAText", {frame(text, "a"), bad}, {{text, "a"}}, {1002}});
        }
    for (const unsigned opcode : {3u, 4u, 5u, 6u, 7u, 11u, 12u, 13u, 14u, 15u}) {
        const std::string name = "Reserved_Opcode" + std::to_string(opcode);
        cases.push_back({name + "Empty", {frame(opcode, "")}, {}, {1002}});
        cases.push_back({name, {frame(opcode, "reserved")}, {}, {1002}});
        cases.push_back({name + "AfterAText",
                         {frame(text, "a"), frame(opcode, "reserved")},
                         {{text, "a"}},
                         {1002}});
        cases.push_back(
            {name + "InsideAMessage", {frame(text, "a", false), frame(opcode, "x")}, {}, {1002}});
    }
}

// Section 5.1: what a client sends is masked; 5.2: a length takes as few bytes as it can.
void add_masking(std::vector<Case>& cases) {
    for (const unsigned opcode : {text, binary, ping, pong, close_frame}) {
        const std::string payload = opcode == close_frame ? close_payload(1000) : std::string("m");
        cases.push_back({"Masking_MissingInOpcode" + std::to_string(opcode),
                         {bytes_of({.opcode = opcode, .payload = payload, .masked = false})},
                         {},
                         {1002}});
    }
}

// Section 5.4.
void add_fragments(std::vector<Case>& cases) {
    const std::string words = "Fragments are put together again: \xc3\xa4\xe2\x82\xac.";
    for (const size_t each : {1, 2, 3, 7, 1000}) {
        const std::string bytes = fragmented(text, words, each);
        const std::string name = "Fragments_Of" + std::to_string(each) + "Bytes";
        cases.push_back({name, {bytes}, {{text, words}}, {}});
        cases.push_back({name + "ByteByByte", chopped(bytes, 1), {{text, words}}, {}});
    }
    cases.push_back({"Fragments_OfBinary",
                     {fragmented(binary, std::string(1000, '\0'), 10)},
                     {{binary, std::string(1000, '\0')}},
                     {}});
    cases.push_back(
        {"Fragments_AllEmpty",
         {frame(text, "", false), frame(continuation, "", false), frame(continuation, "")},
         {{text, ""}},
         {}});
    cases.push_back(
        {"Fragments_EmptyAroundOneThatIsNot",
         {frame(text, "", false), frame(continuation, "x", false), frame(continuation, "")},
         {{text, "x"}},
         {}});
    cases.push_back({"Fragments_PingInBetween",
                     {frame(text, "a", false), frame(ping, "p"), frame(continuation, "b")},
                     {{pong, "p"}, {text, "ab"}},
                     {}});
    cases.push_back({"Fragments_TwoPingsInBetween",
                     {frame(text, "a", false) + frame(ping, "1") + frame(continuation, "b", false) +
                      frame(ping, "2") + frame(continuation, "c")},
                     {{pong, "1"}, {pong, "2"}, {text, "abc"}},
                     {}});
    cases.push_back({"Fragments_PongInBetween",
                     {frame(text, "a", false), frame(pong, "p"), frame(continuation, "b")},
                     {{text, "ab"}},
                     {}});
    cases.push_back(
        {"Fragments_PingInBetweenByteByByte",
         chopped(frame(text, "a", false) + frame(ping, "p") + frame(continuation, "b"), 1),
         {{pong, "p"}, {text, "ab"}},
         {}});
    for (const unsigned opcode : {ping, pong, close_frame})
        cases.push_back({"Fragments_OfOpcode" + std::to_string(opcode),
                         {frame(opcode, opcode == close_frame ? close_payload(1000) : "x", false),
                          frame(continuation, "y")},
                         {},
                         {1002}});
    for (const bool final : {true, false}) {
        const std::string how = final ? "Last" : "NotLast";
        cases.push_back({"Fragments_ContinuationOfNothing" + how,
                         {frame(continuation, "x", final), frame(text, "y")},
                         {},
                         {1002}});
        cases.push_back({"Fragments_ContinuationAfterTheEnd" + how,
                         {frame(text, "x"), frame(continuation, "y", final)},
                         {{text, "x"}},
                         {1002}});
        for (const unsigned opcode : {text, binary})
            cases.push_back({"Fragments_NewMessageInsideOne" + how + std::to_string(opcode),
                             {frame(text, "x", false), frame(opcode, "y", final)},
                             {},
                             {1002}});
    }
    cases.push_back({"Fragments_TwoMessages",
                     {fragmented(text, "first", 2), fragmented(binary, "second", 2)},
                     {{text, "first"}, {binary, "second"}},
                     {}});
}

// Section 8.1. Rows: name, bytes; after RFC 3629.
struct Sequence {
    const char* name;
    std::string_view bytes;
};
constexpr Sequence good_utf8[] = {
    {"Greek", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"},
    {"FirstOfTwo", "\xc2\x80"},
    {"FirstOfThree", "\xe0\xa0\x80"},
    {"FirstOfFour", "\xf0\x90\x80\x80"},
    {"LastOfOne", "\x7f"},
    {"LastOfTwo", "\xdf\xbf"},
    {"LastOfThree", "\xef\xbf\xbf"},
    {"Last", "\xf4\x8f\xbf\xbf"},
    {"BeforeSurrogates", "\xed\x9f\xbf"},
    {"AfterSurrogates", "\xee\x80\x80"},
    {"Replacement", "\xef\xbf\xbd"},
    {"NoncharacterFffe", "\xef\xbf\xbe"},
    {"NoncharacterOfPlane1", "\xf0\x9f\xbf\xbe"},
    {"NoncharacterOfPlane16", "\xf4\x8f\xbf\xbe"},
    {"ByteOrderMark",
     "\xef\xbb\xbf"
     "a"},
    {"Null", std::string_view("a\0b", 3)},
};
constexpr Sequence bad_utf8[] = {
    {"ContinuationAlone", "\x80"},
    {"LastContinuationAlone", "\xbf"},
    {"TwoContinuations",
     "a\x80\xbf"
     "b"},
    {"LeadOfTwoAlone", "\xc3 "},
    {"LeadOfThreeAlone", "\xe1 "},
    {"LeadOfFourAlone", "\xf1 "},
    {"LeadOfFive", "\xf8\x88\x80\x80\x80"},
    {"LeadOfSix", "\xfc\x84\x80\x80\x80\x80"},
    {"Fe", "\xfe"},
    {"Ff", "\xff"},
    {"TwoOfThree", "\xe2\x82 "},
    {"ThreeOfFour", "\xf0\x90\x80 "},
    {"CutOffTwo", "abc\xc3"},
    {"CutOffThree", "abc\xe2\x82"},
    {"CutOffFour", "abc\xf0\x90\x80"},
    {"OverlongSlashInTwo", "\xc0\xaf"},
    {"OverlongSlashInThree", "\xe0\x80\xaf"},
    {"OverlongSlashInFour", "\xf0\x80\x80\xaf"},
    {"OverlongLastOfTwo", "\xe0\x9f\xbf"},
    {"OverlongLastOfThree", "\xf0\x8f\xbf\xbf"},
    {"OverlongNull", "\xc0\x80"},
    {"C1", "\xc1\xbf"},
    {"FirstSurrogate", "\xed\xa0\x80"},
    {"LastSurrogate", "\xed\xbf\xbf"},
    {"SurrogatePair", "\xed\xa0\x80\xed\xb0\x80"},
    {"AboveTheLast", "\xf4\x90\x80\x80"},
    {"F5", "\xf5\x80\x80\x80"},
    {"BadAfterGood",
     "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80"
     "edited"},
};

void add_utf8(std::vector<Case>& cases) {
    for (const Sequence& row : good_utf8) {
        const std::string name = std::string("Utf8_Good") + row.name;
        const std::string payload(row.bytes);
        cases.push_back({name, {frame(text, payload)}, {{text, payload}}, {}});
        cases.push_back(
            {name + "Fragmented", {fragmented(text, payload, 1)}, {{text, payload}}, {}});
        cases.push_back(
            {name + "ByteByByte", chopped(frame(text, payload), 1), {{text, payload}}, {}});
    }
    for (const Sequence& row : bad_utf8) {
        const std::string name = std::string("Utf8_Bad") + row.name;
        const std::string payload(row.bytes);
        cases.push_back({name, {frame(text, payload)}, {}, {1007}});
        cases.push_back({name + "Fragmented", {fragmented(text, payload, 1)}, {}, {1007}});
        cases.push_back({name + "ByteByByte", chopped(frame(text, payload), 1), {}, {1007}});
        cases.push_back({name + "AsBinary", {frame(binary, payload)}, {{binary, payload}}, {}});
    }
    // Known to be wrong before the message is whole.
    cases.push_back({"Utf8_BadFirstFragmentOfAMessageThatNeverEnds",
                     {frame(text, "ok\xf4\x90", false)},
                     {},
                     {1007}});
}

// Section 5.5.1, 7.4.
void add_closing(std::vector<Case>& cases) {
    cases.push_back({"Close_WithoutACode", {frame(close_frame, "")}, {}, {}, true, 1005});
    cases.push_back({"Close_WithALongReason",
                     {frame(close_frame, close_payload(1000, std::string(123, 'r')))},
                     {},
                     {},
                     true,
                     1000});
    cases.push_back({"Close_AfterAText", {frame(text, "x")}, {{text, "x"}}, {}});
    cases.push_back({"Close_OfOneByte", {frame(close_frame, "\x03")}, {}, {1002}});
    cases.push_back({"Close_Of126Bytes",
                     {frame(close_frame, close_payload(1000, std::string(124, 'r')))},
                     {},
                     {1002}});
    cases.push_back({"Close_WithAReasonThatIsNoUtf8",
                     {frame(close_frame, close_payload(1000, "\xce\xba\xed\xa0\x80"))},
                     {},
                     {1002, 1007}});
    cases.push_back({"Close_ThenAText",
                     {frame(close_frame, close_payload(1000)) + frame(text, "late")},
                     {},
                     {},
                     true,
                     1000});
    cases.push_back({"Close_ThenAPing",
                     {frame(close_frame, close_payload(1000)) + frame(ping, "late")},
                     {},
                     {},
                     true,
                     1000});
    cases.push_back({"Close_InsideAMessage",
                     {frame(text, "a", false),
                      frame(close_frame, close_payload(1000)) + frame(continuation, "b")},
                     {},
                     {},
                     true,
                     1000});
    cases.push_back({"Close_Twice",
                     {frame(close_frame, close_payload(1000)) + frame(close_frame, "")},
                     {},
                     {},
                     true,
                     1000});
    for (const int code :
         {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999})
        cases.push_back({"Close_WithCode" + std::to_string(code),
                         {frame(close_frame, close_payload(static_cast<unsigned>(code), "why"))},
                         {},
                         {},
                         true,
                         code});
    for (const unsigned code :
         {0u, 1u, 999u, 1004u, 1005u, 1006u, 1015u, 1016u, 1100u, 2000u, 2999u, 5000u, 65535u})
        cases.push_back({"Close_WithCode" + std::to_string(code),
                         {frame(close_frame, close_payload(code))},
                         {},
                         {1002}});
}

// Many messages in one write, and one write cut anywhere.
void add_streams(std::vector<Case>& cases) {
    for (const size_t size : {0, 16, 64, 256, 1024, 4096}) {
        Case many{"Stream_200MessagesOf" + std::to_string(size), {}, {}, {}};
        std::string all;
        for (int i = 0; i < 200; ++i) {
            std::string payload(size, static_cast<char>('a' + i % 26));
            all += frame(i % 2 ? text : binary, payload);
            many.answers.push_back({i % 2 ? text : binary, std::move(payload)});
        }
        many.writes = {all};
        cases.push_back(many);
        for (const size_t each : {3, 61, 1021}) {
            if (all.size() / each > 2000) continue;
            Case cut = many;
            cut.name += "InPiecesOf" + std::to_string(each);
            cut.writes = chopped(all, each);
            cases.push_back(cut);
        }
    }
}

std::vector<Case> all_cases() {
    std::vector<Case> cases;
    add_lengths(cases);
    add_pings(cases);
    add_reserved(cases);
    add_masking(cases);
    add_fragments(cases);
    add_utf8(cases);
    add_closing(cases);
    add_streams(cases);
    return cases;
}

class Peer {
  public:
    explicit Peer(uint16_t port) : socket_(TcpSocket::connect(port, Deadline(patience))) {
        socket_.send("GET " + std::string(echo_path) +
                     " HTTP/1.1\r\nHost: localhost:" + std::to_string(port) +
                     "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
                     "13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        const Deadline deadline(patience);
        while (input_.find("\r\n\r\n") == std::string::npos && read(deadline)) {
        }
        const size_t end = input_.find("\r\n\r\n");
        upgraded = input_.rfind("HTTP/1.1 101", 0) == 0 && end != std::string::npos;
        input_.erase(0, end == std::string::npos ? input_.size() : end + 4);
    }

    bool upgraded = false;
    bool send(const std::string& bytes) { return socket_.send(bytes); }

    // The next frame; nothing at the end of the stream or of our patience (is_over tells).
    std::optional<Seen> next() {
        const Deadline deadline(patience);
        while (true) {
            if (auto whole = take()) return whole;
            if (!read(deadline)) return {};
        }
    }
    bool is_over() const { return over_; }

  private:
    bool read(const Deadline& deadline) {
        const auto bytes = socket_.receive(deadline);
        over_ = over_ || (bytes && bytes->empty());
        if (!bytes || bytes->empty()) return false;
        input_ += *bytes;
        return true;
    }
    std::optional<Seen> take() {
        if (input_.size() - at_ < 2) return {};
        const auto byte = [this](size_t i) {
            return static_cast<uint64_t>(static_cast<unsigned char>(input_[at_ + i]));
        };
        size_t header = 2;
        uint64_t size = byte(1) & 0x7f;
        const size_t extra = size == 126 ? 2 : size == 127 ? 8 : 0;
        if (input_.size() - at_ < header + extra) return {};
        if (extra) size = 0;
        for (size_t i = 0; i < extra; ++i) size = size << 8 | byte(header + i);
        header += extra;
        if (input_.size() - at_ < header + size) return {};
        const Seen seen{static_cast<unsigned>(byte(0) & 0x0f), input_.substr(at_ + header, size)};
        whole_ = whole_ && (byte(0) & 0xf0) == 0x80 && (byte(1) & 0x80) == 0;
        at_ += header + size;
        if (at_ == input_.size()) {
            input_.clear();
            at_ = 0;
        }
        return seen;
    }

    TcpSocket socket_;
    std::string input_;
    size_t at_ = 0;
    bool over_ = false;

  public:
    // Every frame was final, without reserved bits, without a mask.
    bool whole_ = true;
};

int code_of(const std::string& payload) {
    if (payload.size() < 2) return 1005;
    return static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]);
}

std::string shown(const Seen& seen) {
    return std::to_string(seen.opcode) + " of " + std::to_string(seen.payload.size()) + " bytes" +
           (seen.opcode == close_frame ? ", code " + std::to_string(code_of(seen.payload)) : "");
}

// Why it was not as the case says; empty when it was.
std::string verdict_on(const Case& test, uint16_t port) {
    Peer peer(port);
    if (!peer.upgraded) return "the upgrade was refused";
    for (const std::string& bytes : test.writes)
        if (!peer.send(bytes)) break;  // it may have failed already
    const bool ends_by_itself = !test.fails_with.empty() || test.closes;
    size_t answered = 0;
    if (test.answers.empty() && !ends_by_itself) peer.send(frame(close_frame, close_payload(1000)));
    while (const auto seen = peer.next()) {
        if (seen->opcode == close_frame) {
            const int code = code_of(seen->payload);
            if (!test.fails_with.empty() && !test.fails_with.count(code))
                return "failed with code " + std::to_string(code);
            if (test.fails_with.empty() && code != test.close_code)
                return "closed with code " + std::to_string(code);
            if (test.fails_with.empty() && answered < test.answers.size())
                return "closed before all was answered";
            if (!test.fails_with.empty()) peer.send(frame(close_frame, seen->payload));
            if (peer.next()) return "a frame after the close frame";
            if (!peer.is_over()) return "the connection stays open after the close frames";
            return peer.whole_ ? "" : "a frame of the server is malformed";
        }
        if (answered >= test.answers.size() || !(*seen == test.answers[answered]))
            return "unexpected frame " + std::to_string(answered) + ": opcode " + shown(*seen);
        if (++answered == test.answers.size() && !ends_by_itself)
            peer.send(frame(close_frame, close_payload(1000)));
    }
    if (!peer.is_over()) return "silence";
    return test.fails_with.empty() ? "the connection ended without a close frame" : "";
}

const Exception* exception_for(const Case& test) {
    for (const Exception& row : exceptions)
        if (test.name.rfind(row.prefix, 0) == 0) return &row;
    return nullptr;
}

class WebSocketConformance : public testing::TestWithParam<Case> {
  protected:
    static void SetUpTestSuite() {
        HardshellProcess::Options options;
        options.environment["HARDSHELL_ECHO_PATH"] = echo_path;
        hardshell = std::make_unique<HardshellProcess>(std::move(options));
        ASSERT_TRUE(hardshell->start_and_wait());
    }
    static void TearDownTestSuite() { hardshell.reset(); }

    static inline std::unique_ptr<HardshellProcess> hardshell;
};

TEST_P(WebSocketConformance, IsKept) {
    const std::string verdict = verdict_on(GetParam(), hardshell->port());
    if (const Exception* row = exception_for(GetParam()))
        EXPECT_NE(verdict, "") << "no longer an exception: " << row->why;
    else
        EXPECT_EQ(verdict, "");
}

INSTANTIATE_TEST_SUITE_P(Rfc6455, WebSocketConformance, testing::ValuesIn(all_cases()),
                         [](const auto& test) { return test.param.name; });

// Section 4.2.1.
constexpr const char* key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

std::string answer_to(uint16_t port, const std::string& request) {
    TcpSocket socket = TcpSocket::connect(port, Deadline(patience));
    socket.send(request);
    const Deadline deadline(patience);
    std::string answer;
    while (answer.find("\r\n\r\n") == std::string::npos) {
        const auto bytes = socket.receive(deadline);
        if (!bytes || bytes->empty()) break;
        answer += *bytes;
    }
    return answer;
}

class WebSocketOpening : public Journey {};

TEST_F(WebSocketOpening, IsAnsweredAsTheRfcSays) {
    HardshellProcess::Options options;
    options.environment["HARDSHELL_ECHO_PATH"] = echo_path;
    start(options);
    const std::string host = "Host: localhost:" + std::to_string(hardshell->port()) + "\r\n";
    const std::string good = "GET /echo HTTP/1.1\r\n" + host + key;
    const std::string version = "Sec-WebSocket-Version: 13\r\n";

    const std::string plain = answer_to(
        hardshell->port(), good + version + "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    EXPECT_EQ(plain.rfind("HTTP/1.1 101 ", 0), 0u) << plain;
    EXPECT_NE(plain.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), std::string::npos) << "section 1.3";

    const std::string offered =
        answer_to(hardshell->port(), good + version +
                                         "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
                                         "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
    EXPECT_EQ(offered.rfind("HTTP/1.1 101 ", 0), 0u) << offered;
    EXPECT_EQ(offered.find("permessage-deflate"), std::string::npos) << offered;

    for (const std::string& refused :
         {good + "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
          good + "Sec-WebSocket-Version: 12\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
          "GET /echo HTTP/1.1\r\n" + host + version +
              "Sec-WebSocket-Key: short\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
          "POST /echo HTTP/1.1\r\n" + host + key + version +
              "Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n"})
        EXPECT_EQ(answer_to(hardshell->port(), refused).rfind("HTTP/1.1 4", 0), 0u) << refused;
}

TEST_F(WebSocketOpening, NobodyIsEchoedUnlessItIsAskedFor) {
    start();
    Peer peer(hardshell->port());
    ASSERT_TRUE(peer.upgraded);
    peer.send(frame(text, "hello?"));
    const auto first = peer.next();
    ASSERT_TRUE(first);
    EXPECT_NE(first->payload.find("connect.challenge"), std::string::npos);
    const auto second = peer.next();
    EXPECT_TRUE(!second || second->opcode == close_frame);
}

}  // namespace
