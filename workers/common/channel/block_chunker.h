// Divides a text that is still being written into blocks that can be sent meanwhile: not too short,
// not too long, at the places a reader would pause. Pure.
//
// What chunking.h promises of pieces holds for blocks; together they are the text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/channel/break_places.h"
#include "workers/common/channel/measure.h"

struct BlockLimits {
    size_t least = 800;
    size_t most = 1200;
    // A block that is long enough waits for a place of this kind, or a better one; a block that
    // would be too long ends at any.
    Place at = Place::paragraph;
    Measure measure = Measure::utf16_units;
};
// "paragraph", "newline", "sentence": `breakPreference` of openclaw.json.
Place break_preference(std::string_view name);

class BlockChunker {
  public:
    explicit BlockChunker(const BlockLimits& limits) : limits_(limits) {}

    void add(std::string_view text) { pending_ += text; }
    // Those that are ready.
    std::vector<std::string> take();
    // All that is left; nothing is added any more.
    std::vector<std::string> finish();

  private:
    // Where a block that is neither too short nor too long may end; npos: nowhere yet.
    size_t place() const;
    std::vector<std::string> take_whole();

    BlockLimits limits_;
    std::string pending_;
};
