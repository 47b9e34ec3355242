// What a worker writes, in any pieces and over two lives, comes out as whole lines, every byte of
// it accounted for, and no secret among them.
//
// The first byte chooses format and limit, the second how the input is cut into writes, the third
// where the first life ends. The rest is what the worker writes.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/log_pump.h"
#include "supervisor/log_text.h"

namespace {

using supervisor::LinePiece;
using supervisor::LineSplitter;
using supervisor::LogPump;
using supervisor::SecretMask;

const std::vector<std::string> secrets = {"abcabc", "s3cret-token", "pa\"ss\\word"};

int64_t now_ms = 0;

void check(bool claim) {
    if (!claim) std::abort();
}

// What must come out when nothing is suppressed.
class Expected {
  public:
    void take(const LinePiece& piece) {
        ++pieces;
        if (piece.is_whole_line() && last_ == piece.text) {
            ++repeats_;
            return;
        }
        tell_repeats();
        if (piece.is_whole_line())
            last_ = piece.text;
        else
            last_.reset();
        texts.push_back((piece.begins ? "" : "… ") + supervisor::escape_control(piece.text) +
                        (piece.cut_off ? " [line not finished]"
                         : piece.ends  ? ""
                                       : " …"));
    }
    void end_life() {
        tell_repeats();
        last_.reset();
    }

    std::vector<std::string> texts;
    uint64_t pieces = 0;

  private:
    void tell_repeats() {
        if (repeats_ > 0)
            texts.push_back("the last line was repeated " + std::to_string(repeats_) +
                            (repeats_ == 1 ? " time" : " times"));
        repeats_ = 0;
    }

    std::optional<std::string> last_;
    uint64_t repeats_ = 0;
};

void turn(Loop& loop) {
    auto end = loop.after(std::chrono::milliseconds(0), [&loop] { loop.stop(0); });
    loop.run();
}

void live(Loop& loop, LogPump& pump, std::string_view bytes, size_t most, Expected& expected) {
    int ends[2];
    check(pipe2(ends, O_CLOEXEC) == 0);
    pump.follow("agent", Fd(ends[0]));
    const Fd writer(ends[1]);
    const SecretMask mask(secrets);
    LineSplitter splitter(mask);
    const auto taker = [&](const LinePiece& piece) { expected.take(piece); };
    while (!bytes.empty()) {
        const std::string_view part = bytes.substr(0, most);
        check(write(writer.get(), part.data(), part.size()) == static_cast<ssize_t>(part.size()));
        splitter.take(part, taker);
        bytes.remove_prefix(part.size());
        if (bytes.size() % 3 != 0) now_ms += static_cast<int64_t>(part.size() % 50);
        turn(loop);
    }
    pump.finish("agent");
    splitter.finish(taker);
    expected.end_life();
}

std::string content(int file) {
    std::string text(static_cast<size_t>(lseek(file, 0, SEEK_END)), '\0');
    check(pread(file, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    return text;
}

// The text of each line, which must be whole and fit to be printed.
std::vector<std::string> texts_of(std::string_view output, bool json) {
    constexpr size_t stamp_size = 24;
    const std::string tag = json ? "\",\"worker\":\"agent\",\"level\":\"" : " [agent] ";
    const size_t stamp_at = json ? std::string_view("{\"time\":\"").size() : 0;
    std::vector<std::string> texts;
    while (!output.empty()) {
        const size_t end = output.find('\n');
        check(end != std::string_view::npos);
        const std::string_view line = output.substr(0, end);
        output.remove_prefix(end + 1);
        check(supervisor::escape_control(line) == line);
        check(line.size() >= stamp_at + stamp_size + tag.size());
        check(line[stamp_at + stamp_size - 1] == 'Z');
        check(line.substr(stamp_at + stamp_size, tag.size()) == tag);
        check(!json || line.ends_with("\"}"));
        texts.emplace_back(line.substr(stamp_at + stamp_size + tag.size()));
    }
    return texts;
}

uint64_t repeats_in(const std::vector<std::string>& texts) {
    constexpr std::string_view notice = "the last line was repeated ";
    uint64_t repeats = 0;
    for (const std::string& text : texts)
        if (text.starts_with(notice)) repeats += std::stoull(text.substr(notice.size())) - 1;
    return repeats;
}

uint64_t notices_in(const std::vector<std::string>& texts) {
    return static_cast<uint64_t>(
        std::count_if(texts.begin(), texts.end(), [](const std::string& text) {
            return text.find(" suppressed: more than ") != std::string::npos;
        }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 3 || size > 256 * 1024) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 3, size - 3);
    const bool json = data[0] & 1;
    const bool is_limited = data[0] & 2;
    const size_t most = 1 + data[1] * size_t{250};
    const size_t first_life = bytes.size() * data[2] / 255;

    const Fd file(memfd_create("log", MFD_CLOEXEC));
    const std::unique_ptr<Loop> loop = make_epoll_loop();
    now_ms = 0;
    LogPump pump(*loop, file.get(), {}, [] { return now_ms; });
    pump.mask(secrets);
    pump.limit(is_limited ? 2 : UINT32_MAX);
    if (json) pump.format(supervisor::LogFormat::json);
    Expected expected;
    live(*loop, pump, bytes.substr(0, first_life), most, expected);
    live(*loop, pump, bytes.substr(first_life), most, expected);
    pump.flush(std::chrono::milliseconds(1'000));

    const std::string output = content(file.get());
    for (const std::string& secret : secrets) check(output.find(secret) == std::string::npos);
    const std::vector<std::string> texts = texts_of(output, json);
    check(pump.dropped() == 0);
    if (!is_limited) {
        check(pump.suppressed("agent") == 0);
        check(texts.size() == expected.texts.size());
        if (!json) check(texts == expected.texts);
        return 0;
    }
    if (json || bytes.find("repeated") != std::string_view::npos ||
        bytes.find("suppressed") != std::string_view::npos)
        return 0;  // the worker can write what our notices say
    check(texts.size() + repeats_in(texts) + pump.suppressed("agent") - notices_in(texts) ==
          expected.pieces);
    return 0;
}
