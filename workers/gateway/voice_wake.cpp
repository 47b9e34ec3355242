#include "workers/gateway/voice_wake.h"

#include "workers/gateway/frames.h"

namespace gateway {

namespace {

constexpr const char* file_name = "voicewake.json";
constexpr size_t most_words = 32;
constexpr size_t longest_word = 64;

std::string_view without_blanks(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

}  // namespace

std::vector<std::string> wake_words(const Json& sent) {
    std::vector<std::string> words;
    if (sent.is_array())
        for (const Json& word : sent) {
            if (!word.is_string() || words.size() >= most_words) continue;
            const std::string_view text = without_blanks(word.get_ref<const std::string&>());
            if (!text.empty()) words.push_back(cut_text(text, longest_word));
        }
    if (words.empty()) words = {"openclaw", "claude", "computer"};
    return words;
}

Json VoiceWake::get() const {
    return {{"triggers", wake_words(member(files_.read_object(file_name), "triggers"))}};
}

Result<Json> VoiceWake::set(const Json& triggers, int64_t now_ms) {
    Json file = files_.read_object(file_name);
    file["triggers"] = wake_words(triggers);
    file["updatedAtMs"] = now_ms;
    if (const Done written = files_.write(file_name, file); !written) return written.error();
    return Json{{"triggers", file["triggers"]}};
}

}  // namespace gateway
