#include "workers/agent/channels/block_streams.h"

#include <algorithm>
#include <utility>

#include "workers/common/log.h"

namespace agent {

namespace {

size_t size_between(const std::string& said, size_t from, size_t end, Measure measure) {
    return measured(std::string_view(said).substr(from, end - from), measure);
}

}  // namespace

BlockStreams::BlockStreams(Services services) : services_(std::move(services)) {}

Result<std::vector<SentBlock>> BlockStreams::blocks_before(const std::string& run_id) {
    const Result<std::vector<std::string>> origins =
        services_.channels.outbound_origins(run_id + "#");
    if (!origins) return origins.error();
    std::vector<SentBlock> blocks;
    for (const std::string& origin : *origins)
        if (const auto block = block_of(run_id, origin)) blocks.push_back(*block);
    return blocks;
}

// They come before the answer, and are known when it is whole.
bool BlockStreams::shows_thoughts(const ChannelTurn& turn) const {
    const Result<std::optional<Session>> session = services_.store.find(turn.route.session);
    if (!session || !*session) return false;
    const std::string level = text_member((*session)->entry, "reasoningLevel");
    return level == "on" || level == "stream";
}

void BlockStreams::turn_accepted(const ChannelTurn& turn, bool is_taken_up) {
    BlockSettings settings = block_settings(services_.config, turn);
    if (!settings.on || shows_thoughts(turn)) return;
    Stream stream;
    if (is_taken_up) {
        Result<std::vector<SentBlock>> blocks = blocks_before(turn.run_id);
        if (!blocks) {
            log_warn("the answer of run {} is not sent in blocks: {}", turn.run_id,
                     blocks.error().what);
            return;
        }
        stream.blocks = std::move(*blocks);
        stream.is_compared = stream.blocks.empty();
        for (const SentBlock& block : stream.blocks)
            stream.last_number = std::max(stream.last_number, block.number);
    }
    stream.settings = settings;
    stream.turn = turn;
    stream.turn.row.message.clear();
    streams_.insert_or_assign(turn.run_id, std::move(stream));
}

void BlockStreams::run_says(const std::string& run_id, const std::string& text) {
    const auto found = streams_.find(run_id);
    if (found == streams_.end()) return;
    Stream& stream = found->second;
    take(stream, text);
    if (stream.settings.waits_for_message_end || is_stuck(stream)) return;
    compare(stream);
    if (stream.is_compared) divide(stream);
}

void BlockStreams::take(Stream& stream, const std::string& text) {
    std::string said = spoken_so_far(text);
    // Another model begins anew; or what counted as said turns out to be a thought.
    if (!text.starts_with(stream.text) || said.size() < stream.ready) {
        stream.sent = stream.ready = 0;
        stream.is_compared = stream.blocks.empty();
        stream.idle.reset();
    }
    stream.text = text;
    stream.said = std::move(said);
}

// Once the text is as long as the longest that was sent.
void BlockStreams::compare(Stream& stream) {
    if (stream.is_compared) return;
    for (const SentBlock& block : stream.blocks)
        if (block.end > stream.said.size()) return;
    stream.is_compared = true;
    stream.sent = stream.ready = sent_of(stream.said, stream.blocks);
}

void BlockStreams::divide(Stream& stream) {
    const BlockSettings& settings = stream.settings;
    const Measure measure = settings.chunk.measure;
    const std::vector<size_t> ends = block_ends(stream.said, stream.ready, settings.chunk, false);
    for (const size_t end : ends) {
        const bool would_be_long =
            stream.ready > stream.sent &&
            size_between(stream.said, stream.sent, end, measure) > settings.join.most;
        if (would_be_long && !send(stream, stream.ready)) return;
        stream.ready = end;
        if (size_between(stream.said, stream.sent, end, measure) >= settings.join.most &&
            !send(stream, end))
            return;
    }
    if (!ends.empty()) wait_for_more(stream);
}

// What follows close behind goes out with it.
void BlockStreams::wait_for_more(Stream& stream) {
    stream.idle.reset();
    if (stream.ready == stream.sent) return;
    stream.idle =
        services_.loop.after(stream.settings.join.idle, [this, run_id = stream.turn.run_id] {
            const auto found = streams_.find(run_id);
            if (found == streams_.end()) return;
            Stream& waiting = found->second;
            waiting.idle.reset();
            const size_t size = size_between(waiting.said, waiting.sent, waiting.ready,
                                             waiting.settings.chunk.measure);
            if (size >= waiting.settings.join.least && !is_stuck(waiting))
                (void)send(waiting, waiting.ready);
        });
}

bool BlockStreams::is_stuck(Stream& stream) {
    if (stream.has_stopped || stream.on_way.empty()) return stream.has_stopped;
    const int64_t since = stream.on_way.begin()->second;
    if (services_.now_ms() - since <= send_timeout_ms) return false;
    log_info("{} does not take a block in time: the rest of the answer is sent at its end",
             stream.turn.row.worker);
    stream.has_stopped = true;
    stream.idle.reset();
    return true;
}

// 0: at once.
int64_t BlockStreams::next_due(Stream& stream) {
    const int64_t now = services_.now_ms();
    const auto& pause = stream.settings.pause;
    if (pause.most_ms == 0) return 0;
    const int64_t wait =
        std::uniform_int_distribution<int64_t>(pause.least_ms, pause.most_ms)(random_);
    const bool is_first = stream.last_number == 0;
    stream.due_ms = is_first ? now : std::max(now, stream.due_ms + wait);
    return stream.due_ms;
}

// False: it could not be written down, and is left for the end.
bool BlockStreams::send(Stream& stream, size_t end) {
    const ChannelReply said = reply_in(block_text(stream.said, stream.sent, end));
    if (said.says_nothing()) {
        stream.sent = end;
        return true;
    }
    const SentBlock block{stream.last_number + 1, end,
                          mark_of(std::string_view(stream.said).substr(0, end))};
    Delivery delivery = services_.rows.delivery(stream.turn, said, stream.last_number == 0);
    delivery.origin = block_origin(stream.turn.run_id, block);
    OutboundRow row = outbound_row(delivery, services_.now_ms());
    const int64_t due_before = stream.due_ms;
    row.next_try_ms = next_due(stream);
    const Done done = services_.outbox.add(
        std::move(row),
        [this, run_id = stream.turn.run_id, number = block.number](const OutboundRow& sent) {
            settled(run_id, number, sent.state == OutboundRow::State::sent);
        });
    if (!done) {
        log_warn("the rest of an answer to {} is sent at its end: {}", stream.turn.row.worker,
                 done.error().what);
        stream.due_ms = due_before;
        stream.has_stopped = true;
        stream.idle.reset();
        return false;
    }
    stream.on_way[block.number] = std::max(stream.due_ms, services_.now_ms());
    stream.blocks.push_back(block);
    stream.last_number = block.number;
    stream.sent = end;
    return true;
}

// The next one is the channel's only now.
void BlockStreams::settled(const std::string& run_id, unsigned number, bool is_sent) {
    const auto found = streams_.find(run_id);
    if (found == streams_.end()) return;
    auto& on_way = found->second.on_way;
    on_way.erase(number);
    if (!on_way.empty())
        on_way.begin()->second = std::max(on_way.begin()->second, services_.now_ms());
    if (is_sent) services_.block_arrived(run_id);
}

// The ends of the blocks that a whole text still makes, put together as far as they may be.
std::vector<size_t> BlockStreams::joined(const Stream& stream, size_t from) {
    const bool is_over = stream.said.find_first_not_of(blanks, from) == std::string::npos;
    if (is_over) return {};
    if (stream.has_stopped) return {stream.said.size()};
    std::vector<size_t> ends;
    size_t begin = from;
    for (const size_t end : block_ends(stream.said, from, stream.settings.chunk, true)) {
        const bool fits =
            !ends.empty() && size_between(stream.said, begin, end, stream.settings.chunk.measure) <=
                                 stream.settings.join.most;
        if (fits) {
            ends.back() = end;
            continue;
        }
        if (!ends.empty()) begin = ends.back();
        ends.push_back(end);
    }
    return ends;
}

void BlockStreams::run_turns_to_tools(const std::string& run_id, const std::string& text) {
    const auto found = streams_.find(run_id);
    if (found == streams_.end()) return;
    Stream& stream = found->second;
    stream.text = text;
    stream.said = spoken(text);
    stream.sent = sent_of(stream.said, stream.blocks);
    stream.idle.reset();
    for (const size_t end : joined(stream, stream.sent))
        if (!send(stream, end)) {
            log_warn("what run {} said before it used a tool is not sent", run_id);
            break;
        }
    // What comes next is another message.
    stream.text.clear();
    stream.said.clear();
    stream.blocks.clear();
    stream.is_compared = true;
    stream.ready = stream.sent = 0;
}

std::vector<BlockStreams::Part> BlockStreams::turn_ended(const ChannelTurn& turn,
                                                         const std::string& said) {
    auto found = streams_.extract(turn.run_id);
    if (said.empty()) return {};
    Stream stream;
    if (!found.empty()) {
        stream = std::move(found.mapped());
    } else {
        stream.has_stopped = true;  // whatever an earlier process sent, the rest is one
        Result<std::vector<SentBlock>> blocks = blocks_before(turn.run_id);
        if (blocks)
            stream.blocks = std::move(*blocks);
        else
            log_warn("what run {} has sent before may be said again: {}", turn.run_id,
                     blocks.error().what);
        for (const SentBlock& block : stream.blocks)
            stream.last_number = std::max(stream.last_number, block.number);
    }
    stream.said = said;
    size_t from = sent_of(said, stream.blocks);
    std::vector<Part> parts;
    for (const size_t end : joined(stream, from)) {
        const int64_t due = next_due(stream);
        const SentBlock block{stream.last_number + 1, end, mark_of(said.substr(0, end))};
        parts.push_back({block_text(said, from, end), block_origin(turn.run_id, block), due,
                         stream.last_number == 0});
        ++stream.last_number;
        from = end;
    }
    if (!parts.empty()) parts.back().origin = turn.run_id;
    return parts;
}

}  // namespace agent
