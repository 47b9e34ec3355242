#include "workers/agent/channels/block_text.h"

#include <algorithm>
#include <charconv>

#include "workers/agent/ids.h"
#include "workers/common/channel/fences.h"

namespace agent {

namespace {

// Where a block that follows `from` really begins, and in which fence.
struct BlockStart {
    size_t at = 0;
    const Fence* fence = nullptr;
};

bool is_blank_span(std::string_view text) {
    return text.find_first_not_of(blanks) == text.npos;
}

// A fence of which only the closing line is left is over.
size_t past_closing(std::string_view said, const Fence* fence, size_t at) {
    const bool is_over = fence && fence->is_closed && at >= fence->body &&
                         (at >= fence->end || is_blank_span(said.substr(at, fence->end - at)));
    return is_over ? std::max(at, fence->after) : at;
}

BlockStart block_start(std::string_view said, const std::vector<Fence>& fences, size_t from) {
    const Fence* fence = fence_at(fences, from);
    const size_t past = past_closing(said, fence, from);
    if (past != from) fence = nullptr;
    if (!fence) {
        // Of a new line the indentation stays.
        const size_t visible = std::min(said.find_first_not_of(blanks, past), said.size());
        const size_t line = said.substr(past, visible - past).rfind('\n');
        if (line != said.npos) return {past + line + 1, nullptr};
        return {past == 0 ? 0 : visible, nullptr};
    }
    size_t at = std::max(from, std::min(fence->body, said.size()));
    if (at > fence->body && at < said.size() && said[at] == '\n') ++at;
    return {at, fence};
}

std::string text_between(std::string_view said, const BlockStart& start, size_t end) {
    std::string text = start.fence ? std::string(start.fence->opening) + "\n" : "";
    if (end > start.at) text += said.substr(start.at, end - start.at);
    return text;
}

// Where the chunker's block ends in the text; npos when it is not there. Lines that it has added
// to close and to open a fence are no part of the text.
size_t end_of_block(std::string_view said, const std::vector<Fence>& fences, size_t from,
                    std::string_view block) {
    const BlockStart start = block_start(said, fences, from);
    if (start.fence) block.remove_prefix(std::min(block.find('\n'), block.size()));
    const size_t visible = said.find_first_not_of(blanks, start.at);
    if (visible == said.npos) return said.npos;
    block = trimmed(block);
    for (int lines = 0; lines < 2 && !block.empty(); ++lines) {
        if (said.substr(visible, block.size()) == block) {
            const size_t end = visible + block.size();
            return past_closing(said, fence_at(fences, end), end);
        }
        const size_t last = block.rfind('\n');
        block = trimmed(block.substr(0, last == block.npos ? 0 : last));
    }
    return said.npos;
}

template <typename Number>
bool take_block_number(std::string_view& text, Number& number, int base, std::string_view then) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc() || end == text.data()) return false;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (!text.starts_with(then)) return false;
    text.remove_prefix(then.size());
    return true;
}

}  // namespace

// FNV-1a: tells texts of one run apart, keeps no secret.
uint64_t mark_of(std::string_view text) {
    uint64_t hash = 14'695'981'039'346'656'037ull;
    for (const char c : text) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 1'099'511'628'211ull;
    }
    return hash;
}

std::string block_origin(const std::string& run_id, const SentBlock& block) {
    char mark[17] = {};
    std::to_chars(mark, mark + 16, block.mark, 16);
    return run_id + "#" + std::to_string(block.number) + "@" + std::to_string(block.end) + "." +
           mark;
}

std::optional<SentBlock> block_of(const std::string& run_id, std::string_view origin) {
    if (!origin.starts_with(run_id)) return {};
    origin.remove_prefix(run_id.size());
    if (!origin.starts_with("#")) return {};
    origin.remove_prefix(1);
    SentBlock block;
    if (!take_block_number(origin, block.number, 10, "@") ||
        !take_block_number(origin, block.end, 10, ".") ||
        !take_block_number(origin, block.mark, 16, "") || !origin.empty())
        return {};
    return block;
}

size_t sent_of(std::string_view said, const std::vector<SentBlock>& blocks) {
    size_t sent = 0;
    for (const SentBlock& block : blocks)
        if (block.end > sent && block.end <= said.size() &&
            mark_of(said.substr(0, block.end)) == block.mark)
            sent = block.end;
    return sent;
}

std::vector<size_t> block_ends(std::string_view said, size_t from, const BlockLimits& limits,
                               bool is_whole) {
    std::vector<size_t> ends;
    if (from >= said.size() || is_blank_span(said.substr(from))) return ends;
    const std::vector<Fence> fences = find_fences(said);
    BlockChunker chunker(limits);
    chunker.add(text_between(said, block_start(said, fences, from), said.size()));
    for (const std::string& block : is_whole ? chunker.finish() : chunker.take()) {
        const size_t end = end_of_block(said, fences, ends.empty() ? from : ends.back(), block);
        if (end == said.npos) break;
        ends.push_back(end);
    }
    if (!is_whole) return ends;
    const size_t last = ends.empty() ? from : ends.back();
    if (is_blank_span(said.substr(last)) && !ends.empty())
        ends.back() = said.size();
    else if (!is_blank_span(said.substr(last)))
        ends.push_back(said.size());
    return ends;
}

std::string block_text(std::string_view said, size_t from, size_t end) {
    const std::vector<Fence> fences = find_fences(said);
    const BlockStart start = block_start(said, fences, from);
    if (start.at >= end || is_blank_span(said.substr(start.at, end - start.at))) return {};
    std::string text(without_blanks_after(text_between(said, start, end)));
    const Fence* open = end < said.size() ? fence_at(fences, end) : nullptr;
    if (open && end >= open->body) text += "\n" + std::string(open->closing);
    return text;
}

}  // namespace agent
