// Streams of sound by real sockets: a company that opens them, and others who try to; those who
// write down and speak are a double.

#include "workers/voice/media_streams.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <atomic>
#include <future>
#include <mutex>
#include <thread>

#include "tests/support/media_caller.h"
#include "tests/support/speech_double.h"
#include "tests/support/websocket_bytes.h"
#include "tests/workers/voice/the_desk.h"
#include "workers/common/base/clock.h"
#include "workers/voice/webhooks.h"

namespace voice {

namespace {

constexpr const char* path = "/voice/stream";

int listener_on_loopback() {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener, 16), 0);
    return listener;
}

uint16_t port_of(int listener) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
}

// The product runs on the test's thread; what happens outside, on another.
class TheStreams : public TheDesk {
  protected:
    void SetUp() override {
        settings.streaming.enabled = true;
        settings.streaming.api_url = openai.url();
        settings.streaming.hearing_key = settings.streaming.speaking_key =
            Secret(SpeechDouble::key);
        TheDesk::SetUp();
    }

    void run(const std::function<void()>& outside) {
        const int listener = listener_on_loopback();
        port = port_of(listener);
        UvLoop loop;
        ClientContext client(loop, {openai.certificate_file(), {}});
        WebSocketClient sockets(loop, client);
        HttpsClient speech(client);
        const auto address = [this] { return url; };
        MediaStreams streams(
            {{loop, settings, *desk, sockets, speech, times, monotonic_ms}, *provider, address});
        Webhooks webhooks(
            {loop, *provider, *desk, settings.webhook_path, address, wall_ms, path,
             [&](const RequestHead& head, const RouteCall& call) { streams.take(head, call); }},
            {listener});
        open_streams = [&] { return streams.open(); };
        const auto work = loop.every(std::chrono::milliseconds(1), [this] { do_tasks(); });
        std::thread others([&] {
            outside();
            in_loop([&] { loop.stop(0); });
        });
        loop.run();
        others.join();
    }
    // On the product's thread; returns once it is done.
    void in_loop(const std::function<void()>& task) {
        // Shared with the other thread, which is still in it when this one goes on.
        const auto done = std::make_shared<std::promise<void>>();
        {
            const std::lock_guard lock(mutex);
            tasks.push_back([&task, done] {
                task();
                done->set_value();
            });
        }
        done->get_future().wait();
    }
    template <typename T>
    T of_loop(const std::function<T()>& ask) {
        T answer{};
        in_loop([&] { answer = ask(); });
        return answer;
    }
    bool wait(const std::function<bool()>& fits) {
        const Deadline deadline(patience);
        while (!deadline.over())
            if (of_loop<bool>(fits)) return true;
        return false;
    }
    void do_tasks() {
        std::vector<std::function<void()>> now_due;
        {
            const std::lock_guard lock(mutex);
            now_due.swap(tasks);
        }
        for (const auto& task : now_due) task();
    }

    // A new call; its token.
    std::string ring_for_token(const std::string& sid = "CA1") {
        return of_loop<std::string>([&] {
            const std::string xml = ring(sid);
            call_id = call_id_in(xml);
            return stream_token_in(xml);
        });
    }
    std::string only_call() const { return call_id; }
    void open_stream(MediaCaller& caller) {
        const std::string token = ring_for_token();
        ASSERT_TRUE(caller.open(port, path)) << caller.http_status();
        caller.begin("AC1", "CA1", token);
    }
    // A caller whose stream is open and who has been greeted.
    void connect(MediaCaller& caller) {
        ASSERT_NO_FATAL_FAILURE(open_stream(caller));
        ASSERT_TRUE(caller.wait("mark"));
        ASSERT_TRUE(wait([&] { return step() == Step::Kind::listen; }));
    }
    // One who speaks while a long greeting is still being said.
    void connect_and_interrupt(MediaCaller& caller) {
        ASSERT_NO_FATAL_FAILURE(open_stream(caller));
        ASSERT_TRUE(caller.wait_frames(5));
        openai.hear_beginning();
        ASSERT_TRUE(caller.wait("clear"));
    }
    Step::Kind step() {
        const Call* call = desk->find(only_call());
        return call ? call->step.kind : Step::Kind::nothing;
    }
    // What the company hears when it asks what is next.
    std::string ask_anew() {
        return of_loop<std::string>([&] {
            return desk
                ->take(signed_form("callId=" + only_call() + "&n=" + std::to_string(++asks),
                                   event("CA1", "in-progress")))
                .body;
        });
    }

    SpeechDouble openai;
    MediaStream::Times times{std::chrono::seconds(60), std::chrono::milliseconds(10),
                             std::chrono::milliseconds(50)};
    uint16_t port = 0;
    std::function<size_t()> open_streams;
    std::mutex mutex;
    std::vector<std::function<void()>> tasks;
    std::string call_id;
    int asks = 0;
};

}  // namespace

TEST_F(TheStreams, CarryAConversation) {
    run([&] {
        MediaCaller caller;
        const auto begun = std::chrono::steady_clock::now();
        ASSERT_NO_FATAL_FAILURE(connect(caller));
        EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(200))
            << "at the pace of speech";
        EXPECT_EQ(openai.asked_to_say().size(), 1u);
        EXPECT_THAT(openai.asked_to_say()[0], HasSubstr(R"("input":"Greetings.")"));
        EXPECT_THAT(openai.asked_to_say()[0], HasSubstr(R"("response_format":"pcm")"));
        EXPECT_THAT(openai.asked_to_say()[0], HasSubstr(R"("model":"gpt-4o-mini-tts")"));
        ASSERT_TRUE(openai.wait([&] { return !openai.messages().empty(); }));
        EXPECT_EQ(openai.messages()[0],
                  R"({"type":"transcription_session.update","session":{)"
                  R"("input_audio_format":"g711_ulaw",)"
                  R"("input_audio_transcription":{"model":"gpt-4o-transcribe"},)"
                  R"("turn_detection":{"type":"server_vad","threshold":0.5,)"
                  R"("prefix_padding_ms":300,"silence_duration_ms":800}}})");
        // 200 ms, and what the filter held.
        EXPECT_EQ(caller.sound().size() % 160, 0u);
        EXPECT_EQ(caller.frames(), 11u);
        caller.speak(25);
        ASSERT_TRUE(openai.wait([&] { return openai.sound().size() >= 25u * 216; }));
        openai.hear_beginning();
        openai.hear("  What time is it?\n");
        ASSERT_TRUE(wait([&] { return offered.size() == 1; }));
        EXPECT_EQ(offered[0].text(), "What time is it?");
        in_loop([&] { deliver(only_call(), "It is **noon**."); });
        ASSERT_TRUE(caller.wait("mark"));
        ASSERT_TRUE(wait([&] { return reports.size() == 1; }));
        EXPECT_EQ(reports[0].outcome(), proto::DeliveryReport::SENT);
        EXPECT_THAT(openai.asked_to_say()[1], HasSubstr(R"("input":"It is noon.")"));
        EXPECT_TRUE(openai.all_had_the_key());
    });
}

TEST_F(TheStreams, HearOnByAnotherConnectionWhenOneIsDeadOnTheWay) {
    times.pings = std::chrono::milliseconds(50);
    run([&] {
        MediaCaller caller;
        ASSERT_NO_FATAL_FAILURE(connect(caller));
        ASSERT_TRUE(openai.wait([&] { return openai.pings() >= 2; }));
        EXPECT_EQ(openai.openings(), 1u) << "who answers pings is not given up";
        openai.go_deaf(true);
        ASSERT_TRUE(openai.wait([&] { return openai.openings() == 2; }));
        openai.go_deaf(false);
        openai.hear("Are you there?");
        ASSERT_TRUE(wait([&] { return offered.size() == 1; }));
        EXPECT_EQ(offered[0].text(), "Are you there?");
    });
}

TEST_F(TheStreams, AreSilentWhenTheCallerSpeaks) {
    openai.speak_for(20'000);
    run([&] {
        MediaCaller caller;
        ASSERT_NO_FATAL_FAILURE(connect_and_interrupt(caller));
        EXPECT_LT(caller.frames(), 900u);
        ASSERT_TRUE(wait([&] { return step() == Step::Kind::listen; })) << "no more is said of it";
        openai.speak_for(100);
        in_loop([&] { deliver(only_call(), "Yes?"); });
        EXPECT_TRUE(caller.wait("mark"));
    });
}

TEST_F(TheStreams, StillSayWhatNobodyHasHeardWhenTheCallerSpeaks) {
    run([&] {
        MediaCaller caller;
        ASSERT_NO_FATAL_FAILURE(connect(caller));
        openai.hold_speaking(true);
        in_loop([&] { deliver(only_call(), "It is noon."); });
        ASSERT_TRUE(openai.wait([&] { return openai.asked_to_say().size() == 2; }));
        openai.hear_beginning();
        openai.hear("Well?");
        ASSERT_TRUE(wait([&] { return offered.size() == 1; }));
        EXPECT_TRUE(reports.empty()) << "not a sample of it has left";
        openai.hold_speaking(false);
        ASSERT_TRUE(caller.wait("mark"));
        ASSERT_TRUE(wait([&] { return reports.size() == 1; }));
        EXPECT_EQ(reports[0].outcome(), proto::DeliveryReport::SENT);
        EXPECT_GT(caller.frames(), 11u);
    });
}

TEST_F(TheStreams, StillHearWhatIsBeingWrittenDownWhenTheyEnd) {
    openai.speak_for(20'000);
    times.last_words = std::chrono::seconds(60);
    run([&] {
        MediaCaller caller;
        ASSERT_NO_FATAL_FAILURE(connect_and_interrupt(caller));
        caller.stop();
        ASSERT_TRUE(caller.wait_closed());
        ASSERT_TRUE(openai.wait([&] { return openai.messages().size() == 2; }));
        EXPECT_EQ(openai.messages()[1], R"({"type":"input_audio_buffer.commit"})");
        openai.hear("One more thing.");
        ASSERT_TRUE(wait([&] { return offered.size() == 1; }));
        EXPECT_EQ(offered[0].text(), "One more thing.");
        EXPECT_TRUE(wait([&] { return open_streams() == 0; })) << "no more is to come";
    });
}

TEST_F(TheStreams, WaitForTheLastWordsOnlySoLong) {
    openai.speak_for(20'000);
    times.last_words = std::chrono::milliseconds(200);
    run([&] {
        MediaCaller caller;
        ASSERT_NO_FATAL_FAILURE(connect_and_interrupt(caller));
        caller.stop();
        ASSERT_TRUE(caller.wait_closed());
        EXPECT_TRUE(wait([&] { return open_streams() == 0; }));
        EXPECT_TRUE(offered.empty());
    });
}

TEST_F(TheStreams, PutKeysTogether) {
    times.digits = std::chrono::milliseconds(1'000);
    run([&] {
        MediaCaller caller;
        ASSERT_NO_FATAL_FAILURE(connect(caller));
        for (const char* digit : {"4", "2", "#"}) caller.press(digit);
        ASSERT_TRUE(wait([&] { return offered.size() == 1; }));
        EXPECT_EQ(offered[0].text(), "[pressed 42#]");
    });
}

TEST_F(TheStreams, EndWithTheirCall) {
    run([&] {
        MediaCaller caller;
        ASSERT_NO_FATAL_FAILURE(connect(caller));
        in_loop([&] { desk->take(signed_form("", event("CA1", "completed"))); });
        EXPECT_TRUE(caller.wait_closed());
        EXPECT_EQ(caller.close_code(), 1000);
        EXPECT_TRUE(wait([&] { return open_streams() == 0; }));
    });
}

TEST_F(TheStreams, AskWhetherTheCallHasEndedWhenTheyEnd) {
    run([&] {
        MediaCaller caller;
        ASSERT_NO_FATAL_FAILURE(connect(caller));
        caller.stop();
        ASSERT_TRUE(caller.wait_closed());
        in_loop([&] { desk->tick(); });
        ASSERT_EQ(asked.size(), 1u);
        EXPECT_EQ(asked[0].request.method, "GET");
        in_loop([&] { company_says(200, R"({"status":"completed"})"); });
        EXPECT_EQ(desk->live_calls(), 0u);
    });
}

// CVE-2026-32062: a socket without a call, that stays.
TEST_F(TheStreams, CloseOnWhoShowsNoTokenInTime) {
    times.start = std::chrono::milliseconds(300);
    run([&] {
        MediaCaller caller;
        ASSERT_TRUE(caller.open(port, path));
        caller.send(R"({"event":"connected","protocol":"Call","version":"1.0.0"})");
        EXPECT_TRUE(caller.wait_closed());
        EXPECT_EQ(caller.close_code(), 1008);
        EXPECT_TRUE(wait([&] { return open_streams() == 0; }));
        EXPECT_EQ(openai.openings(), 0u) << "nothing is paid for a stranger";
    });
}

TEST_F(TheStreams, CloseOnFalseTokensAndOtherMessagesThanAStart) {
    run([&] {
        const std::string token = ring_for_token();
        const std::string media =
            R"({"event":"media","streamSid":"MZ1","media":{"payload":"////"}})";
        const std::string messages[] = {
            MediaCaller::start_message("AC1", "CA1", ""),
            MediaCaller::start_message("AC1", "CA1", std::string(64, '0')),
            MediaCaller::start_message("AC1", "CA2", token),
            MediaCaller::start_message("AC2", "CA1", token),
            media,
            R"({"event":"stop"})",
            R"({"event":"mark","mark":{"name":"1"}})",
            "no JSON",
            "\xff\xfe",
        };
        for (const std::string& message : messages) {
            MediaCaller caller;
            ASSERT_TRUE(caller.open(port, path));
            caller.send(message);
            EXPECT_TRUE(caller.wait_closed()) << message;
            EXPECT_EQ(caller.close_code(), 1008) << message;
            ASSERT_TRUE(wait([&] { return open_streams() == 0; }));
        }
        EXPECT_EQ(openai.openings(), 0u);
        MediaCaller caller;
        ASSERT_TRUE(caller.open(port, path));
        caller.begin("AC1", "CA1", token);
        EXPECT_TRUE(caller.wait("mark")) << "the right one is still good";
        MediaCaller thief;
        ASSERT_TRUE(thief.open(port, path));
        thief.begin("AC1", "CA1", token);
        EXPECT_TRUE(thief.wait_closed());
        EXPECT_EQ(thief.close_code(), 1008) << "but once";
    });
}

// CVE-2026-42437: frames without a limit, sockets without a number.
TEST_F(TheStreams, CloseOnFramesThatAreTooLargeOrNone) {
    run([&] {
        MediaCaller caller;
        ASSERT_TRUE(caller.open(port, path));
        caller.send(std::string(64 * 1024 + 1, ' '));
        EXPECT_TRUE(caller.wait_closed());
        EXPECT_EQ(caller.close_code(), 1009);
        ASSERT_TRUE(caller.open(port, path));
        const std::string many = websocket_bytes::fragmented(1, std::string(70'000, 'x'), 1'000);
        caller.send_bytes(many);
        EXPECT_TRUE(caller.wait_closed());
        EXPECT_EQ(caller.close_code(), 1009);
        ASSERT_TRUE(caller.open(port, path));
        caller.send_bytes(websocket_bytes::bytes_of({.payload = "{}", .masked = false}));
        EXPECT_TRUE(caller.wait_closed());
        EXPECT_EQ(caller.close_code(), 1002);
    });
}

TEST_F(TheStreams, AreNoMoreThanTheOwnerAllowsCalls) {
    const std::string signature =
        "X-Twilio-Signature: " + twilio_signature(settings.key, "wss://example.com/voice/stream") +
        "\r\n";
    run([&] {
        MediaCaller strangers[MediaStreams::most_strangers];
        for (MediaCaller& caller : strangers) ASSERT_TRUE(caller.open(port, path));
        MediaCaller one_more;
        EXPECT_FALSE(one_more.open(port, path));
        EXPECT_EQ(one_more.http_status(), 503);
        // Strangers keep nobody out who is known to be the company.
        MediaCaller callers[1 + MediaStreams::spare];
        for (MediaCaller& caller : callers) ASSERT_TRUE(caller.open(port, path, signature));
        EXPECT_FALSE(one_more.open(port, path, signature));
        EXPECT_EQ(one_more.http_status(), 503);
        const size_t open = open_streams();
        strangers[0].drop();
        EXPECT_TRUE(wait([&] { return open_streams() == open - 1; }));
        EXPECT_TRUE(one_more.open(port, path));
    });
}

TEST_F(TheStreams, RefuseAnOpeningThatIsWronglySigned) {
    const auto signature = [this](const std::string& address) {
        return "X-Twilio-Signature: " + twilio_signature(settings.key, address) + "\r\n";
    };
    run([&] {
        MediaCaller caller;
        EXPECT_FALSE(caller.open(port, path, "X-Twilio-Signature: bad\r\n"));
        EXPECT_EQ(caller.http_status(), 403);
        // For the address that the request came to, and for one that it names.
        const std::string local = "ws://localhost:" + std::to_string(port) + path;
        EXPECT_FALSE(caller.open(port, path, signature(local)));
        EXPECT_FALSE(caller.open(
            port, path,
            signature("wss://evil.example/voice/stream") + "X-Forwarded-Host: evil.example\r\n"));
        for (const char* address :
             {"wss://example.com/voice/stream", "https://example.com/voice/stream",
              "wss://example.com/voice/stream/"})
            EXPECT_TRUE(caller.open(port, path, signature(address))) << address;
    });
}

TEST_F(TheStreams, FallBackPolitelyWhenSpeechFails) {
    openai.refuse_speaking(500);
    run([&] {
        MediaCaller caller;
        const std::string token = ring_for_token();
        ASSERT_TRUE(caller.open(port, path));
        caller.begin("AC1", "CA1", token);
        ASSERT_TRUE(caller.wait_closed());
        EXPECT_EQ(caller.close_code(), 1011);
        EXPECT_EQ(caller.frames(), 0u);
        EXPECT_THAT(ask_anew(), HasSubstr(">Greetings.</Say></Gather>"));
    });
}

TEST_F(TheStreams, FallBackPolitelyWhenNobodyListens) {
    openai.refuse_hearing(401);
    run([&] {
        MediaCaller caller;
        const std::string token = ring_for_token();
        ASSERT_TRUE(caller.open(port, path));
        caller.begin("AC1", "CA1", token);
        ASSERT_TRUE(caller.wait_closed());
        EXPECT_THAT(ask_anew(), HasSubstr("<Gather"));
        EXPECT_EQ(openai.openings(), 1u) << "who does not let us in is not asked twice";
    });
}

TEST_F(TheStreams, FallBackWhenNothingOfTheCallerIsWrittenDown) {
    run([&] {
        MediaCaller caller;
        ASSERT_NO_FATAL_FAILURE(connect(caller));
        openai.fail_to_hear();
        openai.hear("Hello?");
        openai.fail_to_hear();
        ASSERT_TRUE(wait([&] { return offered.size() == 1; })) << "one alone is no reason";
        openai.fail_to_hear();
        ASSERT_TRUE(caller.wait_closed());
        EXPECT_EQ(caller.close_code(), 1011);
        EXPECT_THAT(ask_anew(), HasSubstr("https://example.com/voice/webhook"));
    });
}

TEST_F(TheStreams, LoseNothingThatIsSaidBeforeSomebodyListens) {
    run([&] {
        MediaCaller caller;
        const std::string token = ring_for_token();
        ASSERT_TRUE(caller.open(port, path));
        caller.begin("AC1", "CA1", token);
        caller.speak(10);
        EXPECT_TRUE(openai.wait([&] { return openai.sound().size() == 10u * 216; }));
    });
}

TEST_F(TheStreams, HearAgainWhenTheTranscriptionWasCutOff) {
    run([&] {
        MediaCaller caller;
        ASSERT_NO_FATAL_FAILURE(connect(caller));
        ASSERT_TRUE(openai.wait([&] { return !openai.messages().empty(); }));
        openai.cut();
        ASSERT_TRUE(openai.wait([&] { return openai.messages().size() == 2; }));
        caller.speak(10);
        ASSERT_TRUE(openai.wait([&] { return openai.sound().size() == 10u * 216; }));
        openai.hear("Are you there?");
        EXPECT_TRUE(wait([&] { return offered.size() == 1; }));
    });
}

}  // namespace voice
