#include "workers/voice/audio.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace voice {

namespace {

constexpr size_t step = speech_rate / telephone_rate;
constexpr int mulaw_bias = 0x84;
constexpr int mulaw_clip = 32'635;
// A telephone carries up to 3.4 kHz.
constexpr double cut_off_hz = 3'450;

// A windowed sinc (Hamming), of which the whole weighs one.
std::array<float, TelephoneSound::taps> make_filter() {
    constexpr auto taps = TelephoneSound::taps;
    constexpr double middle = (taps - 1) / 2.0;
    constexpr double turn = 2 * std::numbers::pi;
    std::array<double, taps> weights{};
    double whole = 0;
    for (size_t at = 0; at < taps; ++at) {
        const double x = turn * cut_off_hz / speech_rate * (static_cast<double>(at) - middle);
        const double window = 0.54 - 0.46 * std::cos(turn * static_cast<double>(at) / (taps - 1));
        weights[at] = (x == 0 ? 1 : std::sin(x) / x) * window;
        whole += weights[at];
    }
    std::array<float, taps> filter{};
    for (size_t at = 0; at < taps; ++at) filter[at] = static_cast<float>(weights[at] / whole);
    return filter;
}

}  // namespace

uint8_t mulaw_of(int16_t sample) {
    const int sign = sample < 0 ? 0x80 : 0;
    const int size = std::min(std::abs(static_cast<int>(sample)), mulaw_clip) + mulaw_bias;
    int exponent = 7;
    while (exponent > 0 && !(size & (0x80 << exponent))) --exponent;
    const int mantissa = (size >> (exponent + 3)) & 0x0f;
    return static_cast<uint8_t>(~(sign | exponent << 4 | mantissa));
}

int16_t sample_of(uint8_t mulaw) {
    const int bits = ~mulaw & 0xff;
    const int exponent = (bits >> 4) & 7;
    const int size = ((((bits & 0x0f) << 3) + mulaw_bias) << exponent) - mulaw_bias;
    return static_cast<int16_t>(bits & 0x80 ? -size : size);
}

std::string TelephoneSound::take(std::string_view speech) {
    std::string sound;
    sound.reserve(speech.size() / (2 * step) + 1);
    for (const char c : speech) {
        const auto byte = static_cast<uint8_t>(c);
        if (!has_half_)
            half_ = byte;
        else
            put(static_cast<int16_t>(static_cast<uint16_t>(byte << 8 | half_)), sound);
        has_half_ = !has_half_;
    }
    return sound;
}

std::string TelephoneSound::finish() {
    std::string sound;
    for (size_t at = 0; at < taps / 2; ++at) put(0, sound);
    *this = {};
    return sound;
}

void TelephoneSound::put(int16_t sample, std::string& sound) {
    static const std::array<float, taps> filter = make_filter();
    recent_[place_] = sample;
    place_ = (place_ + 1) % taps;
    if (until_next_ > 0) {
        --until_next_;
        return;
    }
    until_next_ = step - 1;
    float sum = 0;
    for (size_t at = 0; at < taps; ++at) sum += filter[at] * recent_[(place_ + at) % taps];
    const float loudest = 32'767;
    sound += static_cast<char>(
        mulaw_of(static_cast<int16_t>(std::lround(std::clamp(sum, -loudest, loudest)))));
}

}  // namespace voice
