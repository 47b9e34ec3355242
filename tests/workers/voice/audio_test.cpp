#include "workers/voice/audio.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace voice {

namespace {

std::string tone(double hertz, int length_ms, double loudness = 16'000) {
    std::string bytes;
    for (int at = 0; at < 24 * length_ms; ++at) {
        const auto sample =
            static_cast<int16_t>(loudness * std::sin(2 * M_PI * hertz * at / 24'000.0));
        bytes += static_cast<char>(sample & 0xff);
        bytes += static_cast<char>((sample >> 8) & 0xff);
    }
    return bytes;
}

double loudness_of(const std::string& mulaw) {
    double sum = 0;
    for (const char c : mulaw) {
        const double sample = sample_of(static_cast<uint8_t>(c));
        sum += sample * sample;
    }
    return std::sqrt(sum / static_cast<double>(mulaw.size()));
}

}  // namespace

// ITU-T G.711, table 2a.
TEST(Mulaw, HasTheValuesOfTheStandard) {
    EXPECT_EQ(mulaw_of(0), 0xff);
    EXPECT_EQ(mulaw_of(32'767), 0x80);
    EXPECT_EQ(mulaw_of(-32'768), 0x00);
    EXPECT_EQ(sample_of(0x80), 32'124);
    EXPECT_EQ(sample_of(0x00), -32'124);
    EXPECT_EQ(sample_of(0xff), 0);
    for (int code = 0; code < 256; ++code) {
        if (code == 0x7f) continue;  // minus nothing
        EXPECT_EQ(mulaw_of(sample_of(static_cast<uint8_t>(code))), code);
    }
}

TEST(Mulaw, IsOffByNoMoreThanAStep) {
    for (int sample = -32'000; sample <= 32'000; sample += 37) {
        const int back = sample_of(mulaw_of(static_cast<int16_t>(sample)));
        EXPECT_LE(std::abs(back - sample), std::max(4, std::abs(sample) / 16)) << sample;
    }
}

TEST(TelephoneSound, IsAThirdOfTheSpeech) {
    TelephoneSound sound;
    EXPECT_EQ(sound.take(tone(440, 100)).size(), 800u);
    EXPECT_EQ(sound.finish().size(), 12u) << "what the filter held";
}

TEST(TelephoneSound, KeepsWhatATelephoneCarriesAndNothingElse) {
    for (const double hertz : {300.0, 1'000.0, 2'800.0}) {
        TelephoneSound sound;
        EXPECT_NEAR(loudness_of(sound.take(tone(hertz, 500))), 16'000 / std::sqrt(2), 700) << hertz;
    }
    for (const double hertz : {4'300.0, 7'000.0, 11'000.0}) {
        TelephoneSound sound;
        EXPECT_LT(loudness_of(sound.take(tone(hertz, 500)).substr(100)), 120)
            << hertz << " would come back as another tone";
    }
}

TEST(TelephoneSound, IsTheSameHoweverItComes) {
    const std::string speech = tone(440, 50);
    TelephoneSound whole;
    const std::string expected = whole.take(speech);
    for (const size_t each : {1u, 3u, 1'001u}) {
        TelephoneSound sound;
        std::string got;
        for (size_t at = 0; at < speech.size(); at += each)
            got += sound.take(speech.substr(at, each));
        EXPECT_EQ(got, expected) << each;
    }
}

TEST(TelephoneSound, IsCutAndNotTurnedRoundWhereItIsTooLoud) {
    TelephoneSound sound;
    std::string loud;
    for (int at = 0; at < 2'400; ++at) loud += std::string("\xff\x7f", 2);
    EXPECT_GT(sample_of(static_cast<uint8_t>(sound.take(loud).back())), 30'000);
}

}  // namespace voice
