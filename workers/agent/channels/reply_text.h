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

// NO_REPLY says nothing; [[reply_to_current]], [[reply_to:<id>]], [[audio_as_voice]] and lines
// "MEDIA:<path>" are taken out, outside of fenced code.
ChannelReply channel_reply(const std::string& answer);

// What a person is told of a turn that failed.
std::string failure_text(const std::string& why);

}  // namespace agent
