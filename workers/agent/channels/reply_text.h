// What a model's answer becomes on a channel: reply tags, attached files, silence. Pure.
#pragma once

#include <string>
#include <vector>

namespace agent {

struct ChannelReply {
    std::string text;
    std::vector<std::string> files;  // as the model named them: paths or addresses
    bool wants_reply_to = false;     // a reply tag was there
    std::string reply_to_id;         // of the tag; empty: the current message
    bool as_voice = false;

    bool says_nothing() const { return text.empty() && files.empty(); }
};

// NO_REPLY says nothing; [[reply_to_current]], [[reply_to:<id>]], [[audio_as_voice]], lines
// "MEDIA:<path>" and what is thought aloud (<think>…</think>) are taken out, but not of fenced
// code.
ChannelReply channel_reply(const std::string& answer);

// The two halves of it: what is left without thoughts, from its first letter on, and the rest. A
// part of what is left may be read alone.
std::string spoken(const std::string& answer);
ChannelReply reply_in(const std::string& spoken_text);
// The same of an answer that is still being written: the whole one will begin so.
std::string spoken_so_far(const std::string& text);

// What a person is told of a turn that failed.
std::string failure_text(const std::string& why);

}  // namespace agent
