// Sound on the telephone: mu-law at 8 kHz (ITU-T G.711), and how speech becomes it. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace voice {

inline constexpr size_t telephone_rate = 8'000;  // bytes per second of mu-law
inline constexpr size_t speech_rate = 24'000;    // samples per second
inline constexpr char mulaw_silence = '\xff';

uint8_t mulaw_of(int16_t sample);
int16_t sample_of(uint8_t mulaw);

// Speech at 24 kHz, 16 bit, little-endian, one channel, to mu-law at 8 kHz. What a telephone line
// does not carry is filtered out first, else it would come back as noise. Pieces may end in the
// middle of a sample.
class TelephoneSound {
  public:
    std::string take(std::string_view speech);
    // What the filter still holds; the next take() begins anew.
    std::string finish();

    static constexpr size_t taps = 73;  // 50 dB down at 4 kHz, 3 ms

  private:
    void put(int16_t sample, std::string& sound);

    std::array<float, taps> recent_{};
    size_t place_ = 0;
    size_t until_next_ = 0;
    bool has_half_ = false;
    uint8_t half_ = 0;
};

}  // namespace voice
