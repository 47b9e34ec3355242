// The transcript format (JSONL, version 3): what its lines say, which of them are the active
// branch, and what a model is shown of them. Pure: no files, no clock.
//
// Promises to read any bytes. A line that cannot be read is counted and skipped, and never hides
// the ones after it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/agent/model_types.h"
#include "workers/common/base/json.h"

namespace agent {

inline constexpr int transcript_version = 3;
// Longer lines are skipped as unreadable.
inline constexpr size_t longest_transcript_line = 32u << 20;

// What the index keeps of one line.
struct TranscriptLine {
    uint64_t offset = 0;
    uint32_t size = 0;     // without the line break
    bool in_tree = false;  // has a parentId, be it null; lines without one are shown but not sent
    bool is_message = false;
    bool is_compaction = false;
    std::string id;
    std::string parent;
    std::string first_kept;  // of a compaction
};

// Reads a transcript piece by piece and remembers where things are, not what they say.
class TranscriptIndex {
  public:
    void feed(std::string_view bytes);
    // Takes what follows the last line break as a line.
    void finish();

    const std::vector<TranscriptLine>& lines() const { return lines_; }
    bool has_header() const { return has_header_; }
    // Lines that could not be read, the ones at the very end not counted.
    size_t bad_lines() const { return bad_before_last_good_; }
    // Where the last readable line ends, its line break included if it has one.
    uint64_t good_end() const { return good_end_; }
    // The last readable line has no line break.
    bool needs_line_break() const { return needs_line_break_; }
    // Id of the last line in the tree, where the next one attaches; empty: none.
    std::string leaf() const;
    // The lines from the root to the leaf.
    std::vector<const TranscriptLine*> branch() const;
    // The part of it a model is shown: the last compaction, if any, then what was kept.
    std::vector<const TranscriptLine*> shown() const;

  private:
    void take_line(std::string_view line, bool broken_off);

    std::vector<TranscriptLine> lines_;
    std::string partial_;
    uint64_t position_ = 0;  // where the line under way begins
    bool overlong_ = false;
    uint64_t overlong_size_ = 0;
    bool has_header_ = false;
    bool linear_ = false;  // version 1: no ids, each line follows the one before
    size_t bad_ = 0;
    size_t bad_before_last_good_ = 0;
    uint64_t good_end_ = 0;
    bool needs_line_break_ = false;
};

// The message a model is shown for an entry (message, compaction, branch_summary, custom_message);
// null for all others, for injected replies, and for answers that failed.
Json shown_message(const Json& entry);
// Makes the messages acceptable: calls without a result get one, results without a call go.
void repair_pairs(std::vector<Json>& messages);
// A result that was made so: it was recorded at no time.
bool is_stand_in(const Json& result);
// Drops the oldest turns until the text fits in about `tokens`; keeps at least the last turn.
void trim_to(std::vector<Message>& messages, int64_t tokens);
// Bytes of text in a message, as an estimate of its size; an image counts at most so much.
size_t message_size(const Json& message, size_t most_per_image);

// A user's text as history shows it: without the envelope of a channel and message ids.
std::string without_envelope(std::string_view text);
// The text blocks of a message, joined.
std::string message_text(const Json& message);

std::string header_line(std::string_view session_id, int64_t now_ms, std::string_view directory);
// One line with its line break. A null `parent` of the root is written for an empty one.
std::string entry_line(std::string_view id, std::string_view parent, int64_t now_ms,
                       const Json& message);
// The same of an entry that has a type of its own.
std::string entry_line_of(std::string_view id, std::string_view parent, int64_t now_ms,
                          const Json& entry);
// About so many tokens: three bytes each err on the safe side for most languages, an image costs
// about 1,600 whatever its bytes.
int64_t tokens_of(const Json& message);
// The same, counted once.
int64_t tokens_of(const Message& message);

}  // namespace agent
