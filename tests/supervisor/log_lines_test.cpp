#include "supervisor/log_lines.h"

#include <gtest/gtest.h>

#include <random>

namespace supervisor {
namespace {

struct Taken {
    std::vector<std::string> pieces;
    std::string text;  // of all pieces, lines ended with \n, a cut off one with ~
};

Taken split(const SecretMask& mask, std::string_view bytes, size_t most_per_write, unsigned seed) {
    Taken taken;
    LineSplitter splitter(mask);
    const auto taker = [&](const LinePiece& piece) {
        taken.pieces.emplace_back(piece.text);
        taken.text += std::string(piece.text) + (piece.cut_off ? "~" : piece.ends ? "\n" : "");
    };
    std::minstd_rand random(seed);
    while (!bytes.empty()) {
        const size_t size = std::min<size_t>(bytes.size(), 1 + random() % most_per_write);
        splitter.take(bytes.substr(0, size), taker);
        bytes.remove_prefix(size);
    }
    splitter.finish(taker);
    return taken;
}

std::string lines_of_many_sizes() {
    std::string bytes;
    std::minstd_rand random(7);
    for (const size_t size : {0, 1, 100, 8'191, 8'192, 8'193, 8'250, 16'384, 30'000, 3, 0, 50'000})
        for (int i = 0; i < 3; ++i) {
            for (size_t at = 0; at < size; ++at) bytes += static_cast<char>('a' + random() % 26);
            bytes += '\n';
        }
    return bytes;
}

TEST(LineSplitter, LosesNoByteHoweverTheWritesAreCut) {
    const std::string bytes = lines_of_many_sizes();
    for (const SecretMask& mask : {SecretMask(), SecretMask({"not-in-there", "nor-this-one"})})
        for (const size_t most : {1, 7, 4'096, 65'536, 1'000'000})
            for (unsigned seed = 1; seed < 3; ++seed) {
                const Taken taken = split(mask, bytes + "rest", most, seed);
                EXPECT_EQ(taken.text, bytes + "rest~") << most;
                for (const std::string& piece : taken.pieces)
                    ASSERT_LE(piece.size(), LineSplitter::longest_line);
            }
}

TEST(LineSplitter, DropsOneReturnBeforeALineBreak) {
    for (const size_t most : {1, 3, 100})
        EXPECT_EQ(split(SecretMask(), "a\r\nb\r\r\n\r\nc\r", most, 1).text, "a\nb\r\n\nc\r~");
}

TEST(LineSplitter, CutsALongLineBetweenCharacters) {
    const std::string line = std::string(LineSplitter::longest_line - 1, 'x') + "\xe2\x80\xa6" +
                             std::string(20'000, 'y');
    for (const size_t most : {4'096, 100'000}) {
        const Taken taken = split(SecretMask(), line + "\n", most, 1);
        EXPECT_EQ(taken.text, line + "\n");
        EXPECT_EQ(taken.pieces.at(0), std::string(LineSplitter::longest_line - 1, 'x'));
    }
}

TEST(LineSplitter, MasksASecretWhereverItStandsInALongLine) {
    const std::string secret = "s3cret-token-value";
    const SecretMask mask({secret});
    for (size_t before = 8'100; before < 8'300; before += 3)
        for (const size_t most : {13, 5'000, 100'000}) {
            const Taken taken =
                split(mask, std::string(before, 'x') + secret + std::string(9'000, 'y'), most, 1);
            for (size_t at = 0; at + 3 <= secret.size(); ++at)
                ASSERT_EQ(taken.text.find(secret.substr(at, 3)), std::string::npos) << before;
            ASSERT_EQ(std::count(taken.text.begin(), taken.text.end(), 'y'), 9'000);
        }
}

TEST(LineSplitter, MasksWithoutEndWhatRepeatsASecretWithoutEnd) {
    const SecretMask mask({"aaaaaaaaaa"});
    EXPECT_EQ(split(mask, std::string(50'000, 'a') + "\n", 5'000, 1).text.find('a'),
              std::string::npos);
}

}  // namespace
}  // namespace supervisor
