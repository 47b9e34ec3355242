// Divides an answer that is still being written into blocks, and says of a text what of it was sent
// as blocks before. Pure.
//
// A block is a span of what is said (`spoken_so_far`, `spoken`): it begins where the one before it
// ended, so that together they are the text. Each is known in the outbox by its origin,
// "<run>#<number>@<end>.<mark>"; the mark is that of the whole text up to its end. A text that
// begins with the same words has been sent so far, whichever process wrote it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/channel/block_chunker.h"

namespace agent {

struct SentBlock {
    unsigned number = 0;  // within its run, from 1
    size_t end = 0;
    uint64_t mark = 0;
};

uint64_t mark_of(std::string_view text);
std::string block_origin(const std::string& run_id, const SentBlock& block);
// Nothing when the origin is that of no block of the run.
std::optional<SentBlock> block_of(const std::string& run_id, std::string_view origin);

// How much of the text was sent: the furthest block whose text it begins with.
size_t sent_of(std::string_view said, const std::vector<SentBlock>& blocks);

// Where the blocks that are ready end, from `from` on, where one has ended; of a whole text all of
// it, nothing when only blanks are left.
std::vector<size_t> block_ends(std::string_view said, size_t from, const BlockLimits& limits,
                               bool is_whole);
// A span as a person gets it: a code fence that it divides is closed, or opened again.
std::string block_text(std::string_view said, size_t from, size_t end);

}  // namespace agent
